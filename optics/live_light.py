# SPDX-License-Identifier: GPL-3.0-or-later
"""The light of a rig for a studio that is looked at: computed in short steps, then turned and exposed at once.

The light map stays unturned. Who shows it turns the map and multiplies it by the exposure, so a new rotation or
brightness needs no new map. ``light_map.light_of`` gives the same light in one map.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from .framing import camera_axes
from .light_map import (
    FACING_ELEVATION,
    MAP_HEIGHT,
    MAP_WIDTH,
    PRODUCT_MIDDLE,
    UP,
    Area,
    Array,
    Rig,
    averaged,
    directions_of,
    irradiance,
    sky_towards,
)

BAND = 32  # Rows of the light map that are computed in one step.
SMALL = 8  # Pixels of the light map, along a side, that are one pixel of the map from which the exposure is computed.


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSky:
    """The distant light of a rig, unturned and not exposed.

    ``radiance``: float32 (h, w) or (h, w, 3), row 0 at the bottom; below the horizon is the light of the table.
    ``small``: the same averaged, (n,) or (n, 3), for the ``directions`` (n, 3), each of a ``solid_angle`` (n,).
    ``areas``: the near lights, with their radiance.
    """

    radiance: Array
    small: Array
    directions: Array
    solid_angle: Array
    areas: tuple[tuple[Area, float], ...]

    def irradiance(self, normal: Array) -> Array:
        """As ``light_map.irradiance``, from the averaged map."""
        weight = np.clip(self.directions @ normal, 0.0, None) * self.solid_angle
        total: Array = weight @ self.small
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """``factor``: what red, green and blue of a ``LiveSky`` are multiplied by. ``areas``: turned, with their radiance."""

    factor: tuple[float, float, float]
    areas: tuple[tuple[Area, float], ...]


def sky_in_steps(rig: Rig, panorama: Array | None = None) -> Generator[None, None, LiveSky]:
    """Compute the light map of a rig; each step takes a few milliseconds. Its rotation and brightness do not count.

    ``panorama``: float (h, w, 3), row 0 at the bottom, ``repaired``, for a rig that has one; it is averaged in one step.
    """
    if panorama is not None:
        sky = averaged(panorama).astype(np.float32)
        yield
    else:
        directions = directions_of(MAP_WIDTH, MAP_HEIGHT)
        yield
        sky = np.zeros((MAP_HEIGHT, MAP_WIDTH), dtype=np.float32)
        for row in range(MAP_HEIGHT // 2, MAP_HEIGHT, BAND):
            sky[row : row + BAND] = sky_towards(rig, directions[row : row + BAND])
            yield
    small = _averaged_small(sky)
    areas = tuple((area, area.radiance) for area in rig.areas)
    near_up = sum(float(area.share_of(np.zeros(3), UP)) * radiance for area, radiance in areas)
    table = rig.table_albedo * (irradiance(small, UP) + near_up) / math.pi
    sky[: MAP_HEIGHT // 2] = table
    small[: len(small) // 2] = table
    height, width = small.shape[:2]
    lift = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    solid_angle = np.repeat(np.cos(lift) * (np.pi / height) * (2.0 * np.pi / width), width)
    return LiveSky(
        radiance=sky,
        small=small.reshape(height * width, *small.shape[2:]),
        directions=directions_of(width, height).reshape(-1, 3),
        solid_angle=solid_angle,
        areas=areas,
    )


def _averaged_small(sky: Array) -> Array:
    height, width = MAP_HEIGHT // SMALL, MAP_WIDTH // SMALL
    pieces = sky.reshape(height, SMALL, width, SMALL, *sky.shape[2:])
    small: Array = pieces.mean(axis=(1, 3), dtype=np.float64)
    return small


def exposure_of(sky: LiveSky, rig: Rig) -> Exposure:
    """The exposure of ``rig``, whose light map is ``sky``: as in ``light_of``, for its rotation and its intensity."""
    # Instead of the lights, what they shine on is turned the other way.
    facing = camera_axes(-rig.rotation, FACING_ELEVATION)[:, 2]
    near = sum(float(area.share_of(PRODUCT_MIDDLE, facing)) * radiance for area, radiance in sky.areas)
    wanted = rig.facing * rig.intensity * math.pi
    factor = np.broadcast_to(wanted / np.maximum(sky.irradiance(facing) + near, 1e-9), (3,))
    red, green, blue = (float(part) for part in factor)
    areas = tuple(
        (replace(area, azimuth=area.azimuth + rig.rotation), float(radiance * factor.mean()))
        for area, radiance in sky.areas
    )
    return Exposure(factor=(red, green, blue), areas=areas)
