# SPDX-License-Identifier: GPL-3.0-or-later
"""Part files: files that are still being written, beside their final place.

The name of a part tells which process writes it: ``.NAME.SPACE-PROCESS-RUN-NUMBER.part``. This distinguishes a part
that a killed process left behind from one that is being written, whatever the clocks show. A note, ``….part.json``,
makes a part resumable: a later process may continue it.
"""

import contextlib
import enum
import itertools
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from ..processes.identity import is_gone, process_space, this_process

SUFFIX = ".part"
OLD_SECONDS = 86_400.0  # No file here takes that long to write.
MAX_NAME_BYTES = 180  # Bytes of NAME. File systems allow 255 for the whole name.

_MARKED = re.compile(r"\..+\.([0-9a-f]{8})-([0-9a-f]{1,8})-([0-9a-f]{6})-[0-9a-f]+\.part")
_space = process_space()
_run = secrets.token_hex(3)  # Distinguishes this process from an earlier one with the same number.
_numbers = itertools.count()


class Writer(enum.Enum):
    """What is known about the process that writes a part."""

    LIVES = enum.auto()
    GONE = enum.auto()
    UNKNOWN = enum.auto()  # Of another machine or boot, or without a mark; on Windows, of any other process.


def part_for(path: Path) -> Path:
    """A new name beside ``path``, for this process to write the content of ``path`` to."""
    mark = f"{_space}-{os.getpid():x}-{_run}-{next(_numbers):x}"
    return path.with_name(f".{_shortened(path.name)}.{mark}{SUFFIX}")


def note_of(part: Path) -> Path:
    """The path of the note of ``part``, which may be missing."""
    return part.with_name(f"{part.name}.json")


def parts_of(path: Path) -> list[Path]:
    """The parts of ``path`` in its folder, written by any process; includes parts of which only the note is left."""
    start = f".{_shortened(path.name)}."
    names = dict.fromkeys(_part_names(item.name for item in path.parent.iterdir()))
    return [
        path.with_name(name)
        for name in names
        if name.startswith(start) and "." not in name[len(start) : -len(SUFFIX)]
    ]


def is_part(name: str) -> bool:
    """Whether this is the name of a part that tells its process."""
    return _mark_in(name) is not None


def writer_of(part: Path) -> Writer:
    """The state of the process that the name of ``part`` tells."""
    mark = _mark_in(part.name)
    if mark is None:
        return Writer.UNKNOWN
    space, process, run = mark
    if space != _space:
        return Writer.UNKNOWN
    if process == os.getpid():
        return Writer.LIVES if run == _run else Writer.GONE
    if os.name == "nt":
        return Writer.UNKNOWN
    return Writer.GONE if is_gone({**this_process(), "process": process}) else Writer.LIVES


def sweep(path: Path) -> None:
    """Remove the parts of ``path`` and of its notes that no process writes any more."""
    notes = f"..{_shortened(path.name)}."
    names = [item.name for item in path.parent.iterdir() if item.name.startswith(notes)]
    halves = [path.with_name(name) for name in _part_names(names)]
    _remove_abandoned([*parts_of(path), *halves], are_notes_kept=False)


def sweep_tree(root: Path) -> None:
    """Remove the parts below ``root`` that no process writes any more. Links are not followed.

    Those with a note are kept for a day, so that their download can continue.
    """
    for folder, _folders, names in os.walk(root, followlinks=False):
        parts = [Path(folder, name) for name in dict.fromkeys(_part_names(names))]
        _remove_abandoned(parts, are_notes_kept=True)


def _remove_abandoned(parts: list[Path], *, are_notes_kept: bool) -> None:
    now: float | None = None
    for part in parts:
        writer = writer_of(part)
        if writer is Writer.LIVES:
            continue
        must_be_old = writer is Writer.UNKNOWN or (are_notes_kept and note_of(part).exists())
        if must_be_old and now is None:
            now = _time_in(part.parent)
        if not must_be_old or (now is not None and now - _written_at(part) > OLD_SECONDS):
            with contextlib.suppress(OSError):  # Harmless: the next run tries again.
                note_of(part).unlink(missing_ok=True)  # First: a note must not outlive its part.
                part.unlink(missing_ok=True)


def _shortened(name: str) -> str:
    while len(os.fsencode(name)) > MAX_NAME_BYTES:
        name = name[:-1]
    return name


def _part_names(names: Iterable[str]) -> list[str]:
    """The names of parts among ``names``; a note counts as its part."""
    stripped = (name.removesuffix(".json") for name in names)
    return [name for name in stripped if name.startswith(".") and name.endswith(SUFFIX)]


def _mark_in(name: str) -> tuple[str, int, str] | None:
    """Process space, process and run from the name of a part."""
    found = _MARKED.fullmatch(name)
    return (found[1], int(found[2], 16), found[3]) if found else None


def _written_at(part: Path) -> float:
    """When a part or its note was last written, by the clock of their file system."""
    times = []
    for path in (part, note_of(part)):
        with contextlib.suppress(OSError):
            times.append(path.lstat().st_mtime)
    return max(times, default=float("inf"))


def _time_in(folder: Path) -> float:
    """The time of the file system of ``folder``: on a network drive, another machine's clock.

    Minus infinity where nothing can be written, so that nothing counts as old.
    """
    probe = part_for(folder / "clock")
    try:
        probe.write_bytes(b"?")
        return probe.stat().st_mtime
    except OSError:
        return float("-inf")
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
