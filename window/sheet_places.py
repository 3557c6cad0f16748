# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a contact sheet has room: beside the product, on the side where nothing else is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import bpy
from mathutils import Vector

GAP = 0.1  # Between two pictures, as a share of their size.
COLUMNS = 5
MAX_MEASURED = 2000  # Objects whose bounds are read: enough to stay clear of an ordinary scene.
DEFAULT_SIZE, MIN_SIZE, MAX_SIZE = 1.0, 0.05, 100.0  # Of a picture, in meters.
MAX_STACKED = 100  # Sheets above each other.


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The lower left corner of an upright sheet, and the size of its pictures; meters."""

    left: float
    y: float
    low_z: float
    size: float


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box, in meters."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def meets(self, other: "Box") -> bool:
        """Whether two boxes have a part in common."""
        return all(
            low < end and start < high
            for low, high, start, end in zip(self.low, self.high, other.low, other.high, strict=True)
        )


def free_place(scene: bpy.types.Scene, count: int, pictures: Iterable[bpy.types.Object]) -> Place:
    """A place for ``count`` pictures beside the product, as large as it. ``pictures``: those of earlier sheets.

    The product is what is selected, or else all meshes of the scene. The right side is preferred, then the left one;
    where both are occupied, the sheet goes to the right of everything. It stands above earlier sheets of its side.
    """
    boxes = [_box_of(item) for item in _meshes(scene.objects)]
    if not boxes:
        sheets = [_picture_box(item) for item in pictures]
        return _stacked(0.0, 0.0, 0.0, DEFAULT_SIZE, count, sheets)
    product = around([_box_of(item) for item in _meshes(_selected(scene))] or boxes)
    everything = around(boxes)
    size = min(max(product.high[0] - product.low[0], product.high[2] - product.low[2], MIN_SIZE), MAX_SIZE)
    sheets = [_picture_box(item) for item in pictures]
    y, low = (product.low[1] + product.high[1]) / 2.0, product.low[2]
    sides = (product.high[0] + GAP * size, product.low[0] - GAP * size - _width(count, size))
    for left in sides:
        spot = _stacked(left, y, low, size, count, sheets)
        if not any(_sheet_box(spot, count).meets(box) for box in boxes):
            return spot
    return _stacked(everything.high[0] + GAP * size, y, low, size, count, sheets)


def place_at_cursor(scene: bpy.types.Scene) -> Place:
    """The 3D cursor as the lower left corner, with pictures as large as the product."""
    size = free_place(scene, 1, ()).size
    corner = scene.cursor.location
    return Place(left=corner.x, y=corner.y, low_z=corner.z, size=size)


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box around others."""
    lows, highs = [box.low for box in boxes], [box.high for box in boxes]
    return Box(
        (min(low[0] for low in lows), min(low[1] for low in lows), min(low[2] for low in lows)),
        (max(high[0] for high in highs), max(high[1] for high in highs), max(high[2] for high in highs)),
    )


def box_of_pictures(pictures: Iterable[bpy.types.Object]) -> Box:
    """The smallest box around the pictures of a sheet."""
    return around([_picture_box(item) for item in pictures])


def _stacked(left: float, y: float, low: float, size: float, count: int, sheets: Sequence[Box]) -> Place:
    """The lowest place at ``left`` that is above all sheets in its way."""
    spot = Place(left=left, y=y, low_z=low, size=size)
    for _time in range(MAX_STACKED):
        in_the_way = [box for box in sheets if _sheet_box(spot, count).meets(box)]
        if not in_the_way:
            break
        spot = Place(left=left, y=y, low_z=max(box.high[2] for box in in_the_way) + GAP * size, size=size)
    return spot


def _width(count: int, size: float) -> float:
    columns = min(max(1, count), COLUMNS)
    return columns * size + (columns - 1) * GAP * size


def _sheet_box(spot: Place, count: int) -> Box:
    rows = max(1, math.ceil(count / COLUMNS))
    height = rows * spot.size + (rows - 1) * GAP * spot.size
    thin = GAP * spot.size / 2.0
    return Box(
        (spot.left, spot.y - thin, spot.low_z),
        (spot.left + _width(count, spot.size), spot.y + thin, spot.low_z + height),
    )


def _picture_box(item: bpy.types.Object) -> Box:
    half = item.empty_display_size / 2.0
    middle = item.matrix_basis.translation  # New objects have no evaluated matrix yet.
    x, y, z = middle.x, middle.y, middle.z
    return Box((x - half, y - GAP * half, z - half), (x + half, y + GAP * half, z + half))


def _meshes(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    return [item for item in objects if item.type == "MESH" and not item.hide_viewport][:MAX_MEASURED]


def _selected(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    layer = scene.view_layers[0]
    return [item for item in scene.objects if item.select_get(view_layer=layer)]


def _box_of(item: bpy.types.Object) -> Box:
    corners = [item.matrix_world @ Vector(corner) for corner in item.bound_box]
    low = tuple(min(corner[axis] for corner in corners) for axis in range(3))
    high = tuple(max(corner[axis] for corner in corners) for axis in range(3))
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
