# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one of our commands in a child process: read its JSON events, and stop it.

Nothing here blocks: threads start the process, read its output and put the events into a queue.
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

KEPT_LINES = 40  # Of output other than events: the last lines explain a crash.
NOT_STARTED = 3
# Added to "nice": about a tenth of a processor while the window is busy, all of it otherwise.
NICENESS = 10


def blender_command(binary: str, python: str, batch: Path, *, online: bool) -> tuple[str, ...]:
    """The command that starts ``batch.py`` in a background Blender with factory settings, or in ``python`` with bpy.

    ``binary`` is empty in the bpy module. The user's Online Access is passed on, because factory settings
    do not include it.
    """
    if not binary:
        return (python, str(batch))
    access = "--online-mode" if online else "--offline-mode"
    options = ("-b", "--factory-startup", access, "--python-exit-code", "3", "--python", str(batch), "--")
    return (binary, *options)


def environment_for(environ: Mapping[str, str], key: str | None) -> dict[str, str]:
    """The environment of the child. ``key`` replaces the keys in it; ``None`` keeps them."""
    inherited = dict(environ) if key is None else without_keys(environ)
    if key:
        inherited["FAL_KEY"] = key
    return inherited


class Child:
    """One command, running or ended.

    ``prepare`` returns the arguments of ``batch.py``; it is called on a thread and may read and write files.
    ``look`` is called there with every event; an event that it returns follows that one. The last event is always
    ``exited`` with ``code`` and ``words`` (the last lines of other output). A command that does not use fal.ai gets
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
        # A daemon: closing Blender must not wait for a run, which continues without it.
        threading.Thread(target=self._work, name="photoreal-child", daemon=True).start()

    def stop(self) -> None:
        """Called once: finish what is paid, then end. Called twice: end now. Requests that were sent can be resumed either way."""
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
        output: deque[str] = deque(maxlen=KEPT_LINES)
        code = NOT_STARTED
        try:
            code = self._run(output)
        except (OSError, ValueError) as error:
            output.append(str(error))
        except Exception as error:
            output.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.events.put({"event": "exited", "code": code, "words": list(output)})

    def _run(self, output: deque[str]) -> int:
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
        lower_priority(process.pid)
        assert process.stdout is not None and process.stderr is not None
        complaints = threading.Thread(target=output.extend, args=(process.stderr,), daemon=True)
        complaints.start()
        for line in process.stdout:
            self._hear(line)
        code = process.wait()
        complaints.join(1.0)  # A grandchild may keep the pipe open.
        return code

    def _hear(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # Output of Blender itself.
        if not isinstance(event, dict) or "event" not in event:
            return
        self.events.put(event)
        if further := self._look(event):
            self.events.put(further)


def own_group() -> dict[str, Any]:
    """The options of ``Popen`` that start a child in a separate process group.

    Ctrl-C in the terminal that Blender was started from must not reach the child, which outlives Blender.
    """
    if os.name == "nt":
        flags = ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
        return {"creationflags": sum(getattr(subprocess, flag) for flag in flags)}
    return {"start_new_session": True}


def lower_priority(pid: int) -> None:
    """Lower the priority of a new process below that of the window; on Windows it was started that way.

    Where the system does not allow this, the priority stays as it is.
    """
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + NICENESS)
    # Linux divides processor time between sessions first, and the child has a separate session.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))
