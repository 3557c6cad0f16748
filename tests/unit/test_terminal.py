# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at a terminal sees a bar that moves, whatever the terminal can show."""

import os
import re
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from command_line.bootstrap import load_package

load_package()

from photoreal_set.command_line.terminal import can_draw, encoding_of  # noqa: E402  The package has to be loaded first.
from tests.pseudo_terminal import Screen, run_in_terminal  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
# A run as its events tell it; each ``shown`` waits until the bar was drawn.
RUN = """
import argparse, os, sys, time
sys.path.insert(0, {root!r})
from command_line.bootstrap import load_package
load_package()
from photoreal_set.command_line.main import _fail, _reporter
from photoreal_set.messages import events
from photoreal_set.messages.errors import StoppedByUserError

reporter = _reporter(argparse.Namespace(json=False, quiet=False), sys.stdout)
NO_NEWS = dict(endpoint="fal-ai/x", request_id="", message="", error="")

def job(label, state, queue_position=None, **facts):
    reporter.tell(events.Job(label=label, state=state, queue_position=queue_position, **{{**NO_NEWS, **facts}}))

def shown():
    if hasattr(reporter, "_live"):
        reporter._live.refresh()
    print(end="", flush=True)

try:
    reporter.tell(events.Started(product="Tëa pot", summary="2 angles", set="/out"))
    for done in range(2):
        reporter.tell(events.Progress(stage="references", done=done, of=4, label="three-quarter"))
        reporter.tell(events.Working(task="references", sample=6, samples=8, eta_seconds=61))
        shown()
    reporter.tell(events.Progress(stage="references", done=0, of=1, label="kept", kept=True))
    reporter.tell(events.Warning(text="Something is odd."))
    reporter.tell(events.Progress(stage="references", done=4, of=4))
    for number in range(6):
        job(f"angle-{{number}} photo", "queued", 3)
    job("angle-0 photo", "running", message="a long message " * 30)
    shown()
    {interrupted}
    for number in range(6):
        job(f"angle-{{number}} photo", "done")
    job("film", "failed", error="It was refused.")
    job("enlargement", "left")
    reporter.tell(events.Working(text="encoding the video"))
    shown()
    cost = {{"actual": 1.81}}
    reporter.tell(events.Finished(state="partial", exit=2, set="/out", cost=cost))
except KeyboardInterrupt:
    _fail(reporter, StoppedByUserError())
"""


def run(columns: int, *, interrupted: str = "", **environ: str) -> tuple[str, Screen]:
    """The run at a terminal: what was written, and the screen at its end."""
    code = RUN.format(root=str(ROOT), interrupted=interrupted)
    terminal = {"TERM": "xterm-256color", "LC_ALL": "en_US.UTF-8", **environ}
    kept = {name: value for name, value in os.environ.items() if name not in ("LC_CTYPE", "LANG", "NO_COLOR")}
    written, exit_code = run_in_terminal(
        [sys.executable, "-c", code],
        columns,
        {**kept, **terminal},
        interrupt_at=b"READY" if interrupted else b"",
    )
    text = written.decode()
    assert exit_code == 0, text
    screen = Screen(columns)
    screen.write(text)
    return text, screen


@pytest.mark.parametrize("columns", [200, 80, 40])
def test_no_line_that_moves_is_wider_than_the_terminal(columns: int):
    _text, screen = run(columns)
    assert [line for line in screen.wrapped if not line.startswith("enlargement: continues")] == []
    assert all(len(line) <= columns for line in screen.erased)


@pytest.mark.parametrize("columns", [200, 80])
def test_what_moves_says_what_is_done_and_how_long_it_takes(columns: int):
    _text, screen = run(columns)
    moved = [re.sub(r"\b\d:\d\d\b", "TIME", line) for line in screen.erased]
    bar = "━" * 6 + "╺" + "━" * 17
    assert f"references {bar} 1/4 TIME three-quarter, sample 6 of 8" in moved
    assert any(re.fullmatch(r"\S TIME  about 6[01] s left", line) for line in moved)
    assert "TIME angle-5 photo: queued, 3 ahead in the queue" in moved
    assert any(line.startswith("TIME angle-0 photo: running (a long message a long") for line in moved)
    assert "and 2 more requests" in moved
    assert any(line.endswith("TIME  encoding the video") for line in moved)


def test_what_ends_stays_and_what_moves_goes():
    _text, screen = run(80)
    lines = screen.text
    assert lines[0] == "Tëa pot: 2 angles"
    assert lines[1] == "Warning: Something is odd."
    assert lines[2].startswith("references ━━━━━━━━━━━━━━━━━━━━━━━━ 4/4 0:")
    assert [line.split("  ")[0] for line in lines[3:9]] == [
        f"angle-{number} photo: done" for number in range(6)
    ]
    assert lines[9].startswith("video: failed: It was refused.")
    assert lines[10].startswith("enlargement: continues at fal.ai, resume fetches it")
    assert lines[11:] == ["Cost at fal.ai: $1.81.", "Finished with errors: /out/index.html"]
    assert screen.has_cursor


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "", "LANG": "C"}, {"LC_ALL": "de_DE.ISO-8859-1"}]
)
def test_a_terminal_that_is_not_in_utf_8_gets_plain_letters(locale: dict[str, str]):
    text, screen = run(80, **locale)
    assert text.isascii()
    assert screen.text[0] == "T?a pot: 2 angles"
    assert screen.wrapped == []
    assert any(f"{'-' * 24} 4/4" in line for line in screen.text)


def test_a_terminal_that_cannot_move_its_cursor_gets_lines():
    text, screen = run(80, TERM="dumb")
    assert "\x1b" not in text
    assert any(line.endswith("references 1/4 three-quarter") for line in screen.text)


def test_ctrl_c_ends_the_bar_before_the_message_and_leaves_the_cursor():
    interrupted = "print('READY', flush=True); time.sleep(600)"
    _text, screen = run(80, interrupted=interrupted)
    assert screen.has_cursor
    assert screen.text[-1].startswith("Error: ")
    assert not any("angle-0 photo: running" in line for line in screen.text)


@pytest.mark.parametrize(
    ("environ", "encoding"),
    [
        ({"LANG": "en_US.UTF-8"}, "utf-8"),
        ({"LANG": "C.UTF-8"}, "utf-8"),
        ({"LANG": "C", "LC_CTYPE": "UTF-8"}, "utf-8"),
        ({"LC_ALL": "ja_JP.utf8", "LANG": "C"}, "utf-8"),
        ({}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ascii"),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, "ascii"),
        ({"LANG": "de_DE.ISO-8859-15"}, "ascii"),
    ],
)
def test_the_encoding_is_that_of_the_locale(environ: dict[str, str], encoding: str):
    assert encoding_of(environ) == encoding


def test_a_terminal_without_a_name_is_not_drawn_to():
    assert can_draw({"TERM": "xterm"})
    assert not can_draw({}) and not can_draw({"TERM": "dumb"})
