# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks on files, held by one process at a time. The system releases a lock when its process ends, however it ends.

Standard library only and no imports from the product: ``command_line/bootstrap.py`` loads this file by its path, in
whichever Python starts it, before any package is installed. For the same reason the ``filelock`` package is not used.
"""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# What the systems report for a lock that another process holds. Anything else means that files here have no locks.
_HELD = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})

if sys.platform == "win32":
    import msvcrt

    def _acquire(stream: BinaryIO, *, waits: bool) -> None:
        # The lock is on the first byte, which need not exist.
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)

    def _release(stream: BinaryIO) -> None:
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _acquire(stream: BinaryIO, *, waits: bool) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(stream: BinaryIO) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)


def try_lock(stream: BinaryIO) -> bool:
    """Lock an open, writable file, until it is closed. False while another process holds the lock.

    Raises OSError where the file system has no locks.
    """
    try:
        _acquire(stream, waits=False)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


@contextlib.contextmanager
def locked(stream: BinaryIO) -> Iterator[None]:
    """Hold the lock on an open, writable file while entered; wait for it first.

    Raises OSError where the file system has no locks.
    """
    while True:
        try:
            _acquire(stream, waits=True)
            break
        except OSError as error:
            if error.errno not in _HELD:  # Windows stops waiting after ten seconds.
                raise
    try:
        yield
    finally:
        _release(stream)


class FileLock:
    """A lock that this process holds. Its file is never deleted: a process that waits for it would lock nothing.

    It keeps two runs out of one set folder. Paid requests do not depend on it: the journal guards them.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    @classmethod
    def taken(cls, path: Path) -> FileLock | None:
        """The lock on ``path``, which is created when missing; None while another process holds it.

        Raises OSError where the file cannot be created or locked.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
        try:
            if try_lock(stream):
                return cls(stream)
        except OSError:
            stream.close()
            raise
        stream.close()
        return None

    @classmethod
    def is_held(cls, path: Path) -> bool:
        """Whether any process holds the lock on ``path`` at this moment. Raises OSError as ``taken``."""
        try:
            stream = path.open("r+b")
        except FileNotFoundError:
            return False
        with stream:
            return not try_lock(stream)

    def release(self) -> None:
        """Release the lock. It is not held again afterwards."""
        self._stream.close()
