# SPDX-License-Identifier: GPL-3.0-or-later
"""How far each product of a catalogue is: one small file in the journal of each set, so that 10,000 are read quickly."""

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..files import write_json_atomically


class Step(StrEnum):
    """What a product waits for."""

    MODEL = "model"  # The 3D model, made at fal.
    RENDER = "render"
    CLOUD = "cloud"  # Photos, enlargements, film, made at fal.
    NOTHING = "nothing"


class RowState(StrEnum):
    """How a product stands."""

    WAITING = "waiting"  # It goes on by itself, or was not begun.
    DONE = "done"
    PARTIAL = "partial"  # Some of its pictures failed.
    FAILED = "failed"
    HELD = "held"  # A paid request is uncertain and waits for a person.
    BAD = "bad"  # The row itself cannot be used.


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is known of a product.

    ``digest`` is that of the row it was made from, ``crashes`` says how Blender died of it, ``paid`` is what its
    requests cost in dollars, by their bills where there are any, and ``unpriced`` counts those without a known cost.
    """

    digest: str = ""
    step: Step = Step.MODEL
    state: RowState = RowState.WAITING
    exit_code: int = 0
    error: str = ""
    crashes: tuple[str, ...] = ()
    paid: float = 0.0
    unpriced: int = 0
    render_seconds: float = 0.0
    photos: tuple[str, ...] = ()  # Paths within the set folder.
    videos: tuple[str, ...] = ()

    @property
    def is_poisonous(self) -> bool:
        """It has crashed Blender twice, the second time alone."""
        return len(self.crashes) >= 2


def status_path(root: Path) -> Path:
    return root / ".journal" / "row.json"


def row_lock(root: Path) -> Path:
    """Locked by the process that works on the product in ``root``."""
    return root / ".journal" / "row.lock"


def read_status(root: Path, digest: str) -> Status:
    """The status of the set in ``root``; that of a product that waits when its row was another one then."""
    try:
        record: dict[str, Any] = json.loads(status_path(root).read_bytes())
        names = {item.name for item in fields(Status)}
        status = Status(
            **{
                **{name: value for name, value in record.items() if name in names},
                "step": Step(record["step"]),
                "state": RowState(record["state"]),
                **{name: tuple(record[name]) for name in ("crashes", "photos", "videos")},
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Status(digest=digest)
    if status.digest != digest:
        return Status(digest=digest, paid=status.paid, unpriced=status.unpriced)
    return status


def write_status(root: Path, status: Status) -> None:
    write_json_atomically(status_path(root), asdict(status))
