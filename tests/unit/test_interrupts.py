# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C in a real process: once, twice, thrice, and during one long step of the main thread."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from photoreal_set.interrupts import Stop
from tests.fal_emulator.process import running_emulator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals")
ROOT = Path(__file__).resolve().parents[2]

# Two photos at fal while the main thread "renders": hashing is one step without a look at signals, as a render is.
CHILD = """
import hashlib, json, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.desk import Desk
from photoreal_set.fal_bridge.errors import BridgeError
from photoreal_set.interrupts import Interrupts, Stop

class Emulator:
    url = {url!r}

def say(text):
    print(text, flush=True)

desk, stop = Desk(Path({folder!r}), Emulator()), Stop()
with Interrupts(stop, lambda: say("asked"), lambda: say("left")), desk.bridge(close={close}) as bridge:
    stop.when_asked(bridge.send_no_more)
    stop.when_leaving(bridge.leave)
    first = bridge.start(desk.photo(seed=1), desk.folder / "first")
    while not list(desk.journal.glob("*/{wait_for}")):
        time.sleep(0.01)
    say("ready")
    begin = time.monotonic()
    rounds = {rounds}
    if rounds:
        hashlib.pbkdf2_hmac("sha256", b"render", b"", rounds)
    while not stop.is_asked:
        time.sleep(0.01)
    say("rendered")
    second = bridge.start(desk.photo(seed=2), desk.folder / "second")
    for future in (first, second):
        try:
            say(future.result().path.name)
        except BridgeError as error:
            say(type(error).__name__)
"""


@pytest.fixture(scope="module")
def server():
    with running_emulator() as emulator:
        yield emulator


class Child:
    def __init__(self, emulator, folder, *, wait_for="submitted.*", rounds=0, close=2.0, **control):
        emulator.control(reset=True, **control)
        self.emulator = emulator
        code = CHILD.format(
            root=str(ROOT),
            url=emulator.url,
            folder=str(folder),
            wait_for=wait_for,
            rounds=rounds,
            close=close,
        )
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert self.line() == "ready"

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, list[str]]:
        lines = self.process.stdout.read().split()
        return self.process.wait(30.0), lines


def test_once_finishes_what_is_paid_and_sends_nothing_else(server, tmp_path):
    child = Child(server, tmp_path, delays={"photo": 1.0})
    child.interrupt()
    code, lines = child.end()
    assert lines == ["asked", "rendered", "first.png", "StoppedError"]
    assert code == 0
    assert len(server.ledger()) == 1


def test_twice_leaves_although_the_job_runs(server, tmp_path):
    child = Child(server, tmp_path, delays={"photo": 60.0})
    child.interrupt()
    assert child.line() == "asked"
    began = time.monotonic()
    child.interrupt()
    code, lines = child.end()
    assert (code, lines[-1]) == (130, "left")
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_render_does_not_keep_it_from_being_heard(server, tmp_path, number):
    child = Child(server, tmp_path, delays={"photo": 60.0}, rounds=60_000_000)  # Half a minute.
    began = time.monotonic()
    if number == signal.SIGINT:
        child.interrupt()
        assert child.line() == "asked"
    child.interrupt(number)
    code, lines = child.end()
    assert (code, lines) == (130, ["left"])
    assert time.monotonic() - began < 3.0


def test_leaving_waits_for_an_answer_that_is_paid_but_a_third_time_does_not(server, tmp_path):
    faults = [{"name": "slow-answer", "seconds": 1.0}]
    child = Child(server, tmp_path / "two", wait_for="intent.1", faults=faults)
    child.interrupt()
    assert child.line() == "asked"  # Two signals at the same moment are one.
    child.interrupt()
    assert child.end()[0] == 130
    assert len(list(tmp_path.glob("two/.journal/*/submitted.1.json"))) == 1
    faults = [{"name": "slow-answer", "seconds": 30.0}]
    child = Child(server, tmp_path / "three", wait_for="intent.1", close=30.0, faults=faults)
    began = time.monotonic()
    for _time in range(3):
        child.interrupt()
        time.sleep(0.2)
    assert child.end()[0] == 130
    assert time.monotonic() - began < 3.0


def test_a_callback_that_comes_late_is_called_at_once():
    stop, called = Stop(), []
    stop.when_asked(lambda: called.append("early"))
    stop.ask()
    stop.ask()
    stop.when_asked(lambda: called.append("late"))
    assert called == ["early", "late"]
