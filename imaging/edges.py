# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges of a picture with few samples: its coverage has few levels, and its denoiser mixes edges with what is behind."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH = 3  # Pixels from which a color is taken: the pixel filter is wider than a pixel.

Array = NDArray[Any]


def with_smooth_edges(colour: Array) -> NDArray[np.uint8]:
    """The picture with more levels of coverage at its edges, and with the color of the product up to them.

    ``colour``: uint8 (h, w, 4), straight alpha. The coverage of an edge is the weighted mean around each pixel; nothing
    is added outside. A pixel that was covered in part gets the mean color of those next to it that were covered
    completely. Where there are none within ``REACH``, as in a thread, it keeps its color and its coverage.
    """
    solid = colour[..., 3] == 255
    known = solid
    found = np.where(solid[..., None], colour[..., :3], 0).astype(np.float32)
    for _pixel in range(REACH):
        count, total = _around(known.astype(np.float32)[..., None]), _around(found)
        reached = ~known & (count[..., 0] > 0.0)
        found[reached] = total[reached] / count[reached]
        known = known | reached
    edge = (colour[..., 3] > 0) & known
    result: NDArray[np.uint8] = colour.copy()
    result[edge, :3] = np.rint(found[edge])
    result[edge, 3] = np.rint(_smoothed(colour[..., 3].astype(np.float32))[edge])
    return result


def _smoothed(plane: Array) -> Array:
    """The mean of each pixel and the eight around it, with the weights 1, 2, 1 in both directions: (h, w)."""
    padded = np.pad(plane, 1, mode="edge")
    across = padded[:, :-2] + 2.0 * padded[:, 1:-1] + padded[:, 2:]
    mean: Array = (across[:-2] + 2.0 * across[1:-1] + across[2:]) / 16.0
    return mean


def _around(values: Array) -> Array:
    """The sum of each pixel and the eight around it: (h, w, n)."""
    height, width = values.shape[:2]
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
    parts = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    total: Array = np.sum(parts, axis=0)
    return total
