# SPDX-License-Identifier: GPL-3.0-or-later
"""Spreads points evenly over triangles, always the same ones."""

import numpy as np

from .mesh_checks import Doubles, Numbers

# The R2 sequence (Roberts 2018) covers a square evenly.
R2 = (0.7548776662466927, 0.5698402909980532)


def spread_evenly(areas: Doubles, count: int) -> tuple[Numbers, Doubles]:
    """About ``count`` places on triangles of these areas (t,), at least one if there is any area.

    Returns the triangle of each place, (n,), and its weights of the three corners, (n, 3). The places
    represent equal areas.
    """
    ends = np.cumsum(areas)
    if not len(ends) or not ends[-1] > 0.0:
        return np.empty(0, dtype=np.int64), np.empty((0, 3))
    marks = (np.arange(max(count, 1)) + 0.5) / max(count, 1) * ends[-1]
    chosen = np.searchsorted(ends, marks).astype(np.int64)
    return chosen, corner_weights(np.arange(len(chosen)))


def corner_weights(numbers: Numbers) -> Doubles:
    """Weights of the corners of a triangle, (n, 3), for the places ``numbers`` of an even sequence."""
    u, v = (numbers * R2[0] + 0.5) % 1.0, (numbers * R2[1] + 0.5) % 1.0
    u, v = np.where(u + v > 1.0, (1.0 - u, 1.0 - v), (u, v))  # Folds the square to the triangle.
    return np.stack((1.0 - u - v, u, v), axis=1)
