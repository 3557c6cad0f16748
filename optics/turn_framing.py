# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera for a full turn of the product. Apart from ``spin``, which a Blender with a window loads without numpy."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .framing import Framing, frame_all_round

TURN_FILL = (
    0.86  # Of the fullest frame: no step of a spin is more than 7.5 degrees from it, so one fills 85 %.
)
MAX_TURN_EXTENT = 0.96  # Of all frames together: none reaches the border.
_STEP = 5  # Degrees between the turns at which the fill is measured.


def frame_turn(points: NDArray[Any], elevation: float, *, lens_mm: float, fill: float = TURN_FILL) -> Framing:
    """A camera at azimuth 0 for a full turn of ``points`` (n, 3) around the Z axis, for square pictures.

    The fullest frame fills ``fill``, unless the product, which may be far from the axis on one side, would come closer
    to the border in another one than ``MAX_TURN_EXTENT`` allows. The perspective is that of ``frame_all_round``.
    """
    whole_turn = frame_all_round(points, elevation, fill, lens_mm=lens_mm)
    fullest, reach = _extents(_outermost(points), whole_turn)
    closer = min(fill / max(fullest, 1e-9), MAX_TURN_EXTENT / max(reach, 1e-9))
    return replace(whole_turn, lens_mm=whole_turn.lens_mm * max(1.0, closer))


def _outermost(points: NDArray[Any]) -> NDArray[Any]:
    """The points that are farthest from the axis, in 256 slices of the height and every ``_STEP`` degrees."""
    height, radius = points[:, 2], np.hypot(points[:, 0], points[:, 1])
    low, high = float(height.min()), float(height.max())
    layer = np.minimum(((height - low) / max(high - low, 1e-9) * 256).astype(int), 255)
    side = (np.degrees(np.arctan2(points[:, 1], points[:, 0])) % 360.0 // _STEP).astype(int)
    order = np.argsort(radius, kind="stable")
    farthest = np.full(256 * (360 // _STEP + 1), -1)
    farthest[(layer * (360 // _STEP + 1) + side)[order]] = order
    kept: NDArray[Any] = points[np.append(farthest[farthest >= 0], (height.argmin(), height.argmax()))]
    return kept


def _extents(points: NDArray[Any], framing: Framing) -> tuple[float, float]:
    """How much of a square frame the product fills where it fills most, and all turns together, around the centre."""
    fullest, reach = 0.0, 0.0
    for degrees in range(0, 360, _STEP):
        tangents = _seen(points, np.radians(degrees), framing)
        fullest = max(fullest, float(np.ptp(tangents, axis=0).max()) / 2.0)
        reach = max(reach, float(np.abs(tangents).max()))
    return fullest, reach


def _seen(points: NDArray[Any], radians: float, framing: Framing) -> NDArray[Any]:
    """Where turned points are in a square picture, (n, 2): 0 in the middle, -1 and 1 at the borders."""
    cosine, sine = np.cos(radians), np.sin(radians)
    x, y, z = points.T
    turned = np.stack((x * cosine - y * sine, x * sine + y * cosine, z), axis=1)
    local = (turned - framing.matrix[:3, 3]) @ framing.matrix[:3, :3]
    seen: NDArray[Any] = local[:, :2] / -local[:, 2:] / framing.half
    return seen
