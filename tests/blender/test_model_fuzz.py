# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken models that the reader accepts are rendered or rejected by the command line, which opens no outside file."""

import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.model_fuzz import Mutator, Verdict, judge_set, models, reaches_blender

BLENDER_MUTANTS = 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
def test_sets_of_broken_models_end_cleanly_and_open_no_outside_file(tmp_path: Path):
    verdict = Verdict()
    mutants = filter(reaches_blender, Mutator(tmp_path, 23, models()).mutants(500))
    for path in islice(mutants, BLENDER_MUTANTS):
        judge_set(path, verdict)
    assert verdict.faults == []
    assert verdict.counts.total() == BLENDER_MUTANTS
    assert verdict.counts["exit 0"], "some are rendered"
