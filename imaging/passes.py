# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth and normals of what a camera sees, as pictures that other tools read."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NEAREST = 65535  # Of a 16-bit depth picture; 1 is farthest, 0 is no surface.


class Pass(StrEnum):
    DEPTH = "depth"
    NORMAL = "normal"


def depth_picture(depth: NDArray[Any]) -> tuple[Image.Image, float, float]:
    """Distances (h, w), infinite where nothing is, as a 16-bit picture; with the nearest and the farthest.

    65535 is nearest, 1 farthest, 0 nothing, in proportion between: a value v stands for the distance
    far - (v - 1) / 65534 * (far - near). Both are 0 when nothing is seen.
    """
    is_seen = np.isfinite(depth)
    if not is_seen.any():
        return Image.fromarray(np.zeros(depth.shape, dtype=np.uint16)), 0.0, 0.0
    near, far = float(depth[is_seen].min()), float(depth[is_seen].max())
    share = 1.0 - (depth - near) / max(far - near, 1e-9)
    values = np.where(is_seen, np.rint(1.0 + share * (NEAREST - 1.0)), 0.0)
    return Image.fromarray(values.astype(np.uint16)), near, far


def normal_picture(normal: NDArray[Any]) -> Image.Image:
    """Unit vectors (h, w, 3) of camera space (x right, y up, z towards the camera) as an RGB picture.

    Each part is stored as (n + 1) / 2 * 255, so what faces the camera is (128, 128, 255).
    """
    return Image.fromarray(np.floor((normal + 1.0) / 2.0 * 255.0 + 0.5).astype(np.uint8), "RGB")
