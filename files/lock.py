# SPDX-License-Identifier: GPL-3.0-or-later
"""One process at a time in a set folder: a farm, or a person, starts a run while another may still be at it.

The system gives a lock back when its holder dies. Paid requests do not depend on it: the journal guards them.
"""

import sys
from pathlib import Path
from typing import BinaryIO, Self


class FileLock:
    """Holds a lock on a file, which stays when it is released. Use ``taken``; ``None``: another process has it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    @classmethod
    def taken(cls, path: Path) -> Self | None:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
        if _try(stream):
            return cls(stream)
        stream.close()
        return None

    @classmethod
    def is_held(cls, path: Path) -> bool:
        """Whether a process has it right now."""
        try:
            stream = path.open("r+b")
        except FileNotFoundError:
            return False
        with stream:
            return not _try(stream)

    def release(self) -> None:
        self._stream.close()


if sys.platform == "win32":
    import msvcrt

    def _try(stream: BinaryIO) -> bool:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try(stream: BinaryIO) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
