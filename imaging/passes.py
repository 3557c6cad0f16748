# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth and normals of what a camera sees, as pictures that other tools read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .compose import to_display

NEAREST = 65535  # The nearest surface in a 16-bit depth picture; 1 is the farthest, 0 is no surface.


def depth_picture(depth: NDArray[Any]) -> tuple[Image.Image, float, float]:
    """A 16-bit picture of distances (h, w), which are infinite where there is no surface.

    Returns the picture with the nearest and the farthest distance, both 0 when there is no surface at all.
    65535 is the nearest surface, 1 the farthest, 0 none; a value v means the distance
    far - (v - 1) / 65534 * (far - near).
    """
    is_seen = np.isfinite(depth)
    if not is_seen.any():
        return Image.fromarray(np.zeros(depth.shape, dtype=np.uint16)), 0.0, 0.0
    near, far = float(depth[is_seen].min()), float(depth[is_seen].max())
    share = 1.0 - (depth - near) / max(far - near, 1e-9)
    values = np.where(is_seen, np.rint(1.0 + share * (NEAREST - 1.0)), 0.0)
    return Image.fromarray(values.astype(np.uint16)), near, far


def base_colour_picture(colour: NDArray[Any]) -> Image.Image:
    """Linear colours multiplied by coverage (h, w, 4) as an sRGB picture; black where nothing is covered."""
    coverage = colour[..., 3:]
    straight = np.where(coverage > 0.0, colour[..., :3] / np.maximum(coverage, 1e-6), 0.0)
    return Image.fromarray(np.rint(to_display(straight.clip(0.0, 1.0)) * 255.0).astype(np.uint8), "RGB")


def normal_picture(normal: NDArray[Any]) -> Image.Image:
    """Unit vectors (h, w, 3) in camera space (x right, y up, z towards the camera) as an RGB picture.

    Each component n is stored as (n + 1) / 2 * 255, so a surface that faces the camera is (128, 128, 255).
    """
    return Image.fromarray(np.floor((normal + 1.0) / 2.0 * 255.0 + 0.5).astype(np.uint8), "RGB")
