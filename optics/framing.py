# SPDX-License-Identifier: GPL-3.0-or-later
"""Places cameras so that the silhouette of the product fills the picture exactly."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .angles import LENS_MM, Angle, View
from .sizes import Size, square

Array = NDArray[Any]

FOCUS_PART = (
    0.3  # The part of the picture around its middle, as a share of the longer side, that is focused on.
)
FOCUS_QUANTILE = 0.05  # So that a few stray vertices in front do not matter.
SENSOR_MM = 36.0
SQUARE = square(1)
STEPS = 40
CLOSEST = 0.02  # Minimum distance from the lens to the surface, in product sizes.
CLOSE_UP_GAP = 0.5  # Additional minimum distance for close-ups, as a share of half the depth: less distorts.


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """A camera in world space.

    ``matrix`` is its 4x4 matrix to world (Blender's convention: looks along its -Z, +Y up). ``sensor_mm`` is
    the length of the sensor along the longer side of the picture, ``shift`` a share of that side, and ``ortho_scale`` its
    length in the world for a camera without perspective, otherwise 0. The product and the ground are between ``near`` and
    ``far``. ``lens_radius`` is the radius of the aperture in product sizes, 0 for a picture that is sharp everywhere;
    ``focus`` is the distance that is in focus.
    """

    matrix: Array
    lens_mm: float
    near: float
    far: float
    sensor_mm: float = SENSOR_MM
    shift: tuple[float, float] = (0.0, 0.0)
    ortho_scale: float = 0.0
    lens_radius: float = 0.0
    focus: float = 1.0

    @property
    def half(self) -> float:
        """Half the longer side of the picture: a tangent, or a length for a camera without perspective."""
        return self.ortho_scale / 2.0 if self.ortho_scale else self.sensor_mm / self.lens_mm / 2.0

    @property
    def is_below_ground(self) -> bool:
        """Does the camera look from below the ground, where the table would block its view?"""
        return bool((self.matrix[2, 2] if self.ortho_scale else self.matrix[2, 3]) < 0.0)

    def record(self) -> dict[str, Any]:
        """The camera in ``set.json``, with the names of Blender's camera properties."""
        kind = {"type": "ORTHO", "ortho_scale": self.ortho_scale} if self.ortho_scale else {"type": "PERSP"}
        return {
            "matrix_world": self.matrix.tolist(),
            "lens_mm": self.lens_mm,
            "sensor_mm": self.sensor_mm,
            "sensor_fit": "AUTO",
            **kind,
            "shift_x": self.shift[0],
            "shift_y": self.shift[1],
            "clip_start": self.near,
            "clip_end": self.far,
        }


def framing_from(record: Mapping[str, Any]) -> Framing:
    """The camera that ``record`` describes, as ``Framing.record`` made it."""
    return Framing(
        matrix=np.array(record["matrix_world"], dtype=float),
        lens_mm=record["lens_mm"],
        near=record["clip_start"],
        far=record["clip_end"],
        sensor_mm=record["sensor_mm"],
        shift=(record["shift_x"], record["shift_y"]),
        ortho_scale=record.get("ortho_scale", 0.0),
    )


def camera_axes(azimuth: float, elevation: float) -> Array:
    """Right, up and backward unit vectors of the camera as columns of a 3x3 matrix; the arguments are in degrees."""
    turn, lift = math.radians(azimuth), math.radians(elevation)
    right = np.array((math.cos(turn), math.sin(turn), 0.0))
    back = np.array((math.sin(turn) * math.cos(lift), -math.cos(turn) * math.cos(lift), math.sin(lift)))
    return np.stack((right, np.cross(back, right), back), axis=1)


def frame(
    points: Array,
    angle: Angle,
    size: Size = SQUARE,
    *,
    fill: float | None = None,
    lens_mm: float = LENS_MM,
    body: Array | None = None,
) -> Framing:
    """Place the camera of ``angle`` so that the silhouette of ``points`` is centred and fills the frame.

    ``points``: world coordinates (n, 3). ``size``: of the picture; only the aspect ratio matters. ``fill`` overrides that
    of the angle: the share of the frame that the silhouette fills, in the direction where it fills more. The sensor lies
    along the longer side of the picture. ``body``: the points that the camera stays in front of, if not ``points``.

    The lens is that of the angle, or ``lens_mm`` if it has none, unless the camera would be inside the product; then the
    camera keeps its distance and the lens is longer.
    """
    axes = camera_axes(angle.azimuth, angle.elevation)
    local = points @ axes
    body = local if body is None else body @ axes
    wanted = angle.fill if fill is None else fill
    half = SENSOR_MM / (angle.lens_mm or lens_mm) / 2.0
    halves = half * np.array(size) / max(size)
    # Two opposite borders of the wanted part of the frame touch the product: two linear inequalities per vertex, of which
    # the tightest pair gives the distance.
    depth = float(body[:, 2].max()) + CLOSEST * _extent(body)
    for axis in (0, 1):
        reach = wanted * halves[axis]
        right = float((local[:, axis] + reach * local[:, 2]).max())
        left = float((reach * local[:, 2] - local[:, axis]).max())
        depth = max(depth, (right + left) / (2.0 * reach))
    across, upright = (_centred(local[:, axis], depth - local[:, 2]) for axis in (0, 1))
    share = max(across.size / halves[0], upright.size / halves[1]) / 2.0
    if share < wanted:
        half *= share / wanted
    place = np.array((across.centre, upright.centre, depth))
    return _framing(axes, place, half, body)


def refit(
    framing: Framing,
    box: tuple[float, float, float, float],
    angle: Angle,
    size: Size,
    points: Array,
    *,
    lens_mm: float = LENS_MM,
) -> Framing:
    """Frame the visible part of the product, when it is smaller than the extent of ``points``.

    ``box``: the visible part as ``framing`` sees it, left, top, right and bottom in shares of width and height from the
    upper left corner. It is assumed to be in the middle of the product's depth, so that the result is approximate;
    repeating it converges.
    """
    axes, place = framing.matrix[:3, :3], framing.matrix[:3, 3]
    depth = float(((place - points) @ axes[:, 2]).mean())
    halves = framing.half * np.array(size) / max(size)
    left, top, right, bottom = box
    middle = (left + right) / 2.0, (top + bottom) / 2.0
    corners = np.array(((left, middle[1]), (right, middle[1]), (middle[0], top), (middle[0], bottom)))
    tangents = (corners * 2.0 - 1.0) * (1.0, -1.0) * halves
    seen = place + (np.concatenate((tangents, -np.ones((4, 1))), axis=1) * depth) @ axes.T
    return frame(seen, angle, size, lens_mm=lens_mm, body=points)


def close_up(
    whole: Framing,
    across: float,
    down: float,
    zoom: float,
    depth: float,
    size: Size,
    points: Array,
    *,
    lens_mm: float,
) -> Framing:
    """Move closer to a part of what ``whole`` sees, in the same direction.

    ``across``, ``down``: the middle of the part, in shares of width and height from the upper left corner. ``zoom``: how
    many times smaller it is than the picture. ``depth``: its distance from the camera. The lens is ``lens_mm`` unless the
    camera would be too close to the product; then it is longer.
    """
    axes = whole.matrix[:3, :3]
    halves = whole.half * np.array(size) / max(size)
    tangent = np.array((across * 2.0 - 1.0, 1.0 - down * 2.0)) * halves
    place = whole.matrix[:3, 3] @ axes + np.array((*tangent * depth, 0.0))
    local = points @ axes
    reach = whole.half * depth / zoom
    half = SENSOR_MM / lens_mm / 2.0
    target = float(place[2]) - depth
    gap = CLOSEST * _extent(local) + CLOSE_UP_GAP * float(np.ptp(local[:, 2])) / 2.0
    place[2] = max(target + reach / half, float(local[:, 2].max()) + gap)
    return _framing(axes, place, reach / (place[2] - target), local)


def standing_view(view: View, standing: Array, size: Size, points: Array) -> Framing:
    """A camera of the product's file, placed relative to the product, which ``standing`` (4x4) has normalised.

    ``points``: of the normalised product, (n, 3); they determine only the clip planes.
    """
    scale = float(np.cbrt(np.linalg.det(standing[:3, :3])))
    matrix = standing @ np.array(view.matrix, dtype=float)
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    fit = {"HORIZONTAL": size.width, "VERTICAL": size.height}.get(view.sensor_fit, size.longer) / size.longer
    depths = (matrix[:3, 3] - points) @ axes[:, 2]
    nearest, extent = float(depths.min()), _extent(points)
    fitted = np.eye(4)
    fitted[:3, :3], fitted[:3, 3] = axes, matrix[:3, 3]
    return Framing(
        matrix=fitted,
        lens_mm=view.lens_mm,
        near=max(nearest * 0.5, 1e-4 * extent),  # The camera may be inside the product.
        far=max(float(depths.max()), 0.0) + 100.0 * extent,
        sensor_mm=view.sensor_mm / fit,
        shift=(view.shift[0] * fit, view.shift[1] * fit),
        ortho_scale=view.ortho_scale * scale / fit,
    )


def _framing(axes: Array, place: Array, half: float, body: Array) -> Framing:
    """A camera at ``place``; ``place`` and ``body`` are in the coordinates of its ``axes``."""
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = axes @ place
    return Framing(
        matrix=matrix,
        lens_mm=SENSOR_MM / half / 2.0,
        near=float(place[2] - body[:, 2].max()) * 0.5,
        far=float(place[2] - body[:, 2].min()) + 100.0 * _extent(body),
    )


def _extent(points: Array) -> float:
    return max(float(np.ptp(points, axis=0).max()), 1e-9)


@dataclass(frozen=True, slots=True)
class _Span:
    """The silhouette along one axis: its ``size`` in tangents, and the ``centre`` of the line of sight on the axis."""

    size: float
    centre: float


def _centred(offsets: Array, depths: Array) -> _Span:
    """The line of sight for which both ends of the silhouette are at equal tangents, found with Newton's method.

    The outermost points of a mesh in front of the camera are vertices. As long as they do not change, their tangents are
    linear in the centre, so that a few steps are exact.
    """
    centre = float(offsets.mean())
    for _step in range(STEPS):
        tangents = (offsets - centre) / depths
        low, high = int(tangents.argmin()), int(tangents.argmax())
        step = (tangents[low] + tangents[high]) / (1.0 / depths[low] + 1.0 / depths[high])
        centre += float(step)
        if abs(step) <= 1e-12 * abs(depths[low]):
            break
    return _Span(float(tangents[high] - tangents[low]), centre)


def frame_all_round(points: Array, elevation: float, fill: float, *, lens_mm: float = LENS_MM) -> Framing:
    """A camera at azimuth 0 that shows all of the product while it turns around the Z axis.

    The union of the silhouettes of all turns is the silhouette of the circles of its points.
    """
    radius = np.hypot(points[:, 0], points[:, 1])
    # Only the widest circle at each height matters; 256 heights are finer than a pixel.
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
    return frame(hull, Angle(name="turntable", azimuth=0.0, elevation=elevation), fill=fill, lens_mm=lens_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle of whole pixels; (0, 0) is the upper left corner, right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


def seen_box(points: Array, framing: Framing, size: Size, margin: int) -> Box:
    """The pixels covered by the bounds of ``points`` (n, 3) and a margin, limited to the picture."""
    local = (points - framing.matrix[:3, 3]) @ framing.matrix[:3, :3]
    depth = np.ones(len(local)) if framing.ortho_scale else -local[:, 2]
    if depth.min() <= framing.near:  # Points at or behind the camera could appear anywhere.
        return Box(left=0, top=0, right=size.width, bottom=size.height)
    pixels = max(size) / 2.0 / framing.half
    shift_x, shift_y = (share * max(size) for share in framing.shift)
    across = local[:, 0] / depth * pixels - shift_x + size.width / 2.0
    down = size.height / 2.0 - local[:, 1] / depth * pixels + shift_y
    left, right = math.floor(across.min()) - margin, math.ceil(across.max()) + margin
    top, bottom = math.floor(down.min()) - margin, math.ceil(down.max()) + margin
    return Box(
        left=min(max(left, 0), size.width - 1),
        top=min(max(top, 0), size.height - 1),
        right=max(min(right, size.width), 1),
        bottom=max(min(bottom, size.height), 1),
    )


def focus_on(points: Array, framing: Framing) -> float:
    """The distance of the nearest surface in the middle of the picture, from vertices (n, 3)."""
    local = (points - framing.matrix[:3, 3]) @ framing.matrix[:3, :3]
    depth = -local[:, 2]
    reach = framing.half * FOCUS_PART * (1.0 if framing.ortho_scale else depth)
    central = depth[(np.abs(local[:, :2]).max(axis=1) <= reach) & (depth > 0.0)]
    return float(np.quantile(central if len(central) else depth, FOCUS_QUANTILE))


def turned(framing: Framing, degrees: float) -> Framing:
    """The camera rotated counter-clockwise around the Z axis."""
    matrix = np.eye(4)
    matrix[:3, :3] = camera_axes(degrees, 0.0)[:, (0, 2, 1)] * (1.0, -1.0, 1.0)
    return replace(framing, matrix=matrix @ framing.matrix)


def ground_points(framing: Framing, width: int, height: int) -> Array:
    """Where the ray of every pixel meets the ground z=0: (height, width, 2), row 0 on top.

    NaN for rays above the horizon.
    """
    pixel = framing.half * 2.0 / max(width, height)
    shift_x, shift_y = (share * framing.half * 2.0 for share in framing.shift)
    x = (np.arange(width) + 0.5 - width / 2.0) * pixel + shift_x
    y = (height / 2.0 - np.arange(height) - 0.5) * pixel + shift_y
    axes, position = framing.matrix[:3, :3], framing.matrix[:3, 3]
    across, up = np.meshgrid(x, y)
    ahead = np.full((height, width), -1.0)
    if framing.ortho_scale:  # The rays are parallel and start at different places.
        position = position + np.stack((across, up, ahead * 0.0), axis=-1) @ axes.T
        rays = np.stack((across * 0.0, across * 0.0, ahead), axis=-1) @ axes.T
    else:
        rays = np.stack((across, up, ahead), axis=-1) @ axes.T
    with np.errstate(divide="ignore", invalid="ignore"):
        travel = np.where(rays[..., 2] < -1e-6, -position[..., 2] / rays[..., 2], np.nan)
    places: Array = position[..., :2] + rays[..., :2] * travel[..., None]
    return places
