# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of a picture in pixels."""

import math
import re
from typing import Any, NamedTuple

from ..files.values import WrongValueError, list_of, shown, whole
from ..messages.errors import InputError

MIN_SIDE, MAX_SIDE = 64, 8192
SIDE = whole(MIN_SIDE, MAX_SIDE, "pixels")
_SIDES = list_of(SIDE, 2, min_count=2, name="side")


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def longer(self) -> int:
        return max(self)

    @property
    def shorter(self) -> int:
        return min(self)

    def of_pixels(self, pixels: int) -> "Size":
        """The size with the same aspect ratio and about ``pixels`` pixels in total."""
        scale = math.sqrt(pixels / (self.width * self.height))
        return Size(max(1, round(self.width * scale)), max(1, round(self.height * scale)))


def square(side: int) -> Size:
    return Size(side, side)


DEFAULT_SIZE = square(1024)


def parse_size(text: str) -> Size:
    """``N`` for a square, ``WxH`` for anything else. Raises InputError."""
    found = re.fullmatch(r"([0-9]{1,9})(?:[xX×]([0-9]{1,9}))?", text.strip())
    if found is None:
        raise InputError(
            f"{shown(text)} is not a size in pixels.",
            hint="Give N for a square or WIDTHxHEIGHT, like 1024x1280.",
        )
    try:
        return size_of_sides([int(found[1]), int(found[2] or found[1])])
    except WrongValueError as error:
        raise InputError(f"{shown(error.value)} {error.reason}.") from error


def size_of_sides(sides: Any) -> Size:
    """A list of width and height, as in ``set.json``. Raises ValueError for anything else."""
    return Size(*_SIDES(sides))
