# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of ours in a process of its own: its JSON lines as they come, and how it is stopped.

Nothing here waits: threads start the process and read it, and put what they hear into a queue.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .keys import may_need_key, without_keys

Event = dict[str, Any]
Prepare = Callable[[], Sequence[str]]
Look = Callable[[Event], Event | None]

KEPT_LINES = 40  # Of what it says besides its events: the last ones explain a crash.
NOT_STARTED = 3
YIELDING = (
    10  # Of "nice": about a tenth of a processor where the window wants the rest, all where it does not.
)


def blender_command(binary: str, python: str, batch: Path, *, online: bool) -> tuple[str, ...]:
    """What starts ``batch.py`` in a background Blender with factory settings, or in ``python`` with the bpy module.

    ``binary`` is empty in the bpy module. The user's Online Access is handed on, because factory settings
    do not know it.
    """
    if not binary:
        return (python, str(batch))
    access = "--online-mode" if online else "--offline-mode"
    options = ("-b", "--factory-startup", access, "--python-exit-code", "3", "--python", str(batch), "--")
    return (binary, *options)


def environment_for(environ: Mapping[str, str], key: str | None) -> dict[str, str]:
    """The environment of the child. ``key`` replaces the keys that stand in it; ``None`` leaves them there."""
    inherited = dict(environ) if key is None else without_keys(environ)
    if key:
        inherited["FAL_KEY"] = key
    return inherited


class Child:
    """One command that runs, or has ended.

    ``prepare`` gives the arguments of ``batch.py``; it is called on a thread and may read and write files.
    ``look`` is asked about every event there; what it gives follows that event. The last event is always
    ``exited`` with ``code`` and ``words`` (what was said besides events). A command that does not use fal.ai gets
    ``environment`` without its keys.
    """

    def __init__(
        self,
        command: Sequence[str],
        prepare: Prepare,
        environment: Mapping[str, str],
        *,
        look: Look = lambda event: None,
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._command = list(command)
        self._prepare = prepare
        self._environment = dict(environment)
        self._look = look
        self._process: subprocess.Popen[str] | None = None
        self._stops = 0
        self._lock = threading.Lock()
        # A daemon: closing Blender must not wait for a run, which goes on by itself.
        threading.Thread(target=self._work, name="photoreal-child", daemon=True).start()

    def stop(self) -> None:
        """Once: finish what is paid and end. Twice: end now. What was sent can be resumed either way."""
        with self._lock:
            self._stops += 1
            if self._process is not None and self._process.poll() is None:
                self._send_stop()

    def _send_stop(self) -> None:
        assert self._process is not None
        if self._stops == 1:
            self._process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
        else:
            self._process.terminate()

    def _work(self) -> None:
        words: deque[str] = deque(maxlen=KEPT_LINES)
        code = NOT_STARTED
        try:
            code = self._run(words)
        except (OSError, ValueError) as error:
            words.append(str(error))
        except Exception as error:
            words.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.events.put({"event": "exited", "code": code, "words": list(words)})

    def _run(self, words: deque[str]) -> int:
        arguments = self._prepare()
        command = [*self._command, *arguments]
        environment = self._environment if may_need_key(arguments) else without_keys(self._environment)
        with self._lock:
            if self._stops:
                return NOT_STARTED
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                **own_group(),
            )
        process = self._process
        let_yield(process.pid)
        assert process.stdout is not None and process.stderr is not None
        complaints = threading.Thread(target=words.extend, args=(process.stderr,), daemon=True)
        complaints.start()
        for line in process.stdout:
            self._hear(line)
        code = process.wait()
        complaints.join(1.0)  # A grandchild may hold the pipe open.
        return code

    def _hear(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # Blender's own words.
        if not isinstance(event, dict) or "event" not in event:
            return
        self.events.put(event)
        if further := self._look(event):
            self.events.put(further)


def own_group() -> dict[str, Any]:
    """How to start a child in a group of its own. Ctrl-C in the terminal from which Blender was started is not meant for the child, which outlives it."""
    if os.name == "nt":
        flags = ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
        return {"creationflags": sum(getattr(subprocess, flag) for flag in flags)}
    return {"start_new_session": True}


def let_yield(pid: int) -> None:
    """Have a process just started give way to the window that the artist works in; on Windows it began so.

    It goes on at its old priority where the system does not allow that.
    """
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + YIELDING)
    # Linux shares processors between sessions first, and the child has one of its own.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(YIELDING))
