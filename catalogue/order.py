# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process is asked to make of a catalogue, and what it works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..messages.progress import Reporter
from ..processes.stop import Stop
from .blender_child import BlenderChild
from .freezing import Catalogue
from .lock_file import FrozenRow
from .product import ProductBills
from .states import Step


class Stage(StrEnum):
    """The part of the work that this process does."""

    RENDER = "render"
    CLOUD = "cloud"
    ALL = "all"


STEPS: Mapping[Stage, set[Step]] = {
    Stage.RENDER: {Step.RENDER},
    Stage.CLOUD: {Step.MODEL, Step.CLOUD},
    Stage.ALL: {Step.MODEL, Step.RENDER, Step.CLOUD},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Rows to make. Without ``bills`` nothing is paid; ``expected``: the maximum price of all rows in US dollars."""

    catalogue: Catalogue
    rows: tuple[FrozenRow, ...]
    bills: ProductBills | None = None
    expected: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a run works with. Without ``blender`` nothing is rendered."""

    reporter: Reporter
    stop: Stop
    blender: BlenderChild | None
    scratch: Path
