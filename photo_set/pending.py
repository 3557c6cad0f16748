# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journals of a set folder say about its requests at fal.ai, as a window shows it. Needs no packages."""

from pathlib import Path

from ..fal_bridge.journal import Entry, Journal, Stage
from ..messages.errors import PhotorealError


def entries_in(folder: Path) -> list[Entry]:
    """Every request of the set in ``folder``; none where its journal cannot be read."""
    journal = Journal(folder / ".journal")
    try:
        return [journal.read(key) for key in journal.job_keys()]
    except PhotorealError:
        return []


def pending_in(folder: Path) -> int:
    """How many requests fal.ai has accepted for a set and its variants, and whose end is not recorded."""
    folders = (folder, *(path.parent for path in folder.glob("variants/*/.journal")))
    return sum(entry.stage is Stage.SUBMITTED for one in folders for entry in entries_in(one))
