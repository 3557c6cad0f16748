# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of a set that people found right become the good pairs of ``benchmarks.fidelity --folder``."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.fidelity_folder import kept_photos, results_in
from benchmarks.fidelity_tables import table
from photoreal_set.messages.errors import InputError
from tests.gated_set import HERO, OTHER, PHOTO, GatedSet

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tea(tmp_path: Path, emulator) -> GatedSet:
    tea = GatedSet.at(tmp_path, emulator.url)
    assert tea.run().exit_code == 0
    return tea


def decided(tea: GatedSet, name: str, **members: object) -> None:
    record = tea.record
    photo = next(one["photo"] for one in record["angles"] if one["name"] == name)
    photo.update(members)
    (tea.plan.out / "set.json").write_text(json.dumps(record), encoding="utf-8")


def test_photos_and_their_defects_are_checked_against_the_renders_of_the_set(tea: GatedSet):
    said: list[str] = []
    results = list(results_in(tea.plan.out.parent, 1, plain=False, say=said.append))
    good = [one for one in results if one.kind == "good"]
    assert [(one.product, one.verdict) for one in good] == [("tea", "accept")] * 2
    assert {one.chain for one in good} == {f"{PHOTO}, calibrated"}
    bad = [one for one in results if one.kind != "good"]
    assert {one.kind for one in bad} > {"shift", "zoom", "roll", "stretch", "bent", "recoloured"}
    assert "other product" not in {one.kind for one in bad}
    assert [one.kind for one in bad if one.verdict == "accept"] == []
    assert (
        "| false alarms | 0.0% (0 of 2) |\n| 95 % confidence interval of their share | 0.0% to 65.8% |"
        in table(results)
    )
    assert said == []


def test_what_a_person_rejected_or_what_is_missing_is_left_out(tea: GatedSet):
    decided(tea, HERO, review={"decision": "retry", "by": "Ada", "when": "2026-01-31T12:00:00Z"})
    (tea.plan.out / "masks" / f"{OTHER}.png").unlink()
    said: list[str] = []
    assert list(kept_photos(tea.plan.out, plain=False, say=said.append)) == []
    assert said == [
        f"tea {OTHER}: a file of the photo or its render is missing, left out",
        f"tea {HERO}: rejected by a person, left out",
    ]


def test_a_locked_photo_is_taken_as_it_was_received(tea: GatedSet):
    shown = tea.photo(HERO)
    decided(tea, HERO, path=f"renders/{HERO}.png", fidelity={**shown["fidelity"], "locked": {"path": "no"}})
    *_, kept = kept_photos(tea.plan.out, plain=True, say=print)
    assert (kept.made_by, kept.is_calibrated, len(kept.reference.lights)) == (PHOTO, False, 0)
    with Image.open(tea.plan.out / shown["original"]) as original:
        assert np.array_equal(np.asarray(kept.picture), np.asarray(original.convert("RGB")))


def test_a_folder_without_a_set_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"contains no set: set\.json is missing"):
        list(results_in(tmp_path, 1, plain=False, say=print))
    command = [sys.executable, "-m", "benchmarks.fidelity", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{tmp_path} contains no set: set.json is missing." in done.stderr
