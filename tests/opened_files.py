# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are opened: by Python code (an audit hook), or in a folder by any process (Linux inotify)."""

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_recordings: list[list[str]] = []


def _record(event: str, arguments: tuple[object, ...]) -> None:
    if not _recordings or event != "open":
        return
    path = arguments[0]
    if isinstance(path, str | bytes):
        for recording in _recordings:
            recording.append(os.fsdecode(path))


@contextlib.contextmanager
def recorded_opens() -> Iterator[list[str]]:
    """While entered: the path of every file that Python code opens, by ``open`` or by ``os.open``, as it was given.

    Libraries in C that open files themselves, like Blender, are not recorded.
    """
    if _record not in _installed:
        sys.addaudithook(_record)
        _installed.append(_record)
    recording: list[str] = []
    _recordings.append(recording)
    try:
        yield recording
    finally:
        _recordings.remove(recording)


_installed: list[object] = []


# --- everything that is opened in a folder ------------------------------------------------------

IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")  # Watch, mask, cookie, length of the name that follows (inotify(7)).


@contextlib.contextmanager
def opens_in(folder: Path) -> Iterator[list[str]]:
    """The names of all files in a folder that any process opened, Blender's C code included; filled at the end."""
    library = ctypes.CDLL(None, use_errno=True)
    number = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if number < 0 or library.inotify_add_watch(number, os.fsencode(folder), IN_OPEN) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    opened: list[str] = []
    try:
        yield opened
    finally:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(number, 1 << 16):
                opened += _names_in(data)
        os.close(number)


def _names_in(data: bytes) -> Iterator[str]:
    place = 0
    while place < len(data):
        _watch, _mask, _cookie, length = _EVENT.unpack_from(data, place)
        place += _EVENT.size
        name = data[place : place + length].rstrip(b"\0")
        place += length
        if name:  # Without one it is the folder itself.
            yield os.fsdecode(name)
