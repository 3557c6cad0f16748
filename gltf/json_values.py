# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a glTF document, of the type that is needed: what is missing or of another type becomes a default."""

import math
from typing import Any, TypeGuard

Json = dict[str, Any]


def as_dict(value: object) -> Json:
    """A JSON object; an empty one for a value of another type."""
    return value if isinstance(value, dict) else {}


def as_dicts(value: object) -> list[Json]:
    """A list of JSON objects; an item of another type becomes an empty one."""
    return [as_dict(item) for item in value] if isinstance(value, list) else []


def as_texts(value: object) -> tuple[str, ...]:
    """A list of strings; items of other types are left out."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def as_whole(value: object) -> int:
    """A non-negative integer; 0 for anything else."""
    return value if is_integer(value) and value >= 0 else 0


def is_integer(value: object) -> TypeGuard[int]:
    """Is it a JSON integer? In Python true and false are integers too."""
    return isinstance(value, int) and not isinstance(value, bool)


def number_or(value: object, default: float) -> float:
    """A finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else default


def pair_or(value: object, default: float) -> tuple[float, float]:
    """Two numbers, each with the same default."""
    pair = value if isinstance(value, list) and len(value) == 2 else (default, default)
    return number_or(pair[0], default), number_or(pair[1], default)


def colour_or_white(value: object) -> list[float]:
    """A linear RGB colour."""
    colour = value if isinstance(value, list) and len(value) == 3 else (1.0, 1.0, 1.0)
    return [number_or(part, 1.0) for part in colour]
