# SPDX-License-Identifier: GPL-3.0-or-later
"""A child process is started, read and stopped without blocking its caller."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line.bootstrap import load_package
from tests.patience import PATIENCE_SECONDS

load_package()

from photoreal_set.processes.blender_program import background_command, factory_settings  # noqa: E402
from photoreal_set.processes.child import (  # noqa: E402
    NICENESS,
    Child,
    Event,
    Prepared,
    environment_for,
    lower_priority,
)

PATIENT = """
import json, os, signal, sys, time
def end(*_):
    print(json.dumps({"event": "note", "text": "stopping"}), flush=True)
    sys.exit(130)
signal.signal(signal.SIGINT, end)
print(json.dumps({"event": "started", "pid": os.getpid()}), flush=True)
time.sleep(3600)
"""


def child(code: str, look: Callable[[Event], Event | None] = lambda event: None) -> Child:
    running = Child([sys.executable], lambda: Prepared(arguments=["-c", code]), dict(os.environ), look=look)
    running.start()
    return running


def events_until(running: Child, until: str = "exited") -> list[Event]:
    """Every event up to the first of a kind."""
    events = [running.events.get(timeout=PATIENCE_SECONDS)]
    while events[-1]["event"] != until:
        events.append(running.events.get(timeout=PATIENCE_SECONDS))
    return events


def test_events_arrive_in_order_without_other_output():
    code = (
        'import sys; print(\'Blender 4.5\'); print(\'{"event": "note", "text": "1"}\'); print(\'{broken\');'
        'print(\'{"event": "note", "text": "2"}\'); print(\'[1]\')'
    )
    events = events_until(child(code))
    assert [event.get("text") for event in events[:-1]] == ["1", "2"]
    assert events[-1] == {"event": "exited", "code": 0, "output": []}


def test_the_last_output_of_a_crash_is_kept():
    last = events_until(child("import sys; sys.stderr.write('no memory\\n'); sys.exit(3)"))[-1]
    assert (last["code"], last["output"]) == (3, ["no memory\n"])


def test_a_missing_program_is_reported_as_an_end(tmp_path: Path):
    running = Child([str(tmp_path / "nothing")], lambda: Prepared(arguments=[]), {})
    running.start()
    last = events_until(running)[-1]
    assert last["code"] == 3
    assert "nothing" in last["output"][-1]


def test_an_error_during_preparation_is_reported():
    def prepare() -> Prepared:
        raise OSError("the disk is full")

    running = Child([sys.executable], prepare, {})
    running.start()
    assert events_until(running)[-1]["output"] == ["the disk is full"]


def test_the_result_of_the_preparation_is_the_first_event():
    prepared = Prepared(arguments=["-c", 'print(\'{"event": "note"}\')'], event={"event": "prepared"})
    running = Child([sys.executable], lambda: prepared, {})
    assert running.events.empty(), "nothing runs before start()"
    running.start()
    assert [event["event"] for event in events_until(running)] == ["prepared", "note", "exited"]


def test_data_looked_up_for_an_event_follows_it():
    def look(event: Event) -> Event | None:
        return {"event": "seen", "text": event["text"]}

    events = events_until(child('print(\'{"event": "note", "text": "1"}\')', look))
    assert [event["event"] for event in events] == ["note", "seen", "exited"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_the_first_stop_requests_an_end():
    running = child(PATIENT)
    events_until(running, "started")
    running.stop()
    events = events_until(running)
    assert events[0] == {"event": "note", "text": "stopping"}
    assert events[-1]["code"] == 130


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_the_second_stop_kills_the_child():
    running = child(PATIENT.replace("sys.exit(130)", "return"))
    events_until(running, "started")
    running.stop()
    events_until(running, "note")
    running.stop()
    assert events_until(running)[-1]["code"] < 0


@pytest.mark.skipif(os.name == "nt", reason="priorities of POSIX")
def test_a_child_has_a_lower_priority_than_its_window():
    running = child(PATIENT)
    pid = events_until(running, "started")[-1]["pid"]
    try:
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
        # Linux lets other users change it only ten times a second, all together.
        if os.geteuid() == 0 and (shared := Path(f"/proc/{pid}/autogroup")).exists():
            assert shared.read_text().split()[-1] == str(NICENESS)
    finally:
        running.stop()
    assert events_until(running)[-1]["code"] == 130


@pytest.mark.skipif(os.name == "nt", reason="priorities of POSIX")
def test_a_system_that_denies_the_lower_priority_causes_no_error():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lower_priority(ended.pid)


def batch_test(*arguments: str) -> list[str]:
    return [sys.executable, "batch.py", "test", *arguments]


@pytest.mark.skipif(os.name == "nt", reason="priorities of POSIX")
def test_the_priority_of_a_terminal_stays_when_tests_run_in_it():
    code = (
        "import pathlib, subprocess, sys\n"
        "shared = pathlib.Path('/proc/self/autogroup')\n"
        "look = lambda: shared.read_text().split()[-1] if shared.exists() else ''\n"
        "before = look()\n"
        f"subprocess.run({batch_test('--version')!r}, check=True)\n"
        "sys.exit(before != look())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], start_new_session=True)
    assert done.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_the_tests(tmp_path: Path):
    waiting = tmp_path / "test_waiting.py"
    waiting.write_text("def test_waiting():\n    print('ready', flush=True)\n    input()\n")
    command = batch_test("-s", "-p", "no:cacheprovider", str(waiting))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as tests:
        assert tests.stdout is not None
        next(line for line in tests.stdout if "ready" in line)
        tests.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in tests.stdout.read()
    assert tests.returncode == 2


def test_a_real_blender_gets_factory_settings_and_the_users_online_access():
    batch = Path("batch.py")
    on, off = (
        background_command(batch, ["doctor"], blender="/opt/blender", options=factory_settings(online=online))
        for online in (True, False)
    )
    assert on[:3] == ["/opt/blender", "-b", "--factory-startup"]
    assert "--online-mode" in on
    assert "--online-mode" not in off
    assert "--offline-mode" in off
    assert on[-4:] == ["--python", "batch.py", "--", "doctor"]


def test_the_bpy_module_needs_only_python():
    assert background_command(Path("batch.py"), ["doctor"], blender="") == [
        sys.executable,
        "batch.py",
        "doctor",
    ]


def test_a_given_key_replaces_all_others_and_no_key_keeps_them():
    inherited = {"FAL_KEY": "a:b", "FAL_KEY_FILE": "key.txt", "PATH": "/bin"}
    assert environment_for(inherited, "c:d") == {"FAL_KEY": "c:d", "PATH": "/bin"}
    assert environment_for(inherited, "") == {"PATH": "/bin"}
    assert environment_for(inherited, None) == inherited


@pytest.mark.parametrize(
    ("arguments", "has_key"),
    [
        (["set", "chair.glb", "--out", "x", "--engine", "cycles", "--video", "none"], False),
        (["estimate", "chair.glb", "--engine", "cycles", "--video", "none"], False),
        (["set", "chair.glb", "--out", "x", "--engine", "fal"], True),
        (["doctor", "--test-key"], True),
    ],
)
def test_only_a_command_that_uses_fal_gets_the_key(tmp_path: Path, arguments: list[str], has_key: bool):
    script = tmp_path / "tell.py"
    script.write_text(
        "import json, os; names = [name for name in os.environ if name.startswith('FAL_KEY')]\n"
        "print(json.dumps({'event': 'note', 'names': names}))"
    )
    environment = environment_for({**os.environ, "FAL_KEY_FILE": "key.txt"}, "identifier:secret")
    running = Child([sys.executable, str(script)], lambda: Prepared(arguments=arguments), environment)
    running.start()
    first = events_until(running, "note")[0]
    assert first["names"] == (["FAL_KEY"] if has_key else [])
