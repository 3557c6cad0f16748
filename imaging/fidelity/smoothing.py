# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing along a surface: values do not pass where the surface breaks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
PASSES = 3  # Over both axes; with fewer, streaks along rows and columns are visible.


def smoothed(values: Array, across: Array, along: Array) -> Array:
    """Smooth float32 (n, h, w) by the recursive filter of the domain transform.

    ``across``: the distance of each pixel from the one to its left, (h, w), ``along``: from the one above it, both in
    smoothing lengths: about two thirds of what a pixel receives come from within one of them, and nothing passes a
    distance of ten. Each channel is filtered by the same weights, so that the quotient of two is a weighted mean.

    Gastal and Oliveira, Domain Transform for Edge-Aware Image and Video Processing, 2011, equations 14 and 21.
    """
    lengths = [np.ascontiguousarray(along), np.ascontiguousarray(across.T)]
    result = np.array(values, dtype=np.float32)
    for turn in range(PASSES):
        share = np.sqrt(3.0) * 2.0 ** (PASSES - turn - 1) / np.sqrt(4.0**PASSES - 1.0)
        for distance in lengths:
            _swept(result, np.exp(-np.sqrt(2.0) / share * distance).astype(np.float32))
            result = np.ascontiguousarray(result.transpose(0, 2, 1))
    return result


def _swept(values: Array, passed: Array) -> None:
    """Filter down and up the columns, in place. ``passed``: the share that comes from the row above, (h, w)."""
    rows = values.shape[1]
    for row in range(1, rows):
        values[:, row] += passed[row] * (values[:, row - 1] - values[:, row])
    for row in range(rows - 2, -1, -1):
        values[:, row] += passed[row + 1] * (values[:, row + 1] - values[:, row])
