# SPDX-License-Identifier: GPL-3.0-or-later
"""How ``cancel`` asks the runs of a set or a catalogue, on all machines, to start nothing more.

A file in the journal of the folder has other content after each cancel. Times would not do: clocks of machines differ.
"""

import uuid
from pathlib import Path

from ..files.input_files import read_regular
from ..files.writing import write_atomically

MAX_BYTES = 1 << 10


class CancelMark:
    """The mark as it was when a run began."""

    def __init__(self, root: Path) -> None:
        self._path = _path(root)
        self._before = b""
        self._before = self._read()

    @property
    def is_new(self) -> bool:
        """Whether the set or the catalogue was cancelled since then."""
        return self._read() != self._before

    def _read(self) -> bytes:
        try:
            return read_regular(self._path, MAX_BYTES)
        except FileNotFoundError:
            return b""
        except OSError:  # A shared folder may fail for a moment: the next check tells.
            return self._before


def leave_mark(root: Path) -> None:
    write_atomically(_path(root), uuid.uuid4().hex.encode())


def _path(root: Path) -> Path:
    return root / ".journal" / "cancelled"
