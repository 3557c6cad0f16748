# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of this package in a separate process: its JSON events as they arrive, and how it is stopped.

Nothing here blocks: a thread starts the process, reads its output and puts the events into a queue.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .fal_keys import may_need_key, without_keys

Event = dict[str, Any]

KEPT_LINES = 40  # Of its output besides events: the last lines explain a crash.
NOT_STARTED = 3  # The exit code for a process that never ran.
# Added to the "nice" value: about a tenth of a processor while the window needs the rest, all of it otherwise.
NICENESS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is decided on the thread before the process starts.

    ``arguments`` are those of ``batch.py``. ``event`` is put into the queue before the events of the process, so that
    its receiver learns on its own thread what was decided.
    """

    arguments: Sequence[str]
    event: Event | None = None


Prepare = Callable[[], Prepared]
Look = Callable[[Event], Event | None]


def environment_for(environ: Mapping[str, str], key: str | None) -> dict[str, str]:
    """The environment of the child. ``key`` replaces the keys in ``environ``; ``None`` keeps them."""
    inherited = dict(environ) if key is None else without_keys(environ)
    if key:
        inherited["FAL_KEY"] = key
    return inherited


class Child:
    """One command: not started, running, or ended.

    ``prepare`` is called on the thread and may read and write files. ``look`` is called there with every event of the
    process; the event that it returns is put into the queue after that one. The last event is always ``exited`` with
    ``code`` and ``output``, the last lines of output that were not events. A command that does not use fal.ai gets
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

    def start(self) -> None:
        """Start the thread that prepares, runs and reads the process. To be called once."""
        # A daemon: closing Blender must not wait for a run, which continues without it.
        threading.Thread(target=self._work, name="photoreal-child", daemon=True).start()

    def stop(self) -> None:
        """Once: finish what is paid for, then end. Twice: end now. Either way the set can be resumed."""
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
            self.events.put({"event": "exited", "code": code, "output": list(output)})

    def _run(self, output: deque[str]) -> int:
        prepared = self._prepare()
        if prepared.event:
            self.events.put(prepared.event)
        command = [*self._command, *prepared.arguments]
        needs_key = may_need_key(prepared.arguments)
        environment = self._environment if needs_key else without_keys(self._environment)
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
                **own_group(beside_window=True),  # Closing Blender must not end it.
            )
        process = self._process
        lower_priority(process.pid)
        assert process.stdout is not None and process.stderr is not None
        errors = threading.Thread(target=output.extend, args=(process.stderr,), daemon=True)
        errors.start()
        for line in process.stdout:
            self._hear(line)
        code = process.wait()
        errors.join(1.0)  # A grandchild may hold the pipe open.
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


def own_group(*, beside_window: bool = False) -> dict[str, Any]:
    """Arguments of ``Popen`` for a child in a separate process group, which Ctrl-C in a terminal does not reach.

    ``beside_window``: on Windows also without a console window, and with a lower priority than Blender's.
    """
    if os.name != "nt":
        return {"start_new_session": True}
    flags = ["CREATE_NEW_PROCESS_GROUP"]
    flags += ["CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS"] if beside_window else []
    return {"creationflags": sum(getattr(subprocess, flag) for flag in flags)}


def lower_priority(pid: int) -> None:
    """Lower the priority of a process below that of the window. On Windows ``own_group`` has done so already.

    Where the system does not allow it, the process keeps its priority.
    """
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + NICENESS)
    # Linux first shares processors between sessions. Other processes of the session keep their priority.
    with contextlib.suppress(OSError):
        if os.getsid(pid) == pid:
            Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))
