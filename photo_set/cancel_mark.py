# SPDX-License-Identifier: GPL-3.0-or-later
"""How ``cancel`` tells the runs of a set or a catalogue, on all machines, to begin nothing more.

A file in the journal of the folder holds another word after each cancel. Words, because the clocks of machines differ.
"""

import uuid
from pathlib import Path

from ..files.input_files import read_regular
from ..files.writing import write_atomically

MOST_BYTES = 1 << 10


class CancelMark:
    """The mark as it was when a run began."""

    def __init__(self, root: Path) -> None:
        self._path = _path(root)
        self._before = b""
        self._before = self._read()

    @property
    def is_new(self) -> bool:
        """Whether the set or the catalogue was cancelled since."""
        return self._read() != self._before

    def _read(self) -> bytes:
        try:
            return read_regular(self._path, MOST_BYTES)
        except FileNotFoundError:
            return b""
        except OSError:  # The shared folder stutters: the next look tells.
            return self._before


def leave_mark(root: Path) -> None:
    write_atomically(_path(root), uuid.uuid4().hex.encode())


def _path(root: Path) -> Path:
    return root / ".journal" / "cancelled"
