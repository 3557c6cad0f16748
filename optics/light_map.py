# SPDX-License-Identifier: GPL-3.0-or-later
"""Light set-ups as numbers: what the product sees around it, and how bright that makes it. Numpy only.

Directions are those of the product, which stands at the origin and looks along -Y towards the camera.
Radiance and irradiance are relative: exposure is decided by ``exposed``.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from .framing import camera_axes
from .rig_choice import Panorama

MAP_WIDTH, MAP_HEIGHT = 1024, 512
FACING_ELEVATION = 25.0  # The surface that is exposed for looks at the camera of the usual angles.
PRODUCT_MIDDLE = np.array((0.0, 0.0, 0.4))  # In product sizes: where near lights are measured.
UP = np.array((0.0, 0.0, 1.0))
AREA_GRID = 12  # Points along each side of a near light when it is summed up.


@dataclass(frozen=True, slots=True, kw_only=True)
class Softbox:
    """A rectangular light far away; angles in degrees, azimuth 0 behind the camera.

    A negative ``strength`` takes light away: a black card.
    """

    azimuth: float
    elevation: float
    width: float
    height: float
    strength: float
    softness: float = 0.25  # Share of the half-width over which the light falls off at its edge.


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangular light near the product, turned towards it. Lengths in product sizes.

    ``strength`` is the irradiance that it gives to a surface in the product's middle that faces it.
    """

    name: str
    azimuth: float
    elevation: float
    distance: float
    width: float
    height: float
    strength: float

    @property
    def axes(self) -> np.ndarray:
        """Right, up and backward unit vectors as columns; the light shines against the last."""
        return camera_axes(self.azimuth, self.elevation)

    @property
    def place(self) -> np.ndarray:
        """Its middle, in world space."""
        spot: np.ndarray = PRODUCT_MIDDLE + self.axes[:, 2] * self.distance
        return spot

    @property
    def radiance(self) -> float:
        return self.strength / self.share_of(PRODUCT_MIDDLE, self.axes[:, 2])

    def share_of(self, points: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Irradiance at ``points`` (..., 3) facing ``normal`` for a radiance of 1: its projected solid angle."""
        steps = (np.arange(AREA_GRID) + 0.5) / AREA_GRID - 0.5
        across, along = np.meshgrid(steps * self.width, steps * self.height)
        axes = self.axes
        spots = self.place + across.reshape(-1, 1) * axes[:, 0] + along.reshape(-1, 1) * axes[:, 1]
        piece = self.width * self.height / len(spots)
        total = np.zeros(np.shape(points)[:-1])
        for spot in spots:
            ray = spot - points
            squared = (ray * ray).sum(axis=-1)
            leaving, meeting = ray @ axes[:, 2], ray @ normal
            total += np.clip(leaving, 0.0, None) * np.clip(meeting, 0.0, None) / squared**2 * piece
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A light set-up.

    ``dome`` is the brightness of the room as (elevation in degrees, radiance) from the horizon up.
    ``facing`` is the exposure: how much of its base colour a matt surface shows that faces the camera.
    ``rotation`` turns all lights counter-clockwise seen from above; ``intensity`` is a factor on the exposure.
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
        """The same light gives the same digest, wherever its file lies."""
        facts = asdict(self)
        if self.panorama:
            facts["panorama"] = self.panorama.sha256
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def turned(self, *, rotation: float, intensity: float) -> "Rig":
        """The rig as the user wants it turned and dimmed."""
        return replace(self, rotation=rotation, intensity=intensity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A rig, exposed.

    ``radiance``: float32 (h, w) or (h, w, 3), the far light; row 0 at the bottom, in Blender's
    equirectangular layout. ``areas``: the near lights with the radiance of each.
    """

    radiance: np.ndarray
    areas: tuple[tuple[Area, float], ...]
    table_albedo: float

    def table_radiance(self, points: np.ndarray) -> np.ndarray:
        """What a camera sees of the empty table at ``points`` (..., 3), mean of the channels."""
        far = float(np.mean(irradiance(self.radiance, UP)))
        near = sum(area.share_of(points, UP) * radiance for area, radiance in self.areas)
        table: np.ndarray = self.table_albedo * (far + near) / math.pi + np.zeros(np.shape(points)[:-1])
        return table


def light_of(rig: Rig, panorama: np.ndarray | None = None) -> Light:
    """Expose a rig. ``panorama``: float (h, w, 3), row 0 at the bottom, for a rig that has one."""
    sky = _from_panorama(panorama) if panorama is not None else _sky(rig)
    sky = _rolled(sky, rig.rotation)
    areas = tuple(replace(area, azimuth=area.azimuth + rig.rotation) for area in rig.areas)
    near_up = sum(float(area.share_of(np.zeros(3), UP)) * area.radiance for area in areas)
    # Below the horizon lies the table: it gives back what falls on it.
    table = rig.table_albedo * (irradiance(sky, UP) + near_up) / math.pi
    height = sky.shape[0]
    below = np.arange(height) < height // 2
    sky[below] = table
    facing = camera_axes(0.0, FACING_ELEVATION)[:, 2]
    near = sum(float(area.share_of(PRODUCT_MIDDLE, facing)) * area.radiance for area in areas)
    wanted = rig.facing * rig.intensity * math.pi
    # Channel by channel: a surface that faces the camera is lit neutrally, whatever the room's tint.
    factor = wanted / np.maximum(irradiance(sky, facing) + near, 1e-9)
    return Light(
        radiance=(sky * factor).astype(np.float32),
        areas=tuple((area, float(area.radiance * np.mean(factor))) for area in areas),
        table_albedo=rig.table_albedo,
    )


def _sky(rig: Rig) -> np.ndarray:
    directions = _directions(MAP_WIDTH, MAP_HEIGHT)
    lift = np.degrees(np.arcsin(np.clip(directions[..., 2], 0.0, 1.0)))
    stops, levels = zip(*rig.dome, strict=True)
    radiance = np.interp(lift, stops, levels)
    for light in rig.lights:
        radiance = radiance + light.strength * _softbox_mask(light, directions)
    return np.clip(radiance, 0.0, None)


def _from_panorama(pixels: np.ndarray) -> np.ndarray:
    """Of the size of our maps, by averaging, without what is no light."""
    clean = np.clip(np.nan_to_num(pixels.astype(np.float64), nan=0.0, posinf=0.0), 0.0, None)
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


def _rolled(sky: np.ndarray, degrees: float) -> np.ndarray:
    """Turned counter-clockwise seen from above: column u looks along (0.5 - u) * 360°."""
    width = sky.shape[1]
    shift = (-degrees / 360.0 * width) % width
    whole, part = int(shift), shift - int(shift)
    first, second = np.roll(sky, whole, axis=1), np.roll(sky, whole + 1, axis=1)
    mixed: np.ndarray = first * (1.0 - part) + second * part
    return mixed


def _directions(width: int, height: int) -> np.ndarray:
    turn = (0.5 - (np.arange(width) + 0.5) / width) * 2.0 * np.pi
    lift = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    turn, lift = np.meshgrid(turn, lift)
    return np.stack((np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)), axis=-1)


def _softbox_mask(light: Softbox, directions: np.ndarray) -> np.ndarray:
    """1 inside the softbox, 0 outside, a smooth edge between."""
    local = directions @ camera_axes(light.azimuth, light.elevation)
    depth = np.where(local[..., 2] > 1e-3, local[..., 2], np.nan)
    mask = np.ones(directions.shape[:2])
    for axis, degrees in ((0, light.width), (1, light.height)):
        half = math.tan(math.radians(degrees / 2.0))
        inside = (half - np.abs(local[..., axis] / depth)) / (half * light.softness)
        edge = np.clip(np.nan_to_num(inside, nan=0.0), 0.0, 1.0)
        mask = mask * edge * edge * (3.0 - 2.0 * edge)
    return mask


def irradiance(radiance: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Cosine-weighted integral of a light map over the half-space of ``normal``; one value a channel."""
    height, width = radiance.shape[:2]
    lift = ((np.arange(height) + 0.5) / height - 0.5) * np.pi
    solid_angle = np.cos(lift)[:, None] * (np.pi / height) * (2.0 * np.pi / width)
    weight = np.clip(_directions(width, height) @ normal, 0.0, None) * solid_angle
    total: np.ndarray = np.tensordot(weight, radiance, axes=((0, 1), (0, 1)))
    return total
