# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the visible surface of a product breaks or bends: at the outline of a part, or at a crease."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .windows import window_mean

Array = NDArray[Any]

# A step in depth counts as the outline of a part from this share of the extent in depth. Raised letters and labels are
# thinner and belong to the print.
DEPTH_STEP = 0.015
# An extent in depth below this share of the distance is that of a flat front, and its steps are no outlines.
FLAT = 0.1
# Degrees between the normals on both sides of a crease, in addition to the bend of the surfaces beside it.
CREASE = 20.0
BEND_NOISE = 0.5  # Degrees between neighbouring pixels that do not count as a bend.
# Radius in pixels over which normals are averaged, so that fine relief does not count as a bend.
BEND_WINDOW = 3


def surface_breaks(mask: Array, depth: Array | None, normal: Array | None) -> tuple[Array, Array]:
    """Where the surface breaks between a pixel and the one to its left, and between a pixel and the one above it.

    ``mask``: coverage, uint8 (h, w). ``depth``: (h, w), distances or any values that change linearly with them; not used
    outside the mask. ``normal``: unit vectors, float (h, w, 3). Returns two bool (h, w). A missing pass adds no breaks.
    """
    inside = mask > 127
    breaks = [np.zeros(mask.shape, dtype=bool) for _axis in (1, 0)]
    for found, axis in zip(breaks, (1, 0), strict=True):
        if depth is not None and inside.any():
            found |= _depth_steps(_in_extents(depth, inside), inside, axis)
        if normal is not None:
            found |= _creases(normal.astype(np.float32), axis)
        found &= inside & shifted(inside, -1, axis)
    return breaks[0], breaks[1]


def surface_bends(mask: Array, normal: Array) -> tuple[Array, Array]:
    """Degrees by which the surface bends between a pixel and the one to its left, and the one above it: two (h, w)."""
    inside = (mask > 127)[..., None]
    vectors = np.where(inside, normal, 0.0).astype(np.float32)
    mean = np.stack([window_mean(vectors[..., axis], BEND_WINDOW) for axis in range(3)], axis=-1)
    mean /= np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-6)
    both = [(inside & shifted(inside, -1, axis))[..., 0] for axis in (1, 0)]
    across, along = (
        np.where(pair, np.maximum(_angle(mean, shifted(mean, -1, axis)) - BEND_NOISE, 0.0), 0.0)
        for pair, axis in zip(both, (1, 0), strict=True)
    )
    return across, along


def shifted(values: Array, step: int, axis: int) -> Array:
    """The values ``step`` pixels further along an axis; at the border, the last values are repeated."""
    result = np.empty_like(values)
    target, source = np.moveaxis(result, axis, 0), np.moveaxis(values, axis, 0)
    step = max(-len(source), min(step, len(source)))
    if step >= 0:
        target[: len(source) - step] = source[step:]
        target[len(source) - step :] = source[-1]
    else:
        target[-step:] = source[:step]
        target[:-step] = source[0]
    return result


def _in_extents(depth: Array, inside: Array) -> Array:
    """Depth in units of its extent; 0 where it is not known."""
    known = inside & np.isfinite(depth)
    if not known.any():
        return np.zeros(depth.shape, dtype=np.float32)
    low, middle, high = (float(value) for value in np.percentile(depth[known][::7], (1.0, 50.0, 99.0)))
    extent = max(high - low, FLAT * abs(middle), 1e-9)
    return np.where(known, (depth - middle) / extent, 0.0).astype(np.float32)


def _depth_steps(depth: Array, inside: Array, axis: int) -> Array:
    """Steps that neither neighbouring slope continues, and that are larger than both.

    Planes have none, however oblique, and neither has the rim of a round body.
    """
    slope = depth - shifted(depth, -1, axis)
    beside = [shifted(slope, step, axis) for step in (-1, 1)]
    apart = np.minimum(*(np.abs(slope - other) for other in beside))
    known = shifted(inside, -2, axis) & shifted(inside, 1, axis)
    steps: Array = known & (apart > DEPTH_STEP + np.maximum(*(np.abs(other) for other in beside)))
    return steps


def _creases(normal: Array, axis: int) -> Array:
    """The sharpest place of each crease. Normals farther away agree across the thin flanks of raised print."""
    places = {step: shifted(normal, step, axis) for step in (-4, -2, -1, 1, 3)}
    beside = np.maximum(_angle(places[-4], places[-2]), _angle(places[1], places[3]))
    bends = _angle(places[-2], places[1]) > CREASE + 1.5 * beside
    angle = np.where(bends, _angle(places[-1], normal), 0.0)
    sharpest = np.maximum.reduce([shifted(angle, step, axis) for step in (-2, -1, 1, 2)])
    creases: Array = (angle > 0.0) & (angle >= sharpest)
    return creases


def _angle(first: Array, second: Array) -> Array:
    """Degrees between two fields of unit vectors."""
    cosine = np.clip(np.einsum("hwc,hwc->hw", first, second), -1.0, 1.0)
    angle: Array = np.degrees(np.arccos(cosine))
    return angle
