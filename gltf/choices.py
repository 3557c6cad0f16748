# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can choose about the 3D model: its pose, and what is left out of it.

Imports no package, because a Blender with a window loads it. The values are those of the command line and of ``set.json``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

REST, START = "rest", "start"
MAX_POSE_SECONDS = 3600.0


class Surrounding(StrEnum):
    """Something around the product that came with its 3D model."""

    FLOOR = "floor"  # A flat part below everything else.
    BACKDROP = "backdrop"  # A wall, or a floor that bends upwards.
    DOME = "dome"  # A sky around everything.
    CRUMBS = "crumbs"  # Small loose pieces.


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How the 3D model becomes the product. ``pose`` follows ``pose_text``.

    ``from_file``: the 4x4 matrix from coordinates in the file to the standing product, if another variant decides it.
    """

    pose: str = REST
    without: tuple[Surrounding, ...] = ()
    from_file: Sequence[Sequence[float]] | None = None


def pose_text(value: Any) -> str:
    """The rule for a pose: ``rest`` (as the nodes of the file say), ``start`` or seconds of its first animation."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in (REST, START):
        return text
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= MAX_POSE_SECONDS:  # Also for NaN.
        raise ValueError(f"is not {REST}, {START} or a number of seconds from 0 to {MAX_POSE_SECONDS:g}")
    return f"{seconds:.6g}"


def surroundings(value: Any) -> tuple[Surrounding, ...]:
    """``floor,crumbs`` as surroundings, in the order of ``Surrounding``."""
    names = [name.strip().lower() for name in str(value).split(",") if name.strip()]
    if unknown := [name for name in names if name not in set(Surrounding)]:
        raise ValueError(f"has {unknown[0]!r}, which is not one of {', '.join(Surrounding)}")
    return tuple(kind for kind in Surrounding if kind in names)
