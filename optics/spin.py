# SPDX-License-Identifier: GPL-3.0-or-later
"""A spin: pictures of one full turn of the product, in equal steps, with one camera and one light.

The product turns and the camera stays; the azimuth of a frame is that of a camera that sees the same picture of a
product at rest. Counter-clockwise, seen from above, is how the product turns, so the azimuths then decrease.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..files.values import member_of, number, record_of, whole
from .angles import Angle, turn
from .sizes import Size

TURN_ELEVATION = 18.0  # Degrees. Amazon's 360 View asks for 10 to 30.
COUNTS = (24, 36, 48, 72)
MIN_COUNT, MAX_COUNT = 8, 72
COUNT = whole(MIN_COUNT, MAX_COUNT)
ELEVATION = number(-10.0, 80.0, "degrees")


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


def video_frames_in(spin: Spin, frames: int) -> dict[int, int]:
    """The frames of a turntable video of ``frames`` frames that a spin has too: their number in each, from 0."""
    found = {round(azimuth * frames / 360.0, 6): index for index, azimuth in enumerate(spin.azimuths)}
    return {number: found[number] for number in range(frames) if number in found}


def side_of(resolution: Size) -> int:
    """The side in pixels of the frames of a spin, which are square."""
    return resolution.shorter
