# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the camera stands: exact framing of a silhouette, in numpy."""

import math
from dataclasses import dataclass, replace

import numpy as np

from ..angles import Angle

SENSOR_MM = 36.0
LENS_MM = 85.0  # A short telephoto: little perspective distortion, as product photographers use.
STEPS = 40
CLOSEST = 0.02  # Least distance from lens to surface, as a share of the product's size.


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """A camera in world space.

    ``matrix`` is its 4x4 matrix to world (Blender's convention: looks along its -Z, +Y up);
    ``near`` and ``far`` are distances that contain the product and its ground.
    """

    matrix: np.ndarray
    lens_mm: float
    near: float
    far: float
    sensor_mm: float = SENSOR_MM


def camera_axes(azimuth: float, elevation: float) -> np.ndarray:
    """Right, up and backward unit vectors of the camera, as the columns of a 3x3 matrix; degrees in."""
    turn, lift = math.radians(azimuth), math.radians(elevation)
    right = np.array((math.cos(turn), math.sin(turn), 0.0))
    back = np.array((math.sin(turn) * math.cos(lift), -math.cos(turn) * math.cos(lift), math.sin(lift)))
    return np.stack((right, np.cross(back, right), back), axis=1)


def frame(points: np.ndarray, angle: Angle, *, fill: float | None = None) -> Framing:
    """Place the camera of ``angle`` so that the silhouette of ``points`` is centred and fills the frame.

    points: world coordinates of shape (n, 3). The picture is square. ``fill`` replaces that of the
    angle: the share of the frame that the larger side of the silhouette takes.
    """
    axes = camera_axes(angle.azimuth, angle.elevation)
    local = points @ axes
    low, high = local.min(axis=0), local.max(axis=0)
    size = float((high - low).max())
    wanted = angle.fill if fill is None else fill
    centre = (low + high) / 2.0
    half_view = SENSOR_MM / LENS_MM / 2.0
    distance = size / wanted / half_view
    # Too near for a close-up of a deep product: keep the distance and use a longer lens instead.
    closest = 1.5 * (float(high[2] - centre[2]) + max(CLOSEST * size, 1e-9))
    for _step in range(STEPS):
        seen = _silhouette(local, centre, distance)
        centre[0] += seen.width.middle(0.5)
        centre[1] += seen.height.middle(angle.aim)
        larger = max(seen.width, seen.height, key=lambda span: span.size)
        share = larger.size / (2.0 * half_view)
        if distance <= closest and share < wanted:
            half_view *= share / wanted
        else:
            distance = max(closest, distance + (share / wanted - 1.0) * larger.depth)
    lens = SENSOR_MM / half_view / 2.0
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = axes @ (centre + np.array((0.0, 0.0, distance)))
    depths = centre[2] + distance - local[:, 2]
    return Framing(
        matrix=matrix, lens_mm=lens, near=float(depths.min()) * 0.5, far=float(depths.max()) + 100.0 * size
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """The two outermost points of a silhouette along one axis, seen from the camera.

    ``low`` and ``high`` are distances from the line of sight, ``low_depth`` and ``high_depth`` along it.
    """

    low: float
    low_depth: float
    high: float
    high_depth: float

    @property
    def size(self) -> float:
        """Between the tangents of both."""
        return self.high / self.high_depth - self.low / self.low_depth

    @property
    def depth(self) -> float:
        """How far the camera goes to change ``size`` by its own amount: the mean, by their share of it."""
        slope = self.high / self.high_depth**2 - self.low / self.low_depth**2
        return self.size / slope if slope > 0.0 else min(self.low_depth, self.high_depth)

    def middle(self, aim: float) -> float:
        """The line of sight that has ``aim`` of the tangents' span below it."""
        below, above = (1.0 - aim) / self.low_depth, aim / self.high_depth
        return (below * self.low + above * self.high) / (below + above)


@dataclass(frozen=True, slots=True)
class _Silhouette:
    width: _Span
    height: _Span


def _silhouette(local: np.ndarray, centre: np.ndarray, distance: float) -> _Silhouette:
    """What the vertices span: for a mesh in front of the camera its outermost points are vertices."""
    depth = centre[2] + distance - local[:, 2]

    def span(axis: int) -> _Span:
        offset = local[:, axis] - centre[axis]
        tangent = offset / depth
        low, high = int(tangent.argmin()), int(tangent.argmax())
        return _Span(float(offset[low]), float(depth[low]), float(offset[high]), float(depth[high]))

    return _Silhouette(span(0), span(1))


def frame_all_round(points: np.ndarray, elevation: float, fill: float) -> Framing:
    """One camera, at azimuth 0, that holds the product whole while it turns once about the Z axis.

    The silhouette of all turns together is that of the circles that the points describe.
    """
    radius = np.hypot(points[:, 0], points[:, 1])
    # Only the widest circle of each height counts; 256 heights are finer than a pixel.
    height = points[:, 2]
    low, high = float(height.min()), float(height.max())
    slot = np.minimum(((height - low) / max(high - low, 1e-9) * 256).astype(int), 255)
    widest = np.zeros(256)
    np.maximum.at(widest, slot, radius)
    bottom = np.full(256, np.inf)
    top = np.full(256, -np.inf)
    np.minimum.at(bottom, slot, height)
    np.maximum.at(top, slot, height)
    used = widest > 0.0
    turns = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    rings = [
        np.stack(
            (
                np.outer(widest[used], np.cos(turns)).ravel(),
                np.outer(widest[used], np.sin(turns)).ravel(),
                np.repeat(edge[used], len(turns)),
            ),
            axis=1,
        )
        for edge in (bottom, top)
    ]
    hull = np.concatenate(rings) if used.any() else points
    return frame(hull, Angle(name="turntable", azimuth=0.0, elevation=elevation), fill=fill)


def turned(framing: Framing, degrees: float) -> Framing:
    """The same camera carried counter-clockwise around the Z axis."""
    matrix = np.eye(4)
    matrix[:3, :3] = camera_axes(degrees, 0.0)[:, (0, 2, 1)] * (1.0, -1.0, 1.0)
    return replace(framing, matrix=matrix @ framing.matrix)


def ground_points(framing: Framing, width: int, height: int) -> np.ndarray:
    """Where the ray of every pixel meets the ground z=0: shape (height, width, 2), row 0 on top.

    NaN where the ray goes above the horizon.
    """
    half = framing.sensor_mm / framing.lens_mm / 2.0
    aspect = height / width
    x = ((np.arange(width) + 0.5) / width * 2.0 - 1.0) * half
    y = (1.0 - (np.arange(height) + 0.5) / height * 2.0) * half * aspect
    rays = np.stack((*np.meshgrid(x, y), np.full((height, width), -1.0)), axis=-1) @ framing.matrix[:3, :3].T
    position = framing.matrix[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        travel = np.where(rays[..., 2] < -1e-6, -position[2] / rays[..., 2], np.nan)
    return position[:2] + rays[..., :2] * travel[..., None]
