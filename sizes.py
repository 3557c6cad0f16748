# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pixels a picture has."""

import math
import re
from typing import NamedTuple

from .errors import InputError

LEAST_SIDE, MOST_SIDE = 64, 8192


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
        """The size of the same shape that has about as many pixels."""
        scale = math.sqrt(pixels / (self.width * self.height))
        return Size(max(1, round(self.width * scale)), max(1, round(self.height * scale)))


def square(side: int) -> Size:
    return Size(side, side)


USUAL_SIZE = square(1024)


def parse_size(text: str) -> Size:
    """``N`` for a square, ``WxH`` for anything else. Raises InputError."""
    found = re.fullmatch(r"([0-9]{1,9})(?:[xX×]([0-9]{1,9}))?", text.strip())
    if found is None:
        raise InputError(
            f"{text!r} is no size in pixels.", hint="Give N for a square or WIDTHxHEIGHT, like 1024x1280."
        )
    size = Size(int(found[1]), int(found[2] or found[1]))
    for side in size:
        if not LEAST_SIDE <= side <= MOST_SIDE:
            raise InputError(f"{side} is not between {LEAST_SIDE} and {MOST_SIDE} pixels.")
    return size
