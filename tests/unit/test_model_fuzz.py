# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken and hostile models are read or rejected in one sentence; ``benchmarks.fuzz_models`` tries thousands of them."""

import os
from pathlib import Path

import pytest

from tests.model_fuzz import OUTSIDE, SECRET, Mutator, Verdict, judge_reader, models

READER_MUTANTS = 150


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the mutants need links")
def test_the_reader_rejects_in_one_sentence_and_opens_no_outside_file(tmp_path: Path):
    verdict = Verdict()
    for path in Mutator(tmp_path, 11, models()).mutants(READER_MUTANTS):
        judge_reader(path, verdict)
    assert verdict.faults == []
    assert min(verdict.counts["taken"], verdict.counts["refused"]) > READER_MUTANTS // 10, "they test both"


def test_a_seed_always_gives_the_same_mutants(tmp_path: Path):
    first, second = (
        [path.read_bytes() for path in Mutator(tmp_path / name, 5, models()).mutants(20)]
        for name in ("a", "a b")
    )
    named = [(tmp_path / name / OUTSIDE / "secret.png").read_bytes() for name in ("a", "a b")]
    assert named[0] == named[1]
    assert SECRET in named[0]
    assert sum(one == other for one, other in zip(first, second, strict=True)) > 10, (
        "all but those that name a place"
    )
