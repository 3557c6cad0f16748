# SPDX-License-Identifier: GPL-3.0-or-later
"""A spin: pictures of one full turn of the product, in equal steps, with one camera and one light.

The product turns and the camera stays; the azimuth of a frame is that of a camera that sees the same picture of a
product at rest. Counter-clockwise, seen from above, is how the product turns, so the azimuths then decrease.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.values import member_of, number, record_of, whole
from .angles import Angle, turn
from .framing import Framing, frame_all_round
from .sizes import Size

TURN_ELEVATION = 18.0  # Degrees. Amazon's 360 View asks for 10 to 30.
TURN_FILL = (
    0.86  # Of the fullest frame: no step of a spin is more than 7.5 degrees from it, so one fills 85 %.
)
MAX_TURN_EXTENT = 0.96  # Of all frames together: none reaches the border.
COUNTS = (24, 36, 48, 72)
COUNT = whole(8, 72)
ELEVATION = number(-10.0, 80.0, "degrees")
_STEP = 5  # Degrees between the turns at which the fill is measured.


class Direction(StrEnum):
    """How the product turns, seen from above."""

    COUNTER_CLOCKWISE = "counter-clockwise"
    CLOCKWISE = "clockwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spin:
    """``count`` frames of a full turn. ``elevation`` of the camera and ``start``, the first azimuth, are in degrees."""

    count: int
    elevation: float = TURN_ELEVATION
    start: float = 0.0
    direction: Direction = Direction.COUNTER_CLOCKWISE

    @property
    def azimuths(self) -> tuple[float, ...]:
        """Of the frames, in their order: degrees, 0 up to 360."""
        sign = -1.0 if self.direction is Direction.COUNTER_CLOCKWISE else 1.0
        return tuple(turn(self.start + sign * 360.0 * index / self.count) for index in range(self.count))

    def angle(self, index: int) -> Angle:
        """The camera angle of a frame."""
        return Angle(name=frame_name(index), azimuth=self.azimuths[index], elevation=self.elevation)


_RECORD = record_of(
    {"count": COUNT}, {"elevation": ELEVATION, "start": turn, "direction": member_of(Direction)}
)


def kept_spin(value: Any) -> Spin:
    """The rule for a spin in ``set.json`` or a lock file."""
    return Spin(**_RECORD(value))


def frame_name(index: int) -> str:
    """The name of a frame, which counts from 0, without a suffix: ``001`` for the first."""
    return f"{index + 1:03}"


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


def video_frames_in(spin: Spin, frames: int) -> dict[int, int]:
    """The frames of a turntable video of ``frames`` frames that a spin has too: their number in each, from 0."""
    found = {round(azimuth * frames / 360.0, 6): index for index, azimuth in enumerate(spin.azimuths)}
    return {number: found[number] for number in range(frames) if number in found}


def side_of(resolution: Size) -> int:
    """The side in pixels of the frames of a spin, which are square."""
    return resolution.shorter
