# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact pictures that hold a photo model to the shape of the product: depth, edges, and the part that may change.

They follow the conventions that the models were trained with: depth as MiDaS writes it, edges as Canny draws them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CREASE = (
    0.90  # Cosine of the angle between neighbouring normals below which there is an edge: about 26 degrees.
)
STEP = 0.02  # How much more the depth changes than beside it, as a share of the depth of the product, at an edge.


def depth_guide(depth: NDArray[Any]) -> Image.Image:
    """Inverse distance (h, w) as gray in RGB: 255 is the nearest surface, 0 is no surface (infinite in ``depth``).

    Estimators of depth from one picture give inverse distances (Ranftl et al. 2020, MiDaS, 5).
    """
    is_seen = np.isfinite(depth)
    grey = np.zeros(depth.shape, dtype=np.uint8)
    if is_seen.any():
        inverse = 1.0 / np.maximum(depth[is_seen], 1e-9)
        far, near = float(inverse.min()), float(inverse.max())
        share = (inverse - far) / max(near - far, 1e-9)
        grey[is_seen] = np.rint(32.0 + share * 223.0)  # The farthest point still stands out from no surface.
    return Image.fromarray(np.repeat(grey[..., None], 3, axis=2))


def edge_guide(depth: NDArray[Any], normal: NDArray[Any]) -> Image.Image:
    """The outline, the steps in depth (h, w) and the creases (normals: h, w, 3) as white lines on black."""
    is_seen = np.isfinite(depth)
    edges = np.zeros(depth.shape, dtype=bool)
    span = float(np.ptp(depth[is_seen])) if is_seen.any() else 0.0
    near = np.where(is_seen, depth, 0.0)
    for axis in (0, 1):
        here, there = _pair(is_seen, axis)
        outline = here != there
        step = here & there & (_jumps(near, here & there, axis) > STEP * max(span, 1e-9))
        first, second = _pair(normal, axis)
        crease = here & there & (np.sum(first * second, axis=2) < CREASE)
        _pair(edges, axis)[0][...] |= outline | step | crease
    return Image.fromarray(np.repeat(np.where(edges, 255, 0).astype(np.uint8)[..., None], 3, axis=2))


def edit_mask(mask: Image.Image) -> Image.Image:
    """The product (255 in an 8-bit ``mask``) as the part that may change.

    It is white and transparent, the rest is black and opaque: endpoints that read transparency and those that read
    brightness understand the same.
    """
    shade = mask.convert("L").point(lambda value: 255 if value else 0)
    opaque = shade.point(lambda value: 255 - value)
    return Image.merge("RGBA", (shade, shade, shade, opaque))


def _jumps(depth: NDArray[Any], is_inside: NDArray[Any], axis: int) -> NDArray[Any]:
    """How much more the depth changes between neighbours than before and after: nothing on a slanted surface."""
    first, second = _pair(depth, axis)
    change = np.where(is_inside, np.abs(second - first), 0.0)
    before, after = np.zeros_like(change), np.zeros_like(change)
    earlier, later = _pair(change, axis)
    _pair(before, axis)[1][...] = earlier
    _pair(after, axis)[0][...] = later
    more: NDArray[Any] = change - np.maximum(before, after)
    return more


def _pair(values: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Each value, and its neighbour along ``axis``."""
    return (values[:-1], values[1:]) if axis == 0 else (values[:, :-1], values[:, 1:])
