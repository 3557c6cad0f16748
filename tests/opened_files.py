# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files this process opens: an audit hook of Python, which cannot be taken away again."""

import contextlib
import os
import sys
from collections.abc import Iterator

_recordings: list[list[str]] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _recordings or event != "open":
        return
    path = arguments[0]
    if isinstance(path, str | bytes):
        for recording in _recordings:
            recording.append(os.fsdecode(path))


@contextlib.contextmanager
def recorded_opens() -> Iterator[list[str]]:
    """While entered: the path of every file that Python code opens, by ``open`` or by ``os.open``, as it was given.

    Libraries in C that open files themselves, like Blender, are not heard.
    """
    if _hear not in _installed:
        sys.addaudithook(_hear)
        _installed.append(_hear)
    recording: list[str] = []
    _recordings.append(recording)
    try:
        yield recording
    finally:
        _recordings.remove(recording)


_installed: list[object] = []
