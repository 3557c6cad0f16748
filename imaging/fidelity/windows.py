# SPDX-License-Identifier: GPL-3.0-or-later
"""Means and shapes over square windows of a picture, in a time that does not depend on the size of the window."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_TINY = 1e-4  # Share of a window below which nothing of it is set; cumulative sums are not exact.


def window_mean(values: Array, radius: int) -> Array:
    """The mean over windows of ``2 * radius + 1`` pixels a side, float32 of the shape of ``values``: (h, w) or (h, w, n).

    Beyond the border, the values at the border continue.
    """
    mean: Array = np.asarray(values, dtype=np.float32)
    if radius < 1:
        return mean
    for axis in (0, 1):
        pad = [(0, 0)] * mean.ndim
        pad[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(mean, pad, mode="edge"), axis=axis, dtype=np.float64)
        size = 2 * radius + 1
        moved = np.moveaxis(sums, axis, 0)  # A view.
        mean = np.moveaxis(((moved[size:] - moved[:-size]) / size).astype(np.float32), 0, axis)
    return mean


def grown(shape: Array, radius: int) -> Array:
    """A bool (h, w) grown by ``radius`` pixels, along diagonals too."""
    return shape if radius < 1 else window_mean(shape, radius) > _TINY / (2 * radius + 1) ** 2


def shrunk(shape: Array, radius: int) -> Array:
    """A bool (h, w) without its outer ``radius`` pixels. It does not shrink where the border of the picture cuts it."""
    return ~grown(~shape, radius)


def closed(shape: Array, radius: int) -> Array:
    """A bool (h, w) whose gaps narrower than ``2 * radius`` pixels are filled."""
    return shrunk(grown(shape, radius), radius)
