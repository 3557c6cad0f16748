# SPDX-License-Identifier: GPL-3.0-or-later
"""How ``cancel`` asks the runs of a set or a catalogue, on all machines, to start nothing more.

A file in the journal of the folder has other content after each cancel. Times would not do: clocks of machines differ.
"""

import uuid
from pathlib import Path

from ..fal_bridge.journal import journal_place
from ..files.input_files import read_regular
from ..files.writing import write_atomically
from .variant_folders import set_of_variant

MAX_BYTES = 1 << 10


class CancelMark:
    """The mark as it was when a run began. The folder of a variant is cancelled with its set."""

    def __init__(self, root: Path) -> None:
        self._before = {_path(folder): b"" for folder in filter(None, (set_of_variant(root), root))}
        self._before = {path: self._read(path) for path in self._before}

    @property
    def is_new(self) -> bool:
        """Whether the set or the catalogue was cancelled since then."""
        return any(self._read(path) != before for path, before in self._before.items())

    def _read(self, path: Path) -> bytes:
        try:
            return read_regular(path, MAX_BYTES)
        except FileNotFoundError:
            return b""
        except OSError:  # A shared folder may fail for a moment: the next check tells.
            return self._before[path]


def leave_mark(root: Path) -> None:
    write_atomically(_path(root), uuid.uuid4().hex.encode())


def _path(root: Path) -> Path:
    return journal_place(root) / "cancelled"
