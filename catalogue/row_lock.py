# SPDX-License-Identifier: GPL-3.0-or-later
"""One process at a time in a set folder: farms start a task again while the first may still run.

The system gives the lock back when its holder dies. Paid requests do not depend on it: the journal guards them.
"""

import sys
from pathlib import Path
from typing import BinaryIO, Self


class RowLock:
    """Holds ``row.lock`` in a set's journal. Use ``taken``; ``None`` means that another process has it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    @classmethod
    def taken(cls, root: Path) -> Self | None:
        path = root / ".journal" / "row.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
        if _try(stream):
            return cls(stream)
        stream.close()
        return None

    @classmethod
    def is_held(cls, root: Path) -> bool:
        """Whether a process works in the set folder right now."""
        try:
            stream = (root / ".journal" / "row.lock").open("r+b")
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
