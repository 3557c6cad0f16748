# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos with defects are moved back, requested again or held back, and nothing is paid twice for it."""

import io
import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.command_line import main as cli
from photoreal_set.command_line.accepting import accept_results
from photoreal_set.command_line.redoing import take_again
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.files.writing import sha256_of
from photoreal_set.imaging.choices import Lock
from photoreal_set.imaging.fidelity import Report, State, Verdict
from photoreal_set.imaging.origin_part import costs_part
from photoreal_set.messages import events
from photoreal_set.messages.errors import FieldError, InputError
from photoreal_set.photo_set.choices import Engine, Fidelity
from photoreal_set.photo_set.folder import SetFolder, SetState
from photoreal_set.photo_set.set_json_values import GATE_STATES, VERDICTS
from tests.gated_set import HERO, OTHER, PHOTO, GatedSet, Told, paid, run_until_write
from tests.printed_reference import draw
from tests.told import events_in

pytestmark = pytest.mark.slow


@pytest.fixture
def tea(tmp_path: Path, emulator) -> GatedSet:
    return GatedSet.at(tmp_path, emulator.url)


def defect(name: str, **more: object) -> dict[str, object]:
    return {"name": "planted-defect", "defect": name, "endpoint": PHOTO, **more}


def test_set_json_knows_the_verdicts_and_states_of_the_check():
    assert tuple(verdict.value for verdict in Verdict) == VERDICTS
    assert tuple(state.value for state in State) == GATE_STATES


def test_good_photos_are_accepted_with_their_report(tea: GatedSet, emulator):
    assert tea.run().exit_code == 0
    for name in (HERO, OTHER):
        found = tea.photo(name)["fidelity"]
        assert (found["verdict"], found["rejected"], found["is_calibrated"]) == ("accept", False, True)
        report = Report.from_json(json.loads((tea.plan.out / found["report"]["path"]).read_text()))
        assert report.verdict is Verdict.ACCEPT
        assert "overlay" not in found
    assert len(emulator.ledger()) == 2
    checked = [event for event in tea.told.events if isinstance(event, events.Checked)]
    assert {event.angle for event in checked} == {HERO, OTHER}


def test_a_moved_photo_is_put_back_and_the_original_stays(tea: GatedSet, emulator):
    emulator.control(faults=[defect("shift", nth=1)])
    assert tea.run().exit_code == 0
    photo = tea.photo(HERO)
    moved = photo["fidelity"]["realigned"]
    assert np.hypot(*moved["shift"]) == pytest.approx(0.06, abs=0.01)
    assert moved["residual"] < 0.01
    render = np.asarray(Image.open(tea.plan.out / "renders" / f"{HERO}.png"), dtype=float)
    shown, received = (
        np.asarray(Image.open(tea.plan.out / path).convert("RGB"), dtype=float)
        for path in (photo["path"], photo["original"])
    )
    assert np.abs(shown - render).mean() < 0.5 * np.abs(received - render).mean()
    assert len(emulator.ledger()) == 2, "putting it back costs nothing"


def test_a_rejected_photo_is_requested_again_with_what_was_wrong(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured", nth=1)])
    assert tea.run().exit_code == 0
    first, second = tea.takes(HERO)
    assert (first["fidelity"]["verdict"], second["fidelity"]["verdict"]) == ("retry", "accept")
    assert tea.photo(HERO)["take"] == second["take"]
    assert first["fidelity"]["reason"] in second["prompt"]
    assert second["seed"] != first["seed"]
    assert (tea.plan.out / first["fidelity"]["overlay"]["path"]).is_file()
    assert len(emulator.ledger()) == 3
    assert tea.run().exit_code == 0, "the next run pays nothing more"
    assert len(emulator.ledger()) == 3
    assert tea.photo(HERO)["take"] == second["take"]
    assert len(tea.record["cost"]["requests"]) == 3
    page = costs_part(tea.record)
    for line in (f"{OTHER} photo, take 1<", f"{HERO} photo, take 1, rejected<", f"{HERO} photo, take 2<"):
        assert line in page, "every request has a line"


def test_what_a_reviewer_asks_for_is_in_the_prompt_of_that_photo_only(tea: GatedSet, emulator):
    assert tea.run().exit_code == 0
    folder = SetFolder.open(tea.plan.out)
    take_again(tea.plan, folder, OTHER, asked="A reviewer asks: less <glare>.")
    assert tea.run().exit_code == 0
    first, second = tea.takes(OTHER)
    assert second["prompt"] == f"{first['prompt']} A reviewer asks: less <glare>."
    assert [entry["input"]["prompt"] for entry in emulator.ledger()].count(second["prompt"]) == 1
    assert tea.run().exit_code == 0
    assert len(emulator.ledger()) == 3, "the next run pays nothing more"
    take_again(tea.plan, SetFolder.open(tea.plan.out), OTHER)
    assert tea.run().exit_code == 0
    assert tea.takes(OTHER)[-1]["prompt"] == first["prompt"]


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_what_stays_rejected_is_held_back_within_the_retries(tea: GatedSet, emulator, retries: int):
    emulator.control(faults=[defect("recoloured")])
    outcome = tea.run(retries=retries)
    assert (outcome.exit_code, outcome.state) == (2, SetState.PARTIAL)
    ledger = emulator.ledger()
    assert len(ledger) == 2 * (1 + retries)
    assert set(paid(ledger).values()) == {1}
    for name in (HERO, OTHER):
        assert len(tea.takes(name)) == 1 + retries
        assert tea.photo(name)["fidelity"]["rejected"]
        assert any(text.startswith(f"{name}: the photo is rejected.") for text in tea.told.texts)
    folder = SetFolder.open(tea.plan.out)
    folder.write_page()
    assert "2 photos are rejected and held back" in folder.report.read_text(encoding="utf-8")
    assert tea.run().exit_code == 2
    assert len(emulator.ledger()) == len(ledger), "another run does not try again"


def test_a_photo_of_another_shape_is_held_back_and_not_requested_again(tea: GatedSet, emulator):
    wide = {Kind.PHOTO: {"resolution_mode": "16:9"}}
    assert tea.run(angles=tea.plan.angles[1:], option_texts=wide).exit_code == 2
    assert "different aspect ratio" in tea.photo(HERO)["fidelity"]["reason"]
    assert len(emulator.ledger()) == 1


def test_the_best_try_is_shown(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured", nth=1, amount=0.6), defect("recoloured", nth=2)])
    assert tea.run(angles=tea.plan.angles[1:]).exit_code == 2
    first, second = tea.takes(HERO)
    assert first["fidelity"]["score"] < second["fidelity"]["score"]
    assert tea.photo(HERO)["take"] == first["take"]
    assert (tea.plan.out / "photos" / f"{HERO}.2.png").is_file()


def test_a_report_changes_nothing(tea: GatedSet, emulator):
    emulator.control(faults=[defect("shift", nth=1), defect("recoloured", nth=2)])
    assert tea.run(fidelity=Fidelity.REPORT).exit_code == 0
    assert len(emulator.ledger()) == 2
    found = {tea.photo(name)["fidelity"]["verdict"] for name in (HERO, OTHER)}
    assert found == {"realign", "retry"}
    assert not any(tea.photo(name)["fidelity"]["rejected"] for name in (HERO, OTHER))
    assert "realigned" not in tea.photo(HERO)["fidelity"]


def test_without_the_check_nothing_is_compared(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured")])
    assert tea.run(fidelity=Fidelity.OFF).exit_code == 0
    assert "fidelity" not in tea.photo(HERO)


def test_without_the_check_rejected_photos_are_used_until_they_are_checked_again(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured")])
    one = {"angles": tea.plan.angles[1:]}
    assert tea.run(**one, retries=0).exit_code == 2
    assert tea.run(fidelity=Fidelity.OFF).exit_code == 0
    assert not tea.photo(HERO)["fidelity"]["rejected"]
    assert tea.run(fidelity=Fidelity.GATE).exit_code == 2
    assert len(emulator.ledger()) == 1


def test_without_the_check_the_best_try_stays(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured", nth=1)])
    assert tea.run(angles=tea.plan.angles[1:]).exit_code == 0
    shown = tea.photo(HERO)["request_id"]
    assert tea.run(fidelity=Fidelity.OFF).exit_code == 0
    assert tea.photo(HERO)["request_id"] == shown
    assert len(emulator.ledger()) == 2


def test_photos_from_before_stay_unchecked_and_nothing_is_bought(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured")])
    tea.run(fidelity=Fidelity.OFF)
    emulator.control(faults=[])
    assert tea.run(fidelity=Fidelity.GATE).exit_code == 0
    assert len(emulator.ledger()) == 2
    assert "fidelity" not in tea.photo(HERO)


def test_a_rejected_hero_starts_no_video_until_a_person_accepts_it(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured")])
    tea.run(angles=tea.plan.angles[1:], video=Engine.FAL)
    kling = [entry for entry in emulator.ledger() if "kling" in entry["endpoint"]]
    assert kling == []
    assert any(
        "The video waits, because the three-quarter photo was rejected" in text for text in tea.told.texts
    )
    accept_results(SetFolder.open(tea.plan.out), [HERO], Told())
    assert tea.run().exit_code == 0
    photos = [entry for entry in emulator.ledger() if "kling" not in entry["endpoint"]]
    assert (len(photos), len(emulator.ledger())) == (2, 3)
    assert tea.photo(HERO)["fidelity"]["accepted"]


def test_accepting_stops_a_retry_that_was_not_sent(tea: GatedSet, emulator):
    emulator.control(
        faults=[defect("recoloured", nth=1), {"name": "account-locked", "nth": 2, "endpoint": PHOTO}]
    )
    one = {"angles": tea.plan.angles[1:]}
    assert tea.run(**one).exit_code == 2
    emulator.control(faults=[])
    accept_results(SetFolder.open(tea.plan.out), [HERO], Told())
    assert tea.run().exit_code == 0
    assert len(emulator.ledger()) == 1
    assert "pending" not in tea.record["angles"][0]


def test_another_photo_that_the_user_buys_may_be_retried_too(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured")])
    tea.run(angles=tea.plan.angles[1:])
    take_again(tea.plan, SetFolder.open(tea.plan.out), HERO)
    assert tea.run().exit_code == 2
    assert len(emulator.ledger()) == 4
    assert set(paid(emulator.ledger()).values()) == {1}


@pytest.mark.parametrize("names", [["back"], [OTHER, "back"]])
def test_accepting_what_is_not_there_changes_nothing(tea: GatedSet, names: list[str]):
    tea.run()
    before = (tea.plan.out / "set.json").read_bytes()
    with pytest.raises(InputError):
        accept_results(SetFolder.open(tea.plan.out), names, Told())
    assert (tea.plan.out / "set.json").read_bytes() == before


def test_a_photo_that_cannot_be_written_is_reported_and_not_paid_again(tea: GatedSet, emulator):
    tea.plan = replace(tea.plan, angles=tea.plan.angles[1:], video=Engine.FAL)
    tea.prepared()
    obstacle = tea.plan.out / "photos" / f"{HERO}.png"
    obstacle.mkdir(parents=True)
    assert tea.run().exit_code == 2
    assert any("Is a directory" in text for text in tea.told.texts)
    assert "Is a directory" in tea.photo(HERO)["error"]
    obstacle.rmdir()
    assert tea.run().exit_code == 0
    assert sorted(paid(emulator.ledger()).values()) == [1, 1]


def test_a_video_that_cannot_be_written_is_reported_and_not_paid_again(tea: GatedSet, emulator):
    tea.plan = replace(tea.plan, angles=tea.plan.angles[1:], video=Engine.FAL)
    tea.prepared()
    obstacle = tea.plan.out / "video" / f"{tea.plan.motion}.mp4"
    obstacle.mkdir(parents=True)
    assert tea.run().exit_code == 2
    assert tea.run().exit_code == 2  # Now it is a video that the set does not list.
    assert any("Is a directory" in text for text in tea.told.texts)
    obstacle.rmdir()
    assert tea.run().exit_code == 0
    assert sorted(paid(emulator.ledger()).values()) == [1, 1]


def test_another_render_is_another_wish(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured")])
    tea.run(angles=tea.plan.angles[1:])
    emulator.control(faults=[])
    draw(SetFolder.open(tea.plan.out), HERO, lines=("COFFEE", "RED 500"))
    assert tea.run().exit_code == 0
    assert not tea.photo(HERO)["fidelity"]["rejected"]
    assert len(emulator.ledger()) == 3


@pytest.mark.parametrize("writes", range(1, 10, 2))
def test_a_run_that_is_killed_pays_nothing_twice_and_decides_the_same(tmp_path: Path, emulator, writes: int):
    changes = {"angles": GatedSet.at(tmp_path, emulator.url).plan.angles[1:]}
    emulator.control(faults=[defect("recoloured", nth=1)])
    tea = GatedSet.at(tmp_path, emulator.url, **changes)
    tea.prepared()
    assert run_until_write(tmp_path, emulator.url, changes, writes) == -signal.SIGKILL
    assert tea.run().exit_code == 0
    assert set(paid(emulator.ledger()).values()) == {1}
    assert len(emulator.ledger()) == 2
    assert [take["fidelity"]["verdict"] for take in tea.takes(HERO)] == ["retry", "accept"]
    shown = tea.photo(HERO)
    assert (shown["fidelity"]["verdict"], shown["sha256"]) == (
        "accept",
        sha256_of(tea.plan.out / shown["path"]),
    )


def checked(root: Path) -> tuple[int, list[dict], str]:
    """The exit code of ``check``, its events, and its table."""
    lines, plain = io.StringIO(), io.StringIO()
    code = cli.main(["check", str(root), "--json"], lines)
    assert cli.main(["check", str(root)], plain) == code
    return code, events_in(lines.getvalue()), plain.getvalue()


def test_a_folder_can_be_checked_without_changing_it(tea: GatedSet, emulator):
    emulator.control(faults=[defect("recoloured", nth=1)])
    tea.run(fidelity=Fidelity.OFF)
    before = sorted((path, path.stat().st_mtime_ns) for path in tea.plan.out.rglob("*"))
    for root in (tea.plan.out, tea.plan.out.parent):
        code, lines, text = checked(root)
        assert code == 2
        verdicts = {line["angle"]: line["verdict"] for line in lines if line["event"] == "checked"}
        assert verdicts == {HERO: "retry", OTHER: "accept"}
        assert "retry (rejected)" in text
        assert "2 photos, 1 rejected." in text
        assert lines[-1]["exit"] == 2
    assert sorted((path, path.stat().st_mtime_ns) for path in tea.plan.out.rglob("*")) == before


def test_checking_respects_a_person_and_needs_a_set(tea: GatedSet, emulator, tmp_path: Path):
    emulator.control(faults=[defect("recoloured")])
    tea.run(angles=tea.plan.angles[1:], retries=0)
    assert checked(tea.plan.out)[0] == 2
    accept_results(SetFolder.open(tea.plan.out), [HERO], Told())
    code, _lines, text = checked(tea.plan.out)
    assert (code, "accepted by a person" in text) == (0, True)
    assert cli.main(["check", str(tmp_path / "nothing")], io.StringIO()) == 1


def test_a_locked_photo_has_the_print_of_its_render(tea: GatedSet, emulator):
    emulator.control(faults=[defect("scrambled", nth=1)])
    assert tea.run(lock=Lock.ALL, angles=tea.plan.angles[1:]).exit_code == 0
    photo = tea.photo(HERO)
    assert photo["fidelity"]["locked"]["what"] == "all"
    assert len(emulator.ledger()) == 1, "print that the lock repairs needs no retry"
    shown, received, render = (
        np.asarray(Image.open(tea.plan.out / path).convert("L"), dtype=float)
        for path in (photo["path"], photo["original"], f"renders/{HERO}.png")
    )
    side = len(render)
    label = slice(round(0.38 * side), round(0.64 * side)), slice(round(0.22 * side), round(0.58 * side))
    agreement = [np.corrcoef(one[label].ravel(), render[label].ravel())[0, 1] for one in (shown, received)]
    assert agreement[0] > 0.7, "at 64 px the print is a few pixels wide"
    assert agreement[1] < 0.4
    assert tea.run(lock=Lock.NONE).exit_code in (0, 2), "without the lock it is judged as it was received"
    assert "locked" not in tea.takes(HERO)[0]["fidelity"]


@pytest.mark.parametrize(
    "changes", [{"engine": Engine.CYCLES}, {"fidelity": Fidelity.OFF}, {"fidelity": Fidelity.REPORT}]
)
def test_only_photos_that_pass_the_gate_are_locked(tea: GatedSet, changes: dict):
    with pytest.raises(FieldError, match="locked to their renders"):
        replace(tea.plan, lock=Lock.EDGES, **changes).check()
