# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender that renders: a child process, so that a product that crashes it does not end the run.

One Blender renders product after product. A product that crashed it is rendered once more by a separate Blender under
the same limits; when that crashes too, the product is the cause.
"""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..messages import events
from ..messages.errors import MachineError
from ..processes.child import own_group
from ..processes.fal_keys import without_keys
from .memory import machine_memory, memory_of

START_SECONDS = 300.0
LOOK_SECONDS = 0.2  # Between two checks of the child's memory.
END_SECONDS = 5.0
DEFAULT_MINUTES = 30.0
DEFAULT_MEMORY_SHARE = 0.75  # Of the machine's memory.

log = logging.getLogger(__name__)

E = TypeVar("E", bound=events.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one product may use: bytes of memory (0: no limit), and seconds without a new picture."""

    memory: int = 0
    seconds: float = DEFAULT_MINUTES * 60.0

    @classmethod
    def of_machine(cls, *, minutes: float | None = None, gigabytes: float | None = None) -> "Limits":
        memory = int(gigabytes * (1 << 30)) if gigabytes else int(machine_memory() * DEFAULT_MEMORY_SHARE)
        return cls(memory=memory, seconds=(minutes or DEFAULT_MINUTES) * 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The outcome for one product: ``crash`` says how Blender ended; without one, ``error`` is empty on success."""

    error: str = ""
    exit_code: int = 0
    crash: str = ""
    is_stopped: bool = False
    seconds: float = 0.0


class BlenderChild:
    """Renders sets in child processes started with ``command``."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._command = list(command)
        self._limits = limits
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._lock = threading.Lock()
        self._is_stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def render(self, folder: Path, tell: Callable[[events.Event], None], *, alone: bool = False) -> Rendered:
        """Render what is missing in the set in ``folder``; ``tell`` gets the child's events meanwhile.

        ``alone``: in a separate Blender that renders nothing else.
        Raises MachineError when Blender cannot be started.
        """
        if alone:
            self.end()
        began = time.monotonic()
        try:
            process = self._started()
            self._say(process, {"set": str(folder)})
            if self._is_stopping:
                self._say(process, {"stop": True})
            answer = self._awaited(process, events.Rendered, self._limits.seconds, tell)
        except _CrashError as crash:
            self.end()
            return Rendered(crash=str(crash), seconds=time.monotonic() - began)
        if alone:
            self.end()
        return Rendered(
            error=answer.error,
            exit_code=answer.exit,
            is_stopped=answer.state == "stopped",
            seconds=time.monotonic() - began,
        )

    def stop(self) -> None:
        """Stop after the current picture. From any thread."""
        self._is_stopping = True
        if process := self._process:
            with contextlib.suppress(_CrashError):
                self._say(process, {"stop": True})

    def end(self) -> None:
        """End the child, when there is one. From any thread."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(END_SECONDS if process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[str]:
        if self._process and self._process.poll() is None:
            return self._process
        self.end()
        lines: queue.Queue[str | None] = queue.Queue()
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=without_keys(os.environ),  # It opens files of unknown origin.
            **own_group(),  # This process handles Ctrl-C; the child gets the request through stdin.
        )
        _prefer_for_out_of_memory(process.pid)
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        self._lines = lines
        with self._lock:
            self._process = process
        try:
            self._awaited(process, events.Ready, START_SECONDS, lambda _event: None)
        except _CrashError as crash:
            self.end()
            raise MachineError(
                f"Blender cannot be started for rendering: {crash}.", hint=f"Try: {' '.join(self._command)}"
            ) from crash
        return process

    def _say(self, process: subprocess.Popen[str], request: Mapping[str, Any]) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except (OSError, ValueError) as error:
            raise _CrashError(_how_it_ended(process)) from error

    def _awaited(
        self,
        process: subprocess.Popen[str],
        kind: type[E],
        seconds: float,
        tell: Callable[[events.Event], None],
    ) -> E:
        """The next event of this kind. Raises _CrashError when the child ends, or exceeds a limit."""
        heard_at = time.monotonic()
        while True:
            try:
                line = self._lines.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if time.monotonic() - heard_at > seconds:
                    process.kill()
                    raise _CrashError(f"there was no new picture for {seconds / 60:.3g} minutes") from None
                self._check_memory(process)
                continue
            if line is None:
                raise _CrashError(_how_it_ended(process))
            self._check_memory(process)
            event = _event_in(line)
            if event is None:
                continue
            if not isinstance(event, events.Working):  # It only shows that the run is working.
                heard_at = time.monotonic()
            if isinstance(event, kind):
                return event
            tell(event)

    def _check_memory(self, process: subprocess.Popen[str]) -> None:
        used = memory_of(process.pid)
        if self._limits.memory and used and used > self._limits.memory:
            process.kill()
            raise _CrashError(f"it took more than {self._limits.memory / (1 << 30):.3g} GB of memory")


class _CrashError(Exception):
    """How the child ended."""


def _event_in(line: str) -> events.Event | None:
    """The event in a line of the child; None for what Blender prints itself."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        log.debug("Blender: %s", line.rstrip())
        return None
    try:
        return events.event_from(record)
    except ValueError as error:
        log.warning("Blender sent something that is not an event: %s", error)
        return None


def _read(process: subprocess.Popen[str], lines: "queue.Queue[str | None]") -> None:
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def _how_it_ended(process: subprocess.Popen[str]) -> str:
    try:
        code = process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return "Blender stopped responding"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"Blender was ended by {signal.Signals(-code).name}"
    return f"Blender ended with code {code}"


def _prefer_for_out_of_memory(process: int) -> None:
    """When memory runs out, Linux ends this process before ours."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/oom_score_adj").write_text("1000")
