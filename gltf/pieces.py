# SPDX-License-Identifier: GPL-3.0-or-later
"""The loose pieces of a product in world space: each connected part of each object."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh_checks import Doubles, Flags, Numbers, Shape, cross, dot
from .sampling import corner_weights

MAX_ON_TRIANGLE = 30_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A mesh at one place. ``is_clear``: which triangles let light through, (t,)."""

    shape: Shape
    matrix: Doubles
    is_clear: Flags

    @property
    def world(self) -> Doubles:
        """The points of the mesh in world space, (v, 3)."""
        world: Doubles = self.shape.points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return world


@dataclass(frozen=True, slots=True)
class Pieces:
    """All pieces; arrays have one entry for each.

    ``low`` and ``high`` are the corners of the box around a piece, (n, 3). ``owner`` is the index of its mesh in ``placed``
    and ``part`` its part there. ``is_open``: has it edges with only one face? ``is_clear``: do most of its triangles let light through?
    """

    placed: Sequence[Placed]
    owner: Numbers
    part: Numbers
    low: Doubles
    high: Doubles
    areas: Doubles
    is_open: Flags
    is_clear: Flags

    def __len__(self) -> int:
        return len(self.owner)

    def triangles(self, piece: int) -> Doubles:
        """The corners of the triangles of a piece in world space, (t, 3, 3), wound as a viewer sees them."""
        placed = self.placed[self.owner[piece]]
        corners = placed.shape.corners[placed.shape.group == self.part[piece]]
        if np.linalg.det(placed.matrix[:3, :3]) < 0.0:
            corners = corners[:, ::-1]
        triangles: Doubles = placed.world[corners]
        return triangles

    def all_triangles(self) -> tuple[Doubles, Numbers]:
        """The corners of the triangles of all pieces in world space, (t, 3, 3), and the piece of each."""
        corners, numbers = [np.empty((0, 3, 3))], [np.empty(0, dtype=np.int64)]
        for owner, placed in enumerate(self.placed):
            piece_of = np.full(placed.shape.parts, -1)
            mine = np.flatnonzero(self.owner == owner)
            piece_of[self.part[mine]] = mine
            pieces = piece_of[placed.shape.group]
            corners.append(placed.world[placed.shape.corners[pieces >= 0]])
            numbers.append(pieces[pieces >= 0])
        return np.concatenate(corners), np.concatenate(numbers)

    def points(self, chosen: Flags) -> Doubles:
        """The corners of the triangles of the chosen pieces, (n, 3)."""
        triangles, pieces = self.all_triangles()
        points: Doubles = triangles[chosen[pieces]].reshape(-1, 3)
        return points

    def box(self, chosen: Flags) -> tuple[Doubles, Doubles]:
        """The box around the chosen pieces: its minimum and maximum corner."""
        return self.low[chosen].min(axis=0), self.high[chosen].max(axis=0)

    def count(self, chosen: Flags) -> int:
        """The number of triangles of the chosen pieces."""
        return sum(
            int(self.placed[owner].shape.part_triangles[part])
            for owner, part in zip(self.owner[chosen], self.part[chosen], strict=True)
        )


def pieces_of(placed: Sequence[Placed]) -> Pieces:
    """The pieces of meshes. Pieces with positions that are not finite are left out."""
    columns: list[list[NDArray[np.generic]]] = [[] for _column in range(7)]
    for number, one in enumerate(placed):
        shape = one.shape
        places = np.full((shape.parts, 3), np.inf), np.full((shape.parts, 3), -np.inf)
        world, used = one.world, np.zeros(len(shape.points), dtype=bool)
        used[shape.corners.ravel()] = True
        np.minimum.at(places[0], shape.part_of[used], world[used])
        np.maximum.at(places[1], shape.part_of[used], world[used])
        scale = abs(float(np.linalg.det(one.matrix[:3, :3]))) ** (2.0 / 3.0)
        count = np.maximum(shape.part_triangles, 1)
        values = (
            np.full(shape.parts, number),
            np.arange(shape.parts),
            *places,
            shape.part_areas * scale,
            shape.border_edges > 0,
            np.bincount(shape.group, one.is_clear, shape.parts) > 0.5 * count,
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    if not placed:
        nothing, corners, flags = np.empty(0, dtype=np.int64), np.empty((0, 3)), np.empty(0, dtype=bool)
        return Pieces((), nothing, nothing, corners, corners, np.empty(0), flags, flags)
    arrays = [np.concatenate(column) for column in columns]
    sound = np.isfinite(arrays[2]).all(axis=1) & np.isfinite(arrays[3]).all(axis=1)
    return Pieces(placed, *(array[sound] for array in arrays))


def spread_points(triangles: Doubles, spacing: float) -> tuple[Doubles, Numbers]:
    """Points spread evenly over triangles (t, 3, 3), about ``spacing`` apart, and the triangle of each.

    Every triangle has a point; those that are larger also have their corners.
    """
    first, second, third = (triangles[:, corner] for corner in range(3))
    crosses = cross(second - first, third - first)
    area = np.nan_to_num(np.sqrt(dot(crosses, crosses)) / 2.0, posinf=0.0)
    counts = np.clip(np.ceil(area / spacing**2), 1, MAX_ON_TRIANGLE).astype(int)
    which = np.repeat(np.arange(len(counts)), counts)
    weights = corner_weights(np.arange(len(which)) - np.repeat(counts.cumsum() - counts, counts))
    inside = sum(weights[:, [corner]] * triangles[which, corner] for corner in range(3))
    large = np.flatnonzero(counts > 1)
    return np.concatenate((inside, triangles[large].reshape(-1, 3))), np.concatenate((which, large.repeat(3)))
