# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that differ from the others of their set are named, and matched where that is safe; the photo before is kept."""

import io
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoreal_set.command_line import main as cli
from photoreal_set.command_line.accepting import accept_results
from photoreal_set.files.writing import sha256_of
from photoreal_set.messages import events
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set.choices import Engine, Fidelity
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.verdict import DRIFT
from tests.gated_set import HERO, OTHER, PHOTO, GatedSet, run_until_write

pytestmark = pytest.mark.slow

THIRD = "side"
NAMES = (OTHER, HERO, THIRD)


@pytest.fixture
def tea(tmp_path: Path, emulator) -> GatedSet:
    return GatedSet.at(tmp_path, emulator.url, angles=tuple(ANGLES[name] for name in NAMES))


def warmer(nth: int) -> dict[str, object]:
    return {"name": "planted-defect", "defect": "warmer", "endpoint": PHOTO, "nth": nth}


def drifts(tea: GatedSet) -> dict[str, Any]:
    found: dict[str, Any] = tea.record["consistency"]["angles"]
    return found


def findings(tea: GatedSet) -> list[str]:
    return [one["text"] for one in tea.record.get("findings", []) if one["kind"] == DRIFT]


def colours(path: Path) -> np.ndarray:
    """The mean of the picture."""
    return np.asarray(Image.open(path).convert("RGB"), dtype=float).mean(axis=(0, 1))


def test_the_photos_of_a_clean_set_belong_together(tea: GatedSet, emulator):
    assert tea.run().exit_code == 0
    assert set(drifts(tea)) == set(NAMES)
    assert tea.record["consistency"]["score"] <= 1.0
    assert not any("matched" in tea.photo(name)["fidelity"] for name in NAMES)
    assert findings(tea) == []
    assert not any(isinstance(event, events.Drift) for event in tea.told.events)


def test_a_warmer_photo_is_matched_and_kept_as_it_was(tea: GatedSet, emulator):
    emulator.control(faults=[warmer(2)])
    assert tea.run().exit_code == 0
    photo = tea.photo(OTHER)
    found = photo["fidelity"]["matched"]
    assert found["kelvin"] == pytest.approx(-400.0, abs=150.0)
    shown, before = (colours(tea.plan.out / one["path"]) for one in (photo, found))
    assert shown[2] - shown[0] > before[2] - before[0] + 2.0
    assert sha256_of(tea.plan.out / found["path"]) == found["sha256"]
    assert (tea.plan.out / photo["original"]).is_file()
    assert drifts(tea)[OTHER]["photo"] == photo["sha256"]
    assert tea.record["consistency"]["score"] <= 1.0
    assert findings(tea) == [], "nothing is wrong with what is shown"
    (event,) = (event for event in tea.told.events if isinstance(event, events.Drift))
    assert (event.angle, event.matched) == (OTHER, True)
    assert any(text.startswith(f"{OTHER}: The product is ") and "K warmer" in text for text in tea.told.texts)
    before_again = (tea.plan.out / "set.json").read_bytes()
    assert tea.run().exit_code == 0
    assert tea.photo(OTHER) == photo, "another run changes nothing"
    assert json.loads(before_again)["consistency"] == tea.record["consistency"]
    assert len(emulator.ledger()) == 3


@pytest.mark.parametrize("amount", [0.18, 0.22])
def test_another_colour_is_never_matched_as_light(tea: GatedSet, emulator, amount: float):
    emulator.control(faults=[{**warmer(2), "defect": "recoloured", "amount": amount}])
    assert tea.run().exit_code == 0
    photo = tea.photo(OTHER)
    assert "matched" not in photo["fidelity"]
    assert photo["fidelity"]["verdict"] == "look"
    assert "its color may be wrong" in photo["fidelity"]["reason"]
    assert photo["fidelity"]["alone"]["verdict"] == "accept"
    assert all(tea.photo(name)["fidelity"]["verdict"] == "accept" for name in (HERO, THIRD))
    assert [text.split(":")[0] for text in findings(tea)] == [OTHER]
    before = tea.record
    assert tea.run().exit_code == 0
    assert tea.record == before
    accept_results(SetFolder.open(tea.plan.out), [OTHER], tea.told)
    assert tea.run().exit_code == 0
    assert tea.photo(OTHER)["fidelity"]["accepted"]
    assert len(emulator.ledger()) == 3


def test_a_report_names_the_drift_and_changes_nothing(tea: GatedSet, emulator):
    emulator.control(faults=[warmer(2)])
    assert tea.run(fidelity=Fidelity.REPORT).exit_code == 0
    assert "matched" not in tea.photo(OTHER)["fidelity"]
    assert tea.record["consistency"]["score"] > 1.0
    (text,) = findings(tea)
    assert text.startswith(f"{OTHER}: The product is") and "K warmer than in the other photos" in text
    assert any(text in told for told in tea.told.texts)
    folder = SetFolder.open(tea.plan.out)
    folder.write_page()
    assert "<h2 id='consistency'>" in folder.report.read_text(encoding="utf-8")
    plain = io.StringIO()
    assert cli.main(["check", str(tea.plan.out)], plain) == 0
    assert f"  {OTHER}: The product is" in plain.getvalue()


def test_a_photo_that_a_video_was_made_from_is_only_named(tea: GatedSet, emulator):
    emulator.control(faults=[warmer(1)])
    assert tea.run(video=Engine.FAL).exit_code == 0
    assert "matched" not in tea.photo(HERO)["fidelity"]
    assert [text.split(":")[0] for text in findings(tea)] == [HERO]


def test_a_photo_that_a_person_has_accepted_is_only_named(tea: GatedSet, emulator):
    emulator.control(faults=[warmer(2)])
    tea.run(fidelity=Fidelity.REPORT)
    accept_results(SetFolder.open(tea.plan.out), [OTHER], tea.told)
    shown = tea.photo(OTHER)["sha256"]
    assert tea.run(fidelity=Fidelity.GATE).exit_code == 0
    assert tea.photo(OTHER)["sha256"] == shown
    assert len(findings(tea)) == 1


def test_a_matched_photo_that_a_person_has_accepted_stays(tea: GatedSet, emulator):
    emulator.control(faults=[warmer(2)])
    tea.run()
    matched = tea.photo(OTHER)
    accept_results(SetFolder.open(tea.plan.out), [OTHER], tea.told)
    assert tea.run(fidelity=Fidelity.REPORT).exit_code == 0
    photo = tea.photo(OTHER)
    assert photo["sha256"] == matched["sha256"]
    assert photo["fidelity"]["matched"] == matched["fidelity"]["matched"]
    assert findings(tea) == []


def test_a_match_is_undone_when_the_check_only_reports(tea: GatedSet, emulator):
    emulator.control(faults=[warmer(2)])
    tea.run()
    matched = tea.photo(OTHER)
    assert tea.run(fidelity=Fidelity.REPORT).exit_code == 0
    photo = tea.photo(OTHER)
    assert "matched" not in photo["fidelity"]
    assert photo["sha256"] != matched["sha256"]
    assert len(findings(tea)) == 1


def test_an_enlarged_photo_is_matched_in_its_size(tea: GatedSet, emulator):
    emulator.control(faults=[warmer(2)])
    assert tea.run(photo_size=1200, upscale_endpoint="lanczos").exit_code == 0
    photo = tea.photo(OTHER)
    assert (photo["width"], photo["fidelity"]["matched"]["width"]) == (1200, 1200)
    assert Image.open(tea.plan.out / photo["path"]).size == (1200, 1200)
    assert tea.run(photo_size=None).exit_code == 0
    photo = tea.photo(OTHER)
    assert photo["width"] < 1200
    assert photo["fidelity"]["matched"]["width"] == photo["width"]
    assert len(emulator.ledger()) == 3


def test_a_run_that_is_killed_while_it_matches_comes_to_the_same_result(tmp_path: Path, emulator):
    angles = tuple(ANGLES[name] for name in NAMES)
    emulator.control(faults=[warmer(2)])
    writes = 1
    tea = GatedSet.at(tmp_path, emulator.url, angles=angles)
    tea.run()
    whole = tea.photo(OTHER)
    tea.run(fidelity=Fidelity.REPORT)  # The match is undone, so that only it is left to do.
    while True:
        code = run_until_write(tmp_path, emulator.url, {"angles": angles}, writes)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        writes += 4
    tea.run(fidelity=Fidelity.GATE)
    photo = tea.photo(OTHER)
    assert photo["fidelity"]["matched"] == whole["fidelity"]["matched"]
    assert np.array_equal(*(np.asarray(Image.open(tea.plan.out / one["path"])) for one in (photo, whole)))
    assert len(emulator.ledger()) == 3
