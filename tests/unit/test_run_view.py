# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of the Jobs panel follow only from the events of a run."""

from pathlib import Path
from typing import Any

from command_line.bootstrap import load_package

load_package()

from photoreal_set.background_run.run_view import SHOWN_SECONDS, Kind, RunView  # noqa: E402  The package has to be loaded first.


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


def test_one_angle_renders_after_the_other():
    shown = view(STARTED, progress("references", 0, 2, "side"), progress("references", 1, 2, "front"))
    assert {name: row.state for name, row in shown.rows.items()} == {"front": "rendering", "side": "rendered"}
    assert shown.rows["front"].factor == 0.5
    assert shown.rows["side"].factor is None


def test_a_cycles_photo_finishes_an_angle():
    shown = view(STARTED, progress("photos", 0, 2, "front"), progress("photos", 1, 2, "side"))
    assert shown.rows["front"].state == "done"
    assert shown.line() == "Photoreal Set: side photographing, 1 of 2 done"


def test_a_job_belongs_to_its_angle_and_shows_its_queue_position():
    shown = view(STARTED, job("front photo", "queued", queue_position=3))
    assert (shown.rows["front"].state, shown.rows["front"].queue_position) == ("queued", 3)
    shown.take(job("front photo", "running", queue_position=None))
    assert (shown.rows["front"].state, shown.rows["front"].queue_position) == ("generating", None)


def test_model_and_video_get_separate_rows():
    shown = view(STARTED, job("3D model", "running"), progress("film", 30, 120))
    assert shown.rows["3D model"].state == "generating"
    assert (shown.rows["video"].state, shown.rows["video"].factor) == ("rendering", 0.25)


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


def test_the_status_bar_shows_the_end_for_a_while():
    shown = view(
        STARTED, {"event": "finished", "state": "partial", "exit": 2}, {"event": "exited", "code": 2}
    )
    assert shown.line() == "Photoreal Set: Jar incomplete"
    shown.ended -= SHOWN_SECONDS
    assert shown.line() == ""


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
    row.move("rendered")
    assert row.elapsed(row.since + 100.0) < 1.0


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
