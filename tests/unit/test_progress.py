# SPDX-License-Identifier: GPL-3.0-or-later
"""A log sees lines, a program sees JSON; test_terminal.py has what a person sees."""

import io
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from photoreal_set.catalogue.states import RowState, Status
from photoreal_set.catalogue.tally import Tally
from photoreal_set.messages import events
from photoreal_set.messages.progress import (
    SILENT_SECONDS,
    JsonReporter,
    PlainReporter,
    QuietReporter,
    Reporter,
    clock,
)
from tests.blender.products import textured_block
from tests.told import events_in

ROOT = Path(__file__).resolve().parents[2]
NO_NEWS = {"endpoint": "fal-ai/x", "request_id": "", "message": "", "error": ""}
STATES = ("prepared", "uploading", "queued", "queued", "running", "downloading", "done")


def tell_a_run(reporter: Reporter) -> None:
    """The events of a small run."""
    reporter.tell(events.Started(product="tea pot", summary="2 angles", set="/out"))
    for done in range(3):
        reporter.tell(events.Progress(stage="references", done=done, of=2, label="front" if done < 2 else ""))
    for position, state in enumerate(STATES):
        queue = 3 - position if state == "queued" else None
        reporter.tell(events.Job(label="front photo", state=state, queue_position=queue, **NO_NEWS))
    reporter.tell(events.Warning(text="Material Glaze: its texture is missing."))
    reporter.tell(
        events.Job(
            label="film", state="failed", queue_position=None, **{**NO_NEWS, "error": "It was refused."}
        )
    )
    reporter.tell(events.Finished(state="partial", exit=2, set="/out"))


def test_json_is_one_object_per_line_and_ends_with_the_result():
    stream = io.StringIO()
    tell_a_run(JsonReporter(stream))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events].count("job") == len(STATES) + 1
    assert events[0] == {"event": "started", "product": "tea pot", "summary": "2 angles", "set": "/out"}
    assert events[-1] == {"event": "finished", "state": "partial", "exit": 2, "set": "/out"}


def test_every_json_event_stays_on_one_line():
    stream = io.StringIO()
    text = 'two\nlines, "quotes", ümläut 🫖 \u2028 \\'
    JsonReporter(stream).tell(events.Note(text=text))
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue()) == {"event": "note", "text": text}


def test_plain_lines_have_the_time_and_print_a_state_once():
    stream = io.StringIO()
    tell_a_run(PlainReporter(stream))
    lines = stream.getvalue().splitlines()
    assert all(re.match(r"\[\d+:\d\d\] \S", line) for line in lines)
    said = [line.split("] ", 1)[1] for line in lines]
    assert said[0] == "tea pot: 2 angles"
    assert "references 1/2 front" in said
    assert len([line for line in said if line.startswith("front photo: queued")]) == 1
    assert "front photo: done" in said
    assert "Warning: Material Glaze: its texture is missing." in said
    assert "video: failed: It was refused." in said
    assert said[-1].endswith("/out/index.html")
    assert "\033" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_a_warning_names_the_option_that_avoids_it():
    stream = io.StringIO()
    PlainReporter(stream).tell(events.Warning(text="A floor.", field="without", value="floor"))
    assert stream.getvalue().endswith("Warning: A floor. (--without floor)\n")


def test_a_warning_that_names_its_setting_names_it_once_as_an_option():
    stream = io.StringIO()
    text = "A floor. Leave it out (without: floor), or delete it."
    PlainReporter(stream).tell(events.Warning(text=text, field="without", value="floor"))
    assert stream.getvalue().endswith("Warning: A floor. Leave it out (--without floor), or delete it.\n")


def test_a_log_has_one_line_for_each_state_that_lasts_and_none_for_what_exists():
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    for state in ("prepared", "uploading", "submitting", "queued", "running", "downloading", "done"):
        reporter.tell(events.Job(label="front photo", state=state, queue_position=None, **NO_NEWS))
    for state in ("prepared", "done"):
        reporter.tell(events.Job(label="side photo", state=state, queue_position=None, **NO_NEWS))
    said = [line.split("] ", 1)[1] for line in stream.getvalue().splitlines()]
    assert said == ["front photo: queued", "front photo: running", "front photo: done"]


def test_quiet_prints_only_warnings_and_the_final_result():
    stream = io.StringIO()
    tell_a_run(QuietReporter(stream))
    said = [line.split("] ", 1)[1] for line in stream.getvalue().splitlines()]
    assert said == [
        "Warning: Material Glaze: its texture is missing.",
        "Finished with errors: /out/index.html",
    ]


def test_a_stage_that_was_already_done_is_not_shown_as_progress():
    for reporter, lines in ((PlainReporter, 0), (JsonReporter, 2)):
        stream = io.StringIO()
        talker = reporter(stream)
        for done in range(2):
            talker.tell(events.Progress(stage="references", done=done, of=1, label="front", kept=True))
        assert len(stream.getvalue().splitlines()) == lines


def test_a_log_can_say_that_there_is_nothing_to_do():
    stream = io.StringIO()
    PlainReporter(stream).tell(events.Progress(stage="products", done=0, of=0))
    assert stream.getvalue().endswith("] products 0/0\n")


def test_a_stopped_run_says_how_to_continue():
    stream = io.StringIO()
    QuietReporter(stream).tell(events.Finished(state="partial", exit=130, set="/out"))
    said = [line.split("] ", 1)[1] for line in stream.getvalue().splitlines()]
    assert said == ["Stopped: /out/index.html", "`resume /out` continues."]


def test_a_set_that_is_not_complete_has_no_errors_when_nothing_failed():
    stream = io.StringIO()
    QuietReporter(stream).tell(events.Finished(state="partial", exit=0, set="/out"))
    assert stream.getvalue().endswith("] Finished: /out/index.html\n")


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ({"actual": 1.81, "estimated": 0.0, "unpriced": 0}, "fal.ai: $1.81."),
        ({"actual": 1.8, "is_emulated": True}, "an emulator of fal.ai, so nothing is billed: $1.80."),
        (
            {"actual": 0.685, "estimated": 0.56, "unpriced": 0},
            "fal.ai: $0.685, $0.56 of it estimated.",
        ),
        ({"actual": 2.0, "unpriced": 1}, "fal.ai: $2.00, plus 1 request of unknown cost."),
    ],
)
def test_the_final_line_says_what_was_paid(cost: dict, message: str):
    for reporter in (PlainReporter, QuietReporter):
        stream = io.StringIO()
        reporter(stream).tell(events.Finished(state="done", exit=0, set="/out", cost=cost))
        lines = stream.getvalue().splitlines()
        assert len(lines) == 2
        assert lines[0].endswith(f"Cost at {message}")
        assert lines[1].endswith("Finished: /out/index.html")


def test_a_request_still_running_at_fal_is_reported():
    stream = io.StringIO()
    PlainReporter(stream).tell(events.Job(label="film", state="left", queue_position=None, **NO_NEWS))
    assert "video: continues at fal.ai, resume fetches it" in stream.getvalue()


def test_a_log_gets_a_sign_of_life_only_after_a_silence():
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    alive = events.Working(task="film", done=12, of=120, sample=3, samples=4, eta_seconds=125)
    reporter.tell(alive)
    assert stream.getvalue() == ""
    reporter._told_at -= SILENT_SECONDS
    reporter.tell(alive)
    reporter.tell(alive)
    assert stream.getvalue() == "[0:00] video 12/120, sample 3 of 4, about 2 min left\n"
    reporter._told_at -= SILENT_SECONDS
    reporter.tell(events.Working(text="waiting for fal.ai: front photo"))
    assert stream.getvalue().splitlines()[-1] == "[0:00] waiting for fal.ai: front photo"


def test_a_log_says_how_much_time_is_left():
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.tell(events.Progress(stage="photos", done=1, of=5, label="side", eta_seconds=61))
    reporter.tell(events.Progress(stage="photos", done=5, of=5, eta_seconds=0))
    said = [line.split("] ", 1)[1] for line in stream.getvalue().splitlines()]
    assert said == ["photos 1/5 side, about 61 s left", "photos 5/5"]


@pytest.mark.parametrize("make", [JsonReporter, PlainReporter, QuietReporter])
def test_lines_of_several_threads_do_not_mix(make: type):
    stream = io.StringIO()
    reporter = make(stream)
    threads = [
        threading.Thread(target=lambda: [reporter.tell(events.Warning(text="x" * 300)) for _ in range(100)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 400
    assert all("x" * 300 in line for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (9.9, "0:09"), (61, "1:01"), (3599, "59:59"), (3661, "61:01")]
)
def test_elapsed_time_is_minutes_and_seconds(seconds: float, text: str):
    assert clock(seconds) == text


# --- the command line without Blender -----------------------------------------------------------


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The real command; ``bpy`` is made unimportable, for what must be printed before Blender starts."""
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "sys.modules['bpy'] = None\n"
        "from command_line.bootstrap import load_package\n"
        "load_package()\n"
        "from photoreal_set.command_line import main as cli\n"
        "raise SystemExit(cli.main(sys.argv[1:], sys.stdout))\n"
    )
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "missing.glb", "--out", "out", "--json"),
        ("set", "--json", "--out", "out"),
        ("set", "--json", "--out", "out", "--no-such-option"),
        ("set", "x.glb", "--json"),
        ("set", "x.glb", "--out", "out", "--json", "--resolution", "10"),
        ("set", "x.glb", "--out", "out", "--json", "--resolution", "many"),
        ("set", "x.glb", "--out", "out", "--json", "--resolution", "512x9000"),
        ("set", "x.glb", "--out", "out", "--json", "--lens", "18"),
        ("set", "x.glb", "--out", "out", "--json", "--lens", "wide"),
        ("set", "x.glb", "--out", "out", "--json", "--samples", "0"),
        ("set", "x.glb", "--out", "out", "--json", "--seed", "-1"),
        ("set", "x.glb", "--out", "out", "--json", "--seed", "4294967296"),
        ("set", "x.glb", "--out", "out", "--json", "--engine", "magic"),
    ],
)
def test_a_run_that_cannot_start_also_ends_its_json(tmp_path: Path, arguments: tuple[str, ...]):
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.strip().endswith(".")
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["event"] == "finished"
    assert (last["state"], last["exit"]) == ("failed", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_damaged_is_one_sentence(tmp_path: Path):
    textured_block().write(tmp_path / "pot.glb")
    done = command("set", "pot.glb", "--out", "out", "--engine", "cycles", "--json", cwd=tmp_path)
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("Error: A package is missing or damaged (import of bpy halted")
    assert done.stderr.endswith("start again.\n") or done.stderr.endswith("Install it again.\n")
    assert events_in(done.stdout)[-1]["exit"] == 3


def test_help_and_version_need_no_blender(tmp_path: Path):
    assert "demo" in command("--help", cwd=tmp_path).stdout
    assert command("--version", cwd=tmp_path).stdout.startswith("Photoreal Set ")
    for name in ("set", "demo", "report"):
        done = command(name, "--help", cwd=tmp_path)
        assert done.returncode == 0
        assert name in done.stdout


def test_an_error_names_the_option_in_text_and_the_field_in_json(tmp_path: Path):
    textured_block().write(tmp_path / "pot.glb")
    arguments = (
        "set",
        "pot.glb",
        "--out",
        "out",
        "--engine",
        "cycles",
        "--video",
        "none",
        "--loop",
        "--json",
    )
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: --loop: Looping is for videos by fal.ai.")
    last = events_in(done.stdout)[-1]
    assert last["field"] == "loop"
    assert last["error"].startswith("Looping") and "--" not in last["error"]


def test_products_that_a_stop_has_left_unmade_do_not_count_as_made():
    output = io.StringIO()
    tally = Tally(reporter=PlainReporter(output), of=4)
    tally.count(Status(digest="", state=RowState.DONE))
    tally.count(Status(digest=""))  # Another stage continues it.
    tally.count(Status(digest="", exit_code=130))
    tally.unmade += 1
    tally.tell(is_last=True)
    assert output.getvalue() == "[0:00] products 2/4, 2 not made\n"
