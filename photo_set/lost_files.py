# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and videos that ``set.json`` shows and whose files are not in the folder any more, and what brings them back."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ..fal_bridge.journal import Journal
from ..fal_bridge.stored_files import stored_files
from .calibration import file_in
from .choices import Engine
from .folder import SetFolder


class Way(Enum):
    """How a lost file comes back. Only the last one costs money."""

    RENDER = auto()
    ORIGINAL = auto()  # It is made again from the file as it was received.
    FETCH = auto()
    BUY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A lost file. ``original``: what it is made from again; ``until``: how long fal.ai keeps it, in seconds since 1970,
    None without a limit; ``price``: what it has cost, in US dollars, None when that is not known."""

    path: str
    way: Way
    original: str = ""
    until: float | None = None
    price: float | None = None

    @property
    def text(self) -> str:
        return f"{self.path} is missing."


def lost_file(folder: SetFolder, made: Mapping[str, Any]) -> Lost | None:
    """What became of the file of a photo or a video; None when it is in the folder. Raises JournalError."""
    if file_in(folder, made) is not None:
        return None
    path, price = str(made["path"]), made.get("price")
    if made.get("engine") != Engine.FAL:
        return Lost(path=path, way=Way.RENDER)
    original = str(made.get("original", ""))
    if file_in(folder, {"path": original}) is not None:
        return Lost(path=path, way=Way.ORIGINAL, original=original)
    request_id = made.get("request_id")
    for stored in stored_files(Journal(folder.journal)):
        if request_id and stored.request_id == request_id:
            return Lost(path=path, way=Way.FETCH, until=stored.until)
    return Lost(path=path, way=Way.BUY, price=price)
