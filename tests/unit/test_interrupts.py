# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C in a real process: once, twice, three times, and during one long step of the main thread."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from photoreal_set.processes.stop import Stop, looking_elsewhere
from tests.fal_emulator.process import running_emulator
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="sends signals")]
ROOT = Path(__file__).resolve().parents[2]

# Two photos at fal while the main thread "renders": hashing is one step that does not handle signals, like a render.
CHILD = """
import hashlib, os, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.desk import Desk
from photoreal_set.fal_bridge.errors import BridgeError
from photoreal_set.processes.interrupts import Interrupts
from photoreal_set.processes.stop import Stop

class Emulator:
    url = {url!r}

def say(text):
    os.write(1, f"{{text}}\\n".encode())  # In one piece: two threads call this, and print() writes the line end apart.

desk, stop = Desk(Path({folder!r}), Emulator()), Stop()
with Interrupts(stop, lambda: say("asked"), lambda: say("left")), desk.bridge(close={close}) as bridge:
    stop.when_asked(bridge.send_no_more)
    stop.when_leaving(bridge.leave)
    first = bridge.start(desk.photo(seed=1), desk.folder / "first")
    while not list(desk.journal.glob("*/{wait_for}")):
        time.sleep(0.01)
    say("ready")
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
    def __init__(self, emulator, folder, *, wait_for="submitted.*", rounds=0, **control):
        emulator.control(reset=True, **control)
        self.emulator = emulator
        code = CHILD.format(
            root=str(ROOT),
            url=emulator.url,
            folder=str(folder),
            wait_for=wait_for,
            rounds=rounds,
            close=FOR_EVER_SECONDS,
        )
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert self.line() == "ready"

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, list[str]]:
        lines = self.process.stdout.read().split()
        return self.process.wait(PATIENCE_SECONDS), lines

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def child(server) -> Iterator[Callable[..., Child]]:
    """Starts a child as ``Child`` does; it is killed at the end of the test."""
    with ExitStack() as stack:

        def start(folder: Path, **more: object) -> Child:
            one = Child(server, folder, **more)
            stack.callback(one.close)
            return one

        yield start


def test_one_interrupt_finishes_paid_work_and_sends_nothing_else(server, child, tmp_path):
    running = child(tmp_path, delays={"photo": 1.0})
    running.interrupt()
    code, lines = running.end()
    assert lines == ["asked", "rendered", "first.png", "StoppedError"]
    assert code == 0
    assert len(server.ledger()) == 1


def test_a_second_interrupt_leaves_running_jobs(server, child, tmp_path):
    running = child(tmp_path, delays={"queue": 0.0, "photo": FOR_EVER_SECONDS})
    running.interrupt()
    assert running.line() == "asked"
    running.interrupt()
    code, lines = running.end()
    assert code == 130
    assert "left" in lines  # The main thread may say that its jobs are stopped, before this or after.
    assert [entry["state"] for entry in server.ledger()] == ["IN_PROGRESS"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_noticed_during_a_render(child, tmp_path, number):
    running = child(tmp_path, delays={"photo": FOR_EVER_SECONDS}, rounds=2_000_000_000)  # Many minutes.
    if number == signal.SIGINT:
        running.interrupt()
        assert running.line() == "asked"
    running.interrupt(number)
    assert running.end() == (130, ["left"])  # Not "rendered".


def test_leaving_waits_for_the_response_to_a_paid_request(child, tmp_path):
    slow = [{"name": "slow-answer", "seconds": 1.0}]
    running = child(tmp_path, wait_for="intent.1", faults=slow, delays={"photo": FOR_EVER_SECONDS})
    until(running.emulator.ledger)
    running.interrupt()
    assert running.line() == "asked"  # Two signals at the same moment are one.
    running.interrupt()
    assert running.end()[0] == 130
    assert len(list(tmp_path.glob(".journal/*/submitted.1.json"))) == 1


def test_an_interrupt_that_is_overtaken_by_the_end_does_not_hurry_it(child, tmp_path):
    running = child(tmp_path, wait_for="intent.1", faults=[{"name": "slow-answer", "seconds": 2.0}])
    until(running.emulator.ledger)
    running.interrupt(signal.SIGTERM)
    time.sleep(0.2)
    running.interrupt()
    code, lines = running.end()
    assert code == 130
    assert "left" in lines  # The main thread may say that its jobs are stopped, before this or after.


def test_a_third_interrupt_does_not_wait_for_the_response(child, tmp_path):
    faults = [{"name": "slow-answer", "seconds": FOR_EVER_SECONDS}]
    running = child(tmp_path, wait_for="intent.1", faults=faults)
    for _time in range(3):
        running.interrupt()
        time.sleep(0.2)
    while running.process.poll() is None:  # Signals that come close together count as one.
        running.interrupt()
        time.sleep(0.2)
    assert running.end()[0] == 130
    assert not list(tmp_path.glob(".journal/*/submitted.1.json"))


def test_a_late_callback_is_called_immediately():
    stop, called = Stop(), []
    stop.when_asked(lambda: called.append("early"))
    stop.ask()
    stop.ask()
    stop.when_asked(lambda: called.append("late"))
    assert called == ["early", "late"]


def test_a_stop_request_from_another_process_reaches_the_waiting_thread():
    elsewhere, heard = threading.Event(), threading.Event()
    stop = Stop(elsewhere.is_set)
    stop.when_asked(heard.set)
    with looking_elsewhere(stop):
        assert not stop.is_asked
        elsewhere.set()
        assert heard.wait(PATIENCE_SECONDS)
    assert stop.is_asked


def test_a_closed_pipe_does_not_end_a_command_where_python_leaves_the_signal_alone():
    """As in Blender, whose window may be closed before its background Blender has finished."""
    code = f"""
import signal, sys
sys.path.insert(0, {str(ROOT)!r})
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
from command_line.bootstrap import load_package
load_package()
from photoreal_set.command_line.main import run
run(["--version"])
"""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([sys.executable, "-c", code], stdout=writing, timeout=PATIENCE_SECONDS)
    finally:
        os.close(writing)
    assert done.returncode == 0
