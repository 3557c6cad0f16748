# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the visible surface of a product breaks: at the outline of a part, or at a crease."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# A step in depth counts as the outline of a part from this share of the extent in depth. Raised letters and labels are
# thinner and belong to the print.
DEPTH_STEP = 0.015
# An extent in depth below this share of the distance is that of a flat front, and its steps are no outlines.
FLAT = 0.1
# Degrees between the normals on both sides of a crease, in addition to the bend of the surfaces beside it.
CREASE = 20.0


def surface_breaks(mask: Array, depth: Array | None, normal: Array | None) -> tuple[Array, Array]:
    """Where the surface breaks between a pixel and its neighbours to the left and right, and above and below.

    ``mask``: coverage, uint8 (h, w). ``depth``: (h, w), distances or any values that change linearly with them; not used
    outside the mask. ``normal``: unit vectors, float (h, w, 3). Returns two bool (h, w). A missing pass adds no breaks.
    """
    inside = mask > 127
    breaks = [np.zeros(mask.shape, dtype=bool) for _axis in (1, 0)]
    for found, axis in zip(breaks, (1, 0), strict=True):
        if depth is not None and inside.any():
            found |= _depth_steps(_known(depth, inside), inside, axis)
        if normal is not None:
            found |= _creases(normal.astype(np.float32), inside, axis)
    return breaks[0], breaks[1]


def shifted(values: Array, step: int, axis: int) -> Array:
    """The values ``step`` pixels further along an axis; at the border, the last values are repeated."""
    length = values.shape[axis]
    return np.take(values, np.clip(np.arange(length) + step, 0, length - 1), axis)


def _known(depth: Array, inside: Array) -> Array:
    """Depth in units of its extent; 0 where it is not known."""
    known = inside & np.isfinite(depth)
    if not known.any():
        return np.zeros(depth.shape, dtype=np.float32)
    low, middle, high = (float(value) for value in np.percentile(depth[known], (1.0, 50.0, 99.0)))
    extent = max(high - low, FLAT * abs(middle), 1e-9)
    return np.where(known, (depth - middle) / extent, 0.0).astype(np.float32)


def _depth_steps(depth: Array, inside: Array, axis: int) -> Array:
    """Second differences: zero on planes, however oblique, and the height of the step beside a step."""
    before, after = (shifted(depth, step, axis) for step in (-1, 1))
    both = shifted(inside, -1, axis) & inside & shifted(inside, 1, axis)
    steps: Array = both & (np.abs(before + after - 2.0 * depth) > DEPTH_STEP)
    return steps


def _creases(normal: Array, inside: Array, axis: int) -> Array:
    """Normals two pixels to both sides: they agree across the thin flanks of raised print."""
    places = {step: shifted(normal, step, axis) for step in (-4, -2, 2, 4)}
    across = _angle(places[-2], places[2])
    beside = np.maximum(_angle(places[-4], places[-2]), _angle(places[2], places[4]))
    both = shifted(inside, -2, axis) & inside & shifted(inside, 2, axis)
    creases: Array = both & (across > CREASE + 1.5 * beside)
    return creases


def _angle(first: Array, second: Array) -> Array:
    """Degrees between two fields of unit vectors."""
    cosine = np.clip(np.einsum("hwc,hwc->hw", first, second), -1.0, 1.0)
    angle: Array = np.degrees(np.arccos(cosine))
    return angle
