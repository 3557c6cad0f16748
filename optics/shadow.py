# SPDX-License-Identifier: GPL-3.0-or-later
"""The shadow on the ground: smoothed, and projected from above into the view of a camera."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .framing import Framing, ground_points
from .sizes import Size

SHADOW_SPAN = 2.4  # Side of the square on the ground that the shadow covers, in product sizes.
SHADOW_FADE = (
    0.2  # The shadow fades out over this share of the way from the edge of the square to its middle.
)


def ground_grid(pixels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The x and the y coordinates of the pixels of a ground shadow, (pixels, pixels) each; row 0 is towards +Y."""
    steps = ((np.arange(pixels) + 0.5) / pixels - 0.5) * SHADOW_SPAN
    x, y = np.meshgrid(steps, -steps)
    return x, y


def ground_shadow(light: NDArray[Any], unshadowed: NDArray[Any]) -> NDArray[np.float32]:
    """The share of the light that is missing, (n, n), from the light on the ground with and without the product.

    It fades out towards the edges of the square, where there is no visible shadow, only noise.
    """
    x, y = ground_grid(light.shape[0])
    reach = np.clip((1.0 - np.maximum(np.abs(x), np.abs(y)) / (SHADOW_SPAN / 2.0)) / SHADOW_FADE, 0.0, 1.0)
    return smoothed(np.clip(1.0 - light / unshadowed, 0.0, 1.0) * reach).astype(np.float32)


def smoothed(picture: NDArray[Any]) -> NDArray[Any]:
    """A picture (h, w) filtered with 1 2 1 in both directions, which removes remaining noise."""
    for axis in (0, 1):
        padded = np.pad(picture, [(1, 1) if axis == own else (0, 0) for own in (0, 1)], mode="edge")
        length = picture.shape[axis]
        sides = padded.take(range(length), axis) + padded.take(range(2, length + 2), axis)
        picture = picture * 0.5 + sides * 0.25
    return picture


class GroundView:
    """The ground as the camera of ``framing`` sees it, for pictures that share a camera and differ in their shadow.

    ``pixels`` is the side of the ground shadow; ``framing`` is kept for comparison with ``is``.
    """

    def __init__(self, framing: Framing, size: Size, pixels: int) -> None:
        self.framing = framing
        self._shape = (size.height, size.width)
        places = ground_points(framing, *size)
        column = (places[..., 0] / SHADOW_SPAN + 0.5) * pixels - 0.5
        row = (0.5 - places[..., 1] / SHADOW_SPAN) * pixels - 0.5
        inside = (column >= 0.0) & (row >= 0.0) & (column <= pixels - 1.001) & (row <= pixels - 1.001)
        self._inside = np.flatnonzero(inside)
        column, row = column[inside], row[inside]
        self._left, self._upper = column.astype(np.intp), row.astype(np.intp)
        self._x, self._y = column - self._left, row - self._upper

    def cast(self, shadow: NDArray[np.float32]) -> NDArray[np.float32]:
        """The ground shadow (pixels, pixels) in the picture: (height, width), bilinear."""
        left, upper, x, y = self._left, self._upper, self._x, self._y
        above = shadow[upper, left] * (1.0 - x) + shadow[upper, left + 1] * x
        below = shadow[upper + 1, left] * (1.0 - x) + shadow[upper + 1, left + 1] * x
        seen = np.zeros(self._shape, dtype=np.float32)
        seen.flat[self._inside] = above * (1.0 - y) + below * y
        return seen


def cast_on_ground(shadow: NDArray[np.float32], framing: Framing, size: Size) -> NDArray[np.float32]:
    """The ground shadow (n, n) as the camera of ``framing`` sees it: (height, width), bilinear."""
    return GroundView(framing, size, shadow.shape[0]).cast(shadow)
