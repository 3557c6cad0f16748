# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of sets and catalogues on this machine, visible to other processes: a lock, and a log of what the run reports.

The lock of a folder is held as long as its run lives: that of a set by its only run, that of a catalogue by the first of
several, and only that one is visible. The log beside it has one JSON object per line: first the
process, then every event with the time ``at`` (seconds since 1970). A log without a lock belongs to a run that has
ended: it stays until ``forget`` when a window has asked for the run, so that the window learns how it ended although it
was closed meanwhile. Standard library only: the window reads logs.
"""

import contextlib
import hashlib
import json
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from ..files.home import home_folder
from ..files.lock import FileLock
from ..messages.events import Event, Finished, Working
from ..messages.progress import Reporter

ASKED_BY = "PHOTOREAL_ASKED_BY"  # The environment variable with the window that starts a run, as JSON.
PROCESS = "process"  # The event of the first line.
MAX_HEAD = 1 << 16  # Bytes of the first line.
MAX_DETAILED = 4 << 20
KEPT_SECONDS = 30 * 86400.0  # A log that no window has come back for is deleted after that.


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBy:
    """The window that has started a run: its process, the file that was open ("" before it was saved) and the scene.

    ``places``: the window places the photos when the run is done; ``replaces``: instead of those that it placed before.
    ``pays``: fal.ai makes something of a catalogue. ``mark`` is kept in the scene, too, so that the run is found for it in
    a file that was saved later.
    """

    window: int
    file: str
    scene: str
    places: bool
    replaces: bool = False
    pays: bool = False
    mark: str = ""

    @property
    def variable(self) -> dict[str, str]:
        """The environment variable for the process of the run."""
        return {ASKED_BY: json.dumps(asdict(self))}

    @classmethod
    def from_record(cls, record: object) -> Self | None:
        """What ``variable`` was made from; ``None`` for anything else."""
        if not isinstance(record, dict):
            return None
        try:
            return cls(
                window=int(record["window"]),
                file=str(record["file"]),
                scene=str(record["scene"]),
                places=bool(record["places"]),
                replaces=bool(record["replaces"]),
                pays=bool(record["pays"]),
                mark=str(record.get("mark", "")),
            )
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """A run with a log. ``began``: seconds since 1970. ``asked_by`` is ``None`` for a run from a terminal."""

    folder: Path
    log: Path
    process: int
    began: float
    asked_by: AskedBy | None
    is_catalogue: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether the process still works in the folder. Uses the disk."""
        if not is_locked(self.folder):
            return False
        newest = _head(self.log)  # Another run may work there by now.
        return newest is None or (newest.process, newest.began) == (self.process, self.began)

    def stop(self) -> None:
        """Ask the run to finish what is paid, and to end. Raises OSError."""
        _stop_mark(self.folder).write_bytes(b"")

    def end(self) -> None:
        """End the process now; the set can be resumed. Does nothing when it has ended."""
        if self.is_alive:
            with contextlib.suppress(OSError):
                os.kill(self.process, signal.SIGTERM)


class RunLog:
    """A reporter that also writes the log of the run that holds the lock of ``root``, until ``close``.

    Beyond ``MAX_DETAILED`` bytes, signs of life and what only programs see are left out: a large catalogue reports for days.
    """

    def __init__(
        self,
        root: Path,
        reporter: Reporter,
        *,
        is_catalogue: bool = False,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._reporter = reporter
        self._root = root
        self._written = 0
        self._stream: BinaryIO | None = None
        self._asked_by = _asker_in(environ)
        with contextlib.suppress(OSError):  # A run needs no log.
            _stop_mark(root).unlink(missing_ok=True)
            self._stream = _log_of(root).open("wb", buffering=0)
            asker = {"asked_by": asdict(self._asked_by)} if self._asked_by else {}
            place = {"set": str(root.absolute()), "is_catalogue": is_catalogue}
            self._write({"event": PROCESS, "pid": os.getpid(), **place, **asker})

    def tell(self, event: Event) -> None:
        """Report an event to people and programs."""
        self._write(event.record(), is_detail=isinstance(event, Working))
        self._reporter.tell(event)

    def detail(self, event: Event) -> None:
        """Report an event to programs only."""
        self._write(event.record(), is_detail=True)
        self._reporter.detail(event)

    def result(self, found: Iterable[Event], text: str) -> None:
        """Report what the command was asked for."""
        self._reporter.result(found, text)

    def fail(self, error: str, code: int, field: str) -> None:
        """Log that the run ends with an error, which its caller reports."""
        self._write(Finished(state="failed", exit=code, set=None, error=error, field=field or None).record())

    def close(self) -> None:
        """The run has ended. Without a window that wants to know, its log is deleted."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            if self._asked_by is None:
                _delete(_log_of(self._root))

    def _write(self, record: dict[str, Any], *, is_detail: bool = False) -> None:
        if self._stream is None or (is_detail and self._written > MAX_DETAILED):
            return
        text = json.dumps({**record, "at": round(time.time(), 3)}, ensure_ascii=False)
        line = text.encode(errors="replace") + b"\n"
        self._written += len(line)
        with contextlib.suppress(OSError):  # A full disk must not end a run that has paid.
            self._stream.write(line)


def _asker_in(environ: Mapping[str, str]) -> AskedBy | None:
    try:
        return AskedBy.from_record(json.loads(environ.get(ASKED_BY, "null")))
    except ValueError:
        return None


def is_asked_to_stop(root: Path) -> bool:
    """Whether another process has asked the run in ``root`` to stop, since it began."""
    return _stop_mark(root).exists()


def known_runs() -> list[KnownRun]:
    """Every run with a log, living or ended. Logs that are too old are deleted."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(_folder().glob("*.jsonl")):
            run = _head(path)
            if run is not None and time.time() - run.began > KEPT_SECONDS and not run.is_alive:
                _delete(path)
            elif run is not None:
                found.append(run)
    return found


def forget(root: Path) -> None:
    """Delete the log of a run that has ended; that of a living one stays."""
    if not is_locked(root):
        _delete(_log_of(root))


def is_locked(root: Path) -> bool:
    """Whether a process works in the folder ``root``; False where files cannot be locked."""
    try:
        return FileLock.is_held(lock_of(root))
    except OSError:
        return False


def lock_of(root: Path) -> Path:
    """The lock of the folder of a set or a catalogue, named after its real path."""
    return _folder() / f"{_name(root)}.lock"


def _head(path: Path) -> KnownRun | None:
    """The run that writes a log; ``None`` while its first line is being written."""
    try:
        with path.open("rb") as stream:
            record = json.loads(stream.readline(MAX_HEAD))
        return KnownRun(
            folder=Path(record["set"]),
            log=path,
            process=int(record["pid"]),
            began=float(record["at"]),
            asked_by=AskedBy.from_record(record.get("asked_by")),
            is_catalogue=record.get("is_catalogue") is True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _folder() -> Path:
    return home_folder() / "locks"


def _name(root: Path) -> str:
    real = os.path.normcase(os.path.realpath(root)).encode(errors="surrogateescape")
    return hashlib.sha256(real).hexdigest()[:32]


def _log_of(root: Path) -> Path:
    return _folder() / f"{_name(root)}.jsonl"


def _stop_mark(root: Path) -> Path:
    return _folder() / f"{_name(root)}.stop"


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):  # On Windows, while another window reads it: the next run replaces it.
        path.unlink(missing_ok=True)
