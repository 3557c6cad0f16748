# SPDX-License-Identifier: GPL-3.0-or-later
"""Several runs of the cloud stage in one folder: every take is kept, and one video is paid for."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from photoreal_set.command_line.choosing import choose_takes
from photoreal_set.command_line.redoing import take_again
from photoreal_set.fal_bridge.decisions import Decision, decide, undecided
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.fal_bridge.journal import Journal
from photoreal_set.files.writing import sha256_of
from photoreal_set.messages.errors import InputError
from photoreal_set.photo_set.choices import Engine, Fidelity
from photoreal_set.photo_set.cloud_jobs import bridge_for
from photoreal_set.photo_set.cloud_stage import CloudStage
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import plan_record
from photoreal_set.photo_set.results import SetResults
from photoreal_set.photo_set.source import source_from
from photoreal_set.photo_set.takes import Shelf, takes_in
from photoreal_set.processes.stop import Stop
from tests.cloud_sets import HERO, OTHER, PHOTOS, Notes, Sets
from tests.patience import FOR_EVER_SECONDS

pytestmark = pytest.mark.slow


@pytest.fixture
def sets(tmp_path: Path, emulator) -> Sets:
    return Sets(tmp_path, emulator)


def paid_files(root: Path, name: str) -> list[Path]:
    """The photos of an angle as downloaded; the emulator makes the same bytes from the same picture."""
    return list((root / "photos" / "original").glob(f"{name}.*"))


def test_another_seed_or_endpoint_in_the_same_folder_keeps_every_paid_photo(sets):
    plans = [
        replace(sets.plan, seed=1),
        replace(sets.plan, seed=2),
        replace(sets.plan, seed=2, photo_endpoint="fal-ai/flux-2/edit"),
    ]
    for plan in plans:
        assert sets.run(plan).exit_code == 0
    with (sets.plan.out / "costs.csv").open() as stream:
        paid = [row for row in csv.DictReader(stream) if row["kind"] == "photo"]
    assert len(paid) == 6
    for angle in (OTHER, HERO):
        assert len(paid_files(sets.plan.out, angle)) == 3
        takes = takes_in(sets.record, Shelf.PHOTOS, angle)
        assert [take["take"] for take in takes] == [1, 2, 3]
        assert {take["request_id"] for take in takes} <= {row["request_id"] for row in paid}
        assert all(sha256_of(sets.plan.out / take["path"]) == take["sha256"] for take in takes)
    sent = len(sets.emulator.ledger())
    assert sets.run(plans[0]).exit_code == 0  # The first plan again: its takes are shown, nothing is sent.
    assert len(sets.emulator.ledger()) == sent
    assert [entry["photo"]["take"] for entry in sets.record["angles"]] == [1, 1]


def test_a_failed_redo_keeps_the_existing_photo(sets):
    assert sets.run().exit_code == 0
    before = (sets.plan.out / "photos" / f"{OTHER}.png").read_bytes()
    take_again(sets.plan, SetFolder.open(sets.plan.out), OTHER)
    sets.emulator.control(faults=[{"name": "model-error", "endpoint": PHOTOS}])
    assert sets.run().exit_code == 2
    (entry,) = [one for one in sets.record["angles"] if one["name"] == OTHER]
    assert (entry["photo"]["state"], entry["pending"]["state"]) == ("done", "failed")
    assert (sets.plan.out / "photos" / f"{OTHER}.png").read_bytes() == before


def test_a_redo_that_is_given_up_leaves_the_set_as_it_was(sets):
    plan = replace(
        sets.plan,
        video=Engine.FAL,
        with_hero=True,
        photo_endpoint="fal-ai/flux-2/edit",
        fidelity=Fidelity.OFF,
    )
    assert sets.run(plan).exit_code == 0
    before = {
        path: path.read_bytes() for shelf in ("photos", "videos") for path in (plan.out / shelf).glob("*.*")
    }
    take_again(plan, SetFolder.open(plan.out), HERO)
    sets.emulator.control(faults=[{"name": "drop-before-accept", "endpoint": "fal-ai/flux-2/edit"}])
    assert sets.run(plan).exit_code == 5
    sets.emulator.control(faults=[])
    sent = len(sets.emulator.ledger())
    ((key, _entry),) = undecided(Journal(plan.out / ".journal"))
    decide(Journal(plan.out / ".journal"), key, Decision.FORGET)
    for _run in range(2):
        assert sets.run(plan).exit_code == 0
    assert len(sets.emulator.ledger()) == sent, "neither the other photos nor the video are made again"
    assert sets.record["state"] == "done"
    assert {path: path.read_bytes() for path in before} == before


def test_a_choice_is_free_and_persists(sets):
    plan = replace(sets.plan, video=Engine.FAL, seed=1)
    sets.run(plan)
    take_again(plan, SetFolder.open(plan.out), HERO)
    assert sets.run(plan).exit_code == 0
    sent = len(sets.emulator.ledger())
    said = Notes()
    choose_takes(SetFolder.open(plan.out), [f"{HERO}=1", "video=1"], said)
    assert said.texts == [f"{HERO}: take 1 is chosen.", "video: take 1 is chosen."]
    assert sets.run(plan).exit_code == 0
    assert len(sets.emulator.ledger()) == sent
    (hero,) = [one for one in sets.record["angles"] if one["name"] == HERO]
    assert (hero["photo"]["take"], sets.record["videos"][0]["take"]) == (1, 1)
    take_again(plan, SetFolder.open(plan.out), "film")  # Of the photo that is chosen now.
    assert sets.run(plan).exit_code == 0
    assert sets.record["videos"][0]["take"] == 2


@pytest.mark.parametrize("text", ["front", "front=", "front=x", "front=-1", "=1", "back=1", "front=9"])
def test_a_choice_that_names_no_take_changes_nothing(sets, text):
    sets.run()
    before = (sets.plan.out / "set.json").read_bytes()
    with pytest.raises(InputError):
        choose_takes(SetFolder.open(sets.plan.out), [f"{HERO}=1", text], Notes())
    assert (sets.plan.out / "set.json").read_bytes() == before


# The video and its hero


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "fal-503", "at": "submit"},
        {"name": "proxy-page", "at": "submit", "status": 404},
        {"name": "account-locked", "at": "submit"},
        {"name": "result-expired"},
        {"name": "runner-error"},
        {"name": "never-finishes"},
    ],
    ids=lambda fault: fault["name"],
)
def test_no_other_photo_becomes_the_video_while_the_hero_is_pending(sets, fault, monkeypatch):
    monkeypatch.setattr("photoreal_set.fal_bridge.pace.Pace.between_questions", lambda *_: 0.05)
    plan = replace(sets.plan, video=Engine.FAL)
    sets.emulator.control(faults=[{**fault, "endpoint": PHOTOS, "nth": 1}])

    def other_is_there() -> bool:
        record = sets.record
        states = {one["name"]: one.get("photo", {}).get("state") for one in record["angles"]}
        return states.get(OTHER) == "done"

    outcome = sets.run(plan, leave_when=other_is_there)
    assert outcome.exit_code != 0
    assert sets.sent("kling") == 0


def test_a_rate_limit_at_the_hero_is_waited_out(sets):
    plan = replace(sets.plan, video=Engine.FAL)
    sets.emulator.control(faults=[{"name": "rate-limited", "endpoint": PHOTOS, "nth": 1, "retry_after": 1}])
    assert sets.run(plan).exit_code == 0
    assert sets.sent("kling") == 1
    assert "stand_in" not in sets.record["videos"][0]


def lost_hero(sets: Sets) -> SetPlan:
    """A plan whose hero is rejected permanently."""
    sets.emulator.control(faults=[{"name": "model-error", "endpoint": PHOTOS, "nth": 1}])
    return replace(sets.plan, video=Engine.FAL)


def test_a_video_of_another_photo_is_followed_by_the_next_run_and_not_paid_twice(sets):
    plan = lost_hero(sets)
    sets.emulator.control(delays={"video": FOR_EVER_SECONDS})
    sets.run(plan, leave_when=lambda: sets.sent("kling"))
    sets.emulator.control(faults=[], advance=FOR_EVER_SECONDS, delays={"video": 0.0})
    take_again(plan, SetFolder.open(plan.out), HERO)
    assert sets.run(plan).exit_code == 0
    assert sets.sent("kling") == 1
    (video,) = sets.record["videos"]
    assert (video["stand_in"], video["state"]) == (OTHER, "done")
    assert (plan.out / video["path"]).is_file()


def test_a_video_downloaded_by_a_killed_run_is_not_paid_again(sets):
    """It is in the journal, and the process was killed before listing it."""
    plan = lost_hero(sets)
    assert sets.run(plan).exit_code == 2
    with SetFolder.open(plan.out).change() as record:
        record["videos"] = []
        record["takes"].pop("videos")
    sets.emulator.control(faults=[])
    take_again(plan, SetFolder.open(plan.out), HERO)
    assert sets.run(plan).exit_code == 0
    assert sets.sent("kling") == 1
    assert sets.record["videos"][0]["stand_in"] == OTHER


def test_a_held_video_blocks_the_next_one(sets):
    plan = replace(sets.plan, video=Engine.FAL, seed=1)
    sets.emulator.control(faults=[{"name": "drop-before-accept", "endpoint": "fal-ai/kling*"}])
    assert sets.run(plan).exit_code == 5
    sets.emulator.control(faults=[])
    assert sets.run(replace(plan, seed=2)).exit_code == 5  # Another hero's photo, so another request.
    assert sets.sent("kling") == 0
    (waiting,) = undecided(Journal(plan.out / ".journal"))
    assert sets.keys == {waiting[0]}, "programs get the key for --resend and --forget"
    assert sets.record["videos"][0]["state"] == "uncertain"


def test_a_photo_that_turns_up_after_a_redo_is_a_take(sets):
    sets.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    sets.run(replace(sets.plan, seed=1), leave_when=lambda: len(sets.emulator.ledger()) == 2)
    sets.emulator.control(advance=FOR_EVER_SECONDS, delays={"photo": 0.0})
    assert sets.run(replace(sets.plan, seed=2)).exit_code == 0
    assert sets.sent(PHOTOS) == 4
    for angle in (OTHER, HERO):
        takes = takes_in(sets.record, Shelf.PHOTOS, angle)
        assert len({take["request_id"] for take in takes}) == 2
        shown = next(one["photo"] for one in sets.record["angles"] if one["name"] == angle)
        assert shown["seed"] == 2


def test_an_implausible_bill_is_named(sets):
    sets.emulator.control(faults=[{"name": "wrong-units", "units": "-3", "endpoint": PHOTOS}])
    assert sets.run().exit_code == 0
    named = [text for text in sets.said if "'-3' billed units" in text]
    assert len(named) == 2
    assert all("cannot be right" in text for text in named)


def test_a_concept_picture_is_a_take(sets, tmp_path):
    plan = replace(
        sets.plan,
        source=source_from([], "a clock"),
        out=tmp_path / "text",
        concept_endpoint="fal-ai/flux/schnell",
        seed=1,
    )
    for name in ("", "concept"):
        folder = SetFolder.prepare(
            plan.out, product="clock", source=plan.source.record(), tool={}, plan=plan_record(plan)
        )
        if name:
            take_again(plan, folder, name)
        results = SetResults(plan=plan, folder=folder, reporter=Notes(), stop=Stop())
        with bridge_for(results, None) as bridge:
            CloudStage(results, bridge).make_model()
    record = SetFolder.open(plan.out).record
    takes = takes_in(record, Shelf.CONCEPTS, "concept")
    assert [take["take"] for take in takes] == [1, 2]
    assert len({plan.out / take["path"] for take in takes}) == 2
    assert record["model"]["concept"]["take"] == 2
    assert record["model"]["earlier"][0]["path"] == "model/product-1.glb"
    assert plan.endpoint_ids[Kind.CONCEPT] == takes[0]["endpoint"]
