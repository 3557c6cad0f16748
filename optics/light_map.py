# SPDX-License-Identifier: GPL-3.0-or-later
"""Light rigs as numbers: light maps, near lights, and the exposure.

Directions are relative to the product, which is at the origin and faces the camera at -Y. Radiance and irradiance are
relative; ``light_of`` determines the exposure.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .framing import camera_axes
from .rig_choice import Panorama

Array = NDArray[Any]

MAP_WIDTH, MAP_HEIGHT = 1024, 512
FACING_ELEVATION = 25.0  # The surface that the exposure is computed for faces the camera of a typical angle.
PRODUCT_MIDDLE = np.array((0.0, 0.0, 0.4))  # In product sizes; where near lights are measured.
UP = np.array((0.0, 0.0, 1.0))
MAX_RADIANCE = (
    1e10  # Of a light map: the sun is 1e5 times as bright as the sky. More is an infinity that was converted.
)
AREA_GRID = 12  # Points along each side of a near light, over which it is summed.


@dataclass(frozen=True, slots=True, kw_only=True)
class Softbox:
    """A rectangular distant light; angles in degrees, azimuth 0 is behind the camera.

    A negative ``strength`` removes light: a black card.
    """

    azimuth: float
    elevation: float
    width: float
    height: float
    strength: float
    softness: float = 0.25  # Share of the half-width over which the light falls off at its edge.


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangular light near the product, facing it. Lengths are in product sizes.

    ``strength`` is the irradiance of a surface in the middle of the product that faces the light.
    """

    name: str
    azimuth: float
    elevation: float
    distance: float
    width: float
    height: float
    strength: float

    @property
    def axes(self) -> Array:
        """Right, up and backward unit vectors as columns of a 3x3 matrix; the light shines opposite to the last."""
        return camera_axes(self.azimuth, self.elevation)

    @property
    def place(self) -> Array:
        """The middle of the light, in world space."""
        spot: Array = PRODUCT_MIDDLE + self.axes[:, 2] * self.distance
        return spot

    @property
    def radiance(self) -> float:
        """The radiance that gives ``strength`` in the middle of the product."""
        return float(self.strength / self.share_of(PRODUCT_MIDDLE, self.axes[:, 2]))

    def share_of(self, points: Array, normal: Array) -> Array:
        """Irradiance at ``points`` (..., 3) facing ``normal`` for a radiance of 1: the projected solid angle."""
        steps = (np.arange(AREA_GRID) + 0.5) / AREA_GRID - 0.5
        across, along = np.meshgrid(steps * self.width, steps * self.height)
        axes = self.axes
        spots = self.place + across.reshape(-1, 1) * axes[:, 0] + along.reshape(-1, 1) * axes[:, 1]
        piece = self.width * self.height / len(spots)
        if np.ndim(points) == 1:  # All at once is fast for one point, and too large for a grid of them.
            rays = spots - points
            shares = np.clip(rays @ axes[:, 2], 0.0, None) * np.clip(rays @ normal, 0.0, None)
            one: Array = (shares / (rays * rays).sum(axis=-1) ** 2).sum() * piece
            return one
        total = np.zeros(np.shape(points)[:-1])
        for spot in spots:
            ray = spot - points
            squared = (ray * ray).sum(axis=-1)
            leaving, meeting = ray @ axes[:, 2], ray @ normal
            total += np.clip(leaving, 0.0, None) * np.clip(meeting, 0.0, None) / squared**2 * piece
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A light rig.

    ``dome`` is the brightness of the room as (elevation in degrees, radiance) from the horizon upwards. ``facing`` is the
    exposure: with 1, a matt surface that faces the camera shows its base colour. ``rotation`` turns all lights
    counter-clockwise, seen from above, in degrees; ``intensity`` is a factor on the exposure.

    Names and values of all members are part of ``digest``, which is stored with every picture.
    """

    name: str
    lights: tuple[Softbox, ...] = ()
    areas: tuple[Area, ...] = ()
    dome: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    panorama: Panorama | None = None
    table_albedo: float = 0.8
    facing: float = 1.0
    rotation: float = 0.0
    intensity: float = 1.0

    @property
    def digest(self) -> str:
        """The same light has the same digest, wherever its light map is stored."""
        facts = asdict(self)
        if self.panorama:
            facts["panorama"] = self.panorama.sha256
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def turned(self, *, rotation: float, intensity: float) -> "Rig":
        """The rig with another rotation and intensity."""
        return replace(self, rotation=rotation, intensity=intensity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A rig, exposed.

    ``radiance``: float32 (h, w) or (h, w, 3), the distant light; row 0 at the bottom, in Blender's equirectangular layout.
    ``areas``: the near lights, with their radiance.
    """

    radiance: Array
    areas: tuple[tuple[Area, float], ...]
    table_albedo: float

    def table_radiance(self, points: Array) -> Array:
        """The radiance of the empty table at ``points`` (..., 3), the mean of the channels."""
        far = float(np.mean(irradiance(self.radiance, UP)))
        near = sum(area.share_of(points, UP) * radiance for area, radiance in self.areas)
        table: Array = self.table_albedo * (far + near) / math.pi + np.zeros(np.shape(points)[:-1])
        return table


def light_of(rig: Rig, panorama: Array | None = None) -> Light:
    """Expose a rig. ``panorama``: float (h, w, 3), row 0 at the bottom, ``repaired``, for a rig that has one."""
    sky = averaged(panorama) if panorama is not None else _sky(rig)
    sky = _rolled(sky, rig.rotation)
    areas = tuple(replace(area, azimuth=area.azimuth + rig.rotation) for area in rig.areas)
    near_up = sum(float(area.share_of(np.zeros(3), UP)) * area.radiance for area in areas)
    # Below the horizon is the table, which reflects the light that falls on it.
    table = rig.table_albedo * (irradiance(sky, UP) + near_up) / math.pi
    height = sky.shape[0]
    below = np.arange(height) < height // 2
    sky[below] = table
    facing = camera_axes(0.0, FACING_ELEVATION)[:, 2]
    near = sum(float(area.share_of(PRODUCT_MIDDLE, facing)) * area.radiance for area in areas)
    wanted = rig.facing * rig.intensity * math.pi
    # Per channel, so that a surface facing the camera is lit neutrally, whatever the tint of the room.
    factor = wanted / np.maximum(irradiance(sky, facing) + near, 1e-9)
    return Light(
        radiance=(sky * factor).astype(np.float32),
        areas=tuple((area, float(area.radiance * np.mean(factor))) for area in areas),
        table_albedo=rig.table_albedo,
    )


def _sky(rig: Rig) -> Array:
    return sky_towards(rig, directions_of(MAP_WIDTH, MAP_HEIGHT))


def sky_towards(rig: Rig, directions: Array) -> Array:
    """The distant light of a rig, unturned and not exposed, from ``directions`` (..., 3) above the horizon: (...,)."""
    lift = np.degrees(np.arcsin(np.clip(directions[..., 2], 0.0, 1.0)))
    stops, levels = zip(*rig.dome, strict=True)
    radiance = np.interp(lift, stops, levels)
    for light in rig.lights:
        radiance = radiance + light.strength * _softbox_mask(light, directions)
    return np.clip(radiance, 0.0, None)


def repaired(pixels: Array) -> tuple[Array, int]:
    """A panorama (h, w, 3) without infinite, invalid and negative values, and the number of pixels that had to be repaired.

    An infinite value, usually a sun that a 16-bit float could not hold, becomes the largest valid value of its channel.
    An invalid one becomes the mean of the valid values around it. Negative values, which resampling makes at bright
    edges, become 0 and are not counted.
    """
    clean = np.array(pixels)
    is_infinite = clean > MAX_RADIANCE
    is_valid = np.isfinite(clean) & ~is_infinite
    rows, columns = np.nonzero((~is_valid).any(axis=-1))
    if len(rows):
        brightest = np.where(is_valid, clean, 0.0).max(axis=(0, 1))
        total, count = np.zeros((len(rows), 3)), np.zeros((len(rows), 3))
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                near = np.clip(rows + down, 0, clean.shape[0] - 1), (columns + across) % clean.shape[1]
                total += np.where(is_valid[near], np.clip(clean[near], 0.0, None), 0.0)
                count += is_valid[near]
        spots = rows, columns
        repaired = np.where(is_infinite[spots], brightest, total / np.maximum(count, 1.0))
        clean[spots] = np.where(is_valid[spots], clean[spots], repaired)
    return np.clip(clean, 0.0, None), len(rows)


def averaged(pixels: Array) -> Array:
    """A panorama (h, w, 3) of valid values, scaled to the size of our maps by averaging."""
    clean = pixels.astype(np.float64)
    for axis, wanted in ((0, MAP_HEIGHT), (1, MAP_WIDTH)):
        count = clean.shape[axis]
        edges = np.linspace(0.0, count, wanted + 1)
        whole = np.concatenate((np.zeros_like(clean.take([0], axis)), clean.cumsum(axis)), axis)
        lower = np.minimum(edges.astype(int), count - 1)
        shape = [1] * clean.ndim
        shape[axis] = wanted + 1
        share = (edges - lower).reshape(shape)
        at_edges = whole.take(lower, axis) + clean.take(lower, axis) * share
        clean = np.diff(at_edges, axis=axis) * (wanted / count)
    return clean


def _rolled(sky: Array, degrees: float) -> Array:
    """The map turned counter-clockwise, seen from above: column u is at (0.5 - u) * 360°."""
    width = sky.shape[1]
    shift = (-degrees / 360.0 * width) % width
    whole, part = int(shift), shift - int(shift)
    first, second = np.roll(sky, whole, axis=1), np.roll(sky, whole + 1, axis=1)
    mixed: Array = first * (1.0 - part) + second * part
    return mixed


def directions_of(width: int, height: int) -> Array:
    """The direction of each pixel of an equirectangular map, as unit vectors: (h, w, 3)."""
    turn = (0.5 - (np.arange(width) + 0.5) / width) * 2.0 * np.pi
    lift = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    turn, lift = np.meshgrid(turn, lift)
    return np.stack((np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)), axis=-1)


def _softbox_mask(light: Softbox, directions: Array) -> Array:
    """1 inside the softbox, 0 outside, with a smooth edge: (h, w) for directions (h, w, 3)."""
    local = directions @ camera_axes(light.azimuth, light.elevation)
    depth = np.where(local[..., 2] > 1e-3, local[..., 2], np.nan)
    mask = np.ones(directions.shape[:2])
    for axis, degrees in ((0, light.width), (1, light.height)):
        half = math.tan(math.radians(degrees / 2.0))
        inside = (half - np.abs(local[..., axis] / depth)) / (half * light.softness)
        edge = np.clip(np.nan_to_num(inside, nan=0.0), 0.0, 1.0)
        mask = mask * edge * edge * (3.0 - 2.0 * edge)
    return mask


def irradiance(radiance: Array, normal: Array) -> Array:
    """The cosine-weighted integral of a light map over the hemisphere around ``normal``; one value per channel."""
    height, width = radiance.shape[:2]
    lift = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    solid_angle = np.cos(lift)[:, None] * (np.pi / height) * (2.0 * np.pi / width)
    weight = np.clip(directions_of(width, height) @ normal, 0.0, None) * solid_angle
    total: Array = np.tensordot(weight, radiance, axes=((0, 1), (0, 1)))
    return total
