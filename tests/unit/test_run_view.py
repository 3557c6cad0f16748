# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of the Jobs panel follow only from the events of a run."""

import time
from pathlib import Path
from typing import Any

import pytest

from command_line.bootstrap import load_package

load_package()

from photoreal_set.background_run.run_view import Kind, RunView  # noqa: E402  The package has to be loaded first.


def view(*events: dict[str, Any]) -> RunView:
    shown = RunView(kind=Kind.SET)
    shown.expect(["front", "side"])
    for event in events:
        shown.take(event)
    return shown


def progress(stage: str, done: int, of: int, label: str = "") -> dict[str, Any]:
    return {"event": "progress", "stage": stage, "done": done, "of": of, "label": label}


def job(label: str, state: str, **facts: Any) -> dict[str, Any]:
    return {"event": "job", "label": label, "state": state, **facts}


STARTED = {"event": "started", "product": "Jar", "summary": "2 angles", "set": "/sets/jar"}


def test_angles_are_listed_from_the_start():
    assert {name: row.state for name, row in view().rows.items()} == {"front": "waiting", "side": "waiting"}


def test_a_started_run_reports_its_folder():
    shown = view(STARTED)
    assert (shown.state, shown.product, shown.folder) == ("working", "Jar", Path("/sets/jar"))


def test_a_run_that_was_found_knows_its_angles_from_its_first_event():
    shown = RunView(kind=Kind.SET)
    shown.take({**STARTED, "angles": ["top", "front"]})
    assert list(shown.rows) == ["top", "front"]


def test_one_angle_renders_after_the_other():
    shown = view(STARTED, progress("references", 0, 2, "side"), progress("references", 1, 2, "front"))
    assert {name: row.state for name, row in shown.rows.items()} == {"front": "rendering", "side": "rendered"}
    assert shown.rows["front"].factor == 0.0, "a bar shows the work on its own picture"
    assert shown.rows["side"].factor is None
    sign = {"event": "working", "task": "references", "label": "front", "text": "", "done": 1, "of": 2}
    shown.take({**sign, "sample": 24, "samples": 64})
    assert shown.rows["front"].factor == 0.375
    assert shown.doing == "front render, sample 24 of 64"
    shown.take(sign)
    assert shown.rows["front"].factor == 0.375, "it is being stored"


def test_a_cycles_photo_finishes_an_angle():
    shown = view(STARTED, progress("photos", 0, 2, "front"), progress("photos", 1, 2, "side"))
    assert shown.rows["front"].state == "done"
    assert shown.line() == "side photo, 1 of 2 done"


def test_a_variant_has_rows_for_its_angles_only():
    run = view(progress("variants", 0, 1, "Blue"))
    assert run.doing == "Blue"
    for done, label in enumerate(("Blue: front", "Blue: side", "Blue")):
        run.take(progress("references", done, 2, label))
    run.take(progress("variants", 1, 1))
    assert {name: row.state for name, row in run.rows.items() if "Blue" in name} == {
        "Blue: front": "rendered",
        "Blue: side": "rendered",
    }


def test_passes_and_measurements_leave_an_angle_as_it_was():
    shown = view(STARTED, progress("photos", 1, 2, "side"), progress("photos", 2, 2))
    shown.take(progress("passes", 0, 2, "front"))
    shown.take(progress("passes", 1, 2, "side"))
    assert {name: row.state for name, row in shown.rows.items()} == {
        "front": "waiting",
        "side": "rendering passes",
    }
    shown.take(progress("passes", 2, 2))
    assert shown.rows["side"].state == "done"


def test_the_share_of_the_whole_run_follows_its_pictures_until_its_time_is_estimated():
    shown = view(STARTED)
    assert shown.share == 0.0
    shown.take(progress("references", 0, 2, "front"))
    shown.take({"event": "working", "task": "references", "label": "front", "sample": 32, "samples": 64})
    assert shown.share == pytest.approx(0.1)
    shown.take(progress("references", 2, 2))
    shown.take(job("side photo", "done"))
    assert shown.share == pytest.approx(0.7), "one is rendered, the other is done"
    shown.began -= 30.0
    shown.take({"event": "working", "task": "", "text": "", "eta_seconds": 90})
    assert shown.share == pytest.approx(0.25, abs=0.01)
    shown.take({"event": "exited", "code": 0})
    assert shown.share == 1.0


def test_events_with_a_time_belong_to_that_time():
    now = time.time()
    shown = view({"event": "process", "pid": 1, "set": "/sets/jar", "at": now - 100.0})
    shown.take({**progress("references", 0, 2, "front"), "at": now - 90.0, "eta_seconds": 150})
    assert shown.elapsed == pytest.approx(100.0, abs=2.0)
    assert shown.rows["front"].elapsed() == pytest.approx(90.0, abs=2.0)
    assert shown.left in ("about 60 s left", "about 59 s left")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (
            "Another run uses /sets/jar: this one continues when that has ended. Press Ctrl-C to leave.",
            "Another run uses /sets/jar: this one continues when that has ended.",
        ),
        (
            "Give another file to `set` with another --out folder.",
            "Give another file to `set` with another *Save To* folder.",
        ),
        (
            "Photos by fal.ai, because of this (--engine cycles is free).",
            "Photos by fal.ai, because of this (*Cycles* is free).",
        ),
        (
            "`resume DIR --redo model` buys one made from this picture.",
            "*Another 3D Model* buys one made from this picture.",
        ),
        ("Add --online-mode, or allow it.", "Add *Allow Online Access*, or allow it."),
        ("Add --some-thing N.", "Add some thing."),
    ],
)
def test_texts_name_the_labels_of_the_window(told: str, shown: str):
    assert view({"event": "note", "text": told}).notes == [shown]
    assert view({"event": "finished", "state": "failed", "exit": 1, "error": told}).error == shown


def test_a_note_before_the_start_is_shown_until_the_run_begins():
    note = {"event": "note", "text": "Another run uses /sets/jar: this one continues when that has ended."}
    assert view(note).note == note["text"]
    assert view(note, STARTED).note == ""


def test_a_job_belongs_to_its_angle_and_shows_its_queue_position():
    shown = view(STARTED, job("front photo", "queued", queue_position=3))
    assert (shown.rows["front"].state, shown.rows["front"].queue_position) == ("queued", 3)
    shown.take(job("front photo", "running", queue_position=None))
    assert (shown.rows["front"].state, shown.rows["front"].queue_position) == ("generating", None)


def test_a_catalogue_has_a_row_for_each_product():
    shown = RunView(kind=Kind.CATALOGUE, product="Shop")
    shown.expect(["Cup", "Pot"])
    for event in (
        {"event": "started", "product": "products.csv", "summary": "", "set": "/sets/shop"},
        {"sku": "Cup", **progress("references", 0, 2, "front"), "eta_seconds": 0},
        {"sku": "Cup", "event": "working", "task": "references", "label": "front", "done": 0, "of": 2},
    ):
        shown.take(event)
    assert (shown.product, shown.doing, shown.left) == ("Shop", "Cup front render", "")
    assert {name: row.state for name, row in shown.rows.items()} == {"Cup": "rendering", "Pot": "waiting"}
    shown.take({"sku": "Pot", **job("front photo", "running", request_id="r-1")})
    assert (shown.rows["Pot"].state, shown.rows["Pot"].request_id) == ("generating", "r-1")
    ended = {"event": "product", "row": 1, "step": "nothing", "paid": 0.5}
    shown.take({**ended, "sku": "Cup", "state": "done", "error": "", "set": "/sets/shop/Cup"})
    shown.take({**ended, "sku": "Pot", "state": "partial", "error": "Rejected.", "set": "/sets/shop/Pot"})
    shown.take({**progress("products", 2, 2), "spent": 1.0})
    assert [(row.state, row.error) for row in shown.rows.values()] == [
        ("done", ""),
        ("incomplete", "Rejected."),
    ]
    assert (shown.rows["Cup"].folder, shown.paid) == ("/sets/shop/Cup", 1.0)
    shown.take({"event": "warning", "sku": "Pot", "text": "A texture is missing."})
    assert shown.warnings == ["Pot: A texture is missing."]


def test_an_ended_request_does_not_end_its_product():
    shown = RunView(kind=Kind.CATALOGUE)
    shown.take({"sku": "Cup", **job("front photo", "queued")})
    shown.take({"sku": "Cup", **job("side photo", "done")})
    assert (shown.rows["Cup"].state, shown.done) == ("queued", "0 of 1 done")
    shown.take({"sku": "Cup", **job("front photo", "left")})
    ended = {"event": "product", "row": 1, "step": "cloud", "paid": 0.0, "state": "waiting", "error": ""}
    shown.take({**ended, "sku": "Cup", "set": "/sets/shop/Cup"})
    shown.take({"sku": "Pot", **progress("references", 0, 2, "front")})
    shown.take({**ended, "sku": "Pot", "set": "/sets/shop/Pot"})
    shown.take({"event": "exited", "code": 130, "output": []})
    assert [row.state for row in shown.rows.values()] == ["at fal.ai", "stopped"]


def test_products_that_an_earlier_run_has_finished_are_shown_as_done():
    shown = RunView(kind=Kind.CATALOGUE)
    shown.take({"sku": "Pot", **progress("references", 0, 2, "front")})
    folder = Path("/sets/shop")
    shown.expect_products((name, folder / name, name != "Lamp") for name in ("Cup", "Pot", "Lamp"))
    found = {name: (row.state, row.folder) for name, row in shown.rows.items()}
    assert found == {"Cup": ("done", "/sets/shop/Cup"), "Pot": ("rendering", ""), "Lamp": ("waiting", "")}


def test_a_row_keeps_the_request_of_its_job():
    found = view(job("front photo", "queued", request_id="r-1"), job("front photo", "done"))
    assert found.rows["front"].request_id == "r-1"


def test_model_and_video_get_separate_rows():
    shown = view(STARTED, job("3D model", "running"), progress("film", 30, 120))
    assert shown.rows["3D model"].state == "generating"
    assert (shown.rows["video"].state, shown.rows["video"].factor) == ("rendering", 0.25)
    assert shown.doing == "video frame 31 of 120"


def test_an_error_stays_with_its_angle():
    assert view(job("side photo", "failed", error="Refused.")).rows["side"].error == "Refused."


def test_an_error_about_a_field_names_it():
    failed = {
        "event": "finished",
        "state": "failed",
        "exit": 1,
        "error": "It has no last frame.",
        "field": "loop",
    }
    shown = view(STARTED, failed)
    assert (shown.error, shown.field) == ("It has no last frame.", "loop")


def test_a_reported_result_is_accepted():
    shown = view(STARTED, {"event": "finished", "state": "done", "exit": 0, "set": "/sets/jar"})
    assert not shown.is_over
    shown.take({"event": "exited", "code": 0, "output": ["noise"]})
    assert shown.is_over
    assert (shown.state, shown.error, shown.doing) == ("done", "", "")


def test_a_crash_is_a_failure_with_the_last_output():
    shown = view(STARTED, progress("references", 0, 2, "side"))
    shown.take({"event": "exited", "code": -9, "output": ["", "Killed\n"]})
    assert (shown.state, shown.exit_code) == ("failed", -9)
    assert "Killed" in shown.error
    assert {name: row.state for name, row in shown.rows.items()} == {
        "front": "not started",
        "side": "stopped",
    }


def test_existing_results_of_a_finished_run_are_shown_as_done():
    shown = view(STARTED, {"event": "finished", "state": "done", "exit": 0}, {"event": "exited", "code": 0})
    assert {row.state for row in shown.rows.values()} == {"done"}


def test_the_time_of_a_row_covers_only_its_work():
    row = view(progress("references", 0, 2, "side")).rows["side"]
    assert row.elapsed(row.since + 5.0) == 5.0
    row.move("rendered", row.since + 5.0)
    assert row.elapsed(row.since + 100.0) == 5.0


def test_events_of_unknown_kinds_are_kept():
    assert view({"event": "estimate", "min": 1.0, "max": 2.0}).facts == [
        {"event": "estimate", "min": 1.0, "max": 2.0}
    ]


def test_the_remaining_time_counts_down_between_two_estimates_and_ends_with_the_run():
    shown = view(STARTED, progress("references", 0, 2, "side"))
    assert shown.left == ""
    shown.take({"event": "working", "task": "references", "eta_seconds": 61})
    assert shown.left in ("about 61 s left", "about 60 s left")
    assert shown.line().endswith(f"0 of 2 done, {shown.left}")
    shown.ends_at -= 40.0
    assert shown.left in ("about 21 s left", "about 20 s left")
    shown.ends_at -= 40.0
    assert shown.left == "almost done"
    shown.take(progress("references", 1, 2, "front"))
    assert shown.left == "", "the run no longer knows"
    shown.take({"event": "working", "task": "references", "eta_seconds": 600})
    assert shown.left == "about 10 min left"
    assert shown.facts == []
    shown.take({"event": "exited", "code": 0})
    assert shown.left == ""


def test_a_kept_photo_is_done_when_its_set_is():
    shown = view(STARTED, progress("references", 0, 1, "front"), progress("references", 1, 1))
    shown.complete(["front", "top"])
    assert shown.rows["front"].state == "rendered"
    shown.take({"event": "finished", "state": "done"})
    shown.complete(["front", "top"])
    assert {name: row.state for name, row in shown.rows.items()} == {"front": "done", "side": "waiting"}
