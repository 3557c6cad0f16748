# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds which points lie on, or close to, which triangles, with numpy and a grid of several sizes of cells."""

from dataclasses import dataclass

import numpy as np

from .mesh_checks import Doubles, Flags, Numbers

LEVELS = 8  # The finest grid has 256 cells along each side.
MAX_PAIRS = 2_000_000  # Of a point and a triangle that are compared at once.
PARALLEL = 0.966  # Cosine of 15 degrees.
INSIDE = (
    1e-6  # Minimum weight of each corner for a point inside a triangle: not on the edge to its neighbour.
)


@dataclass(frozen=True, slots=True)
class Triangles:
    """Triangles in the world: corners (t, 3, 3), and unit normals of their front (t, 3)."""

    corners: Doubles
    normals: Doubles


@dataclass(frozen=True, slots=True)
class Hits:
    """Points that lie on triangles: the number of each point and of its triangle (n,), and the height of the point above
    the front of the triangle (n,)."""

    point: Numbers
    triangle: Numbers
    height: Doubles


def find_hits(places: Doubles, own: Numbers, triangles: Triangles, reach: float) -> Hits:
    """The triangles of which the ``places`` (n, 3) are at most ``reach`` above or below, by parallel surfaces.

    ``own`` (n,) is the triangle on which each place is; it is left out.
    """
    empty = np.empty(0, dtype=np.int64)
    if not len(places) or not len(triangles.corners):
        return Hits(empty, empty, np.empty(0))
    low, high = triangles.corners.min(axis=1) - reach, triangles.corners.max(axis=1) + reach
    origin = places.min(axis=0)
    size = float(np.ptp(places, axis=0).max()) * (1.0 + 1e-9) or 1.0
    ends = origin + size
    near = np.ones(len(low), dtype=bool)
    for axis in range(3):
        near &= (high[:, axis] >= origin[axis]) & (low[:, axis] <= ends[axis])
    spans = np.maximum((high - low).max(axis=1) / size, 2.0**-LEVELS)
    level = np.clip(np.floor(-np.log2(spans)), 0, LEVELS).astype(np.int64)
    found: list[Hits] = []
    for cells in range(LEVELS + 1):
        chosen = np.flatnonzero(near & (level == cells))
        if len(chosen):
            found += _at_level(places, own, triangles, chosen, low, high, origin, size / 2**cells, reach)
    if not found:
        return Hits(empty, empty, np.empty(0))
    return Hits(*(np.concatenate([getattr(hits, name) for hits in found]) for name in Hits.__slots__))


def _at_level(
    places: Doubles,
    own: Numbers,
    triangles: Triangles,
    chosen: Numbers,
    low: Doubles,
    high: Doubles,
    origin: Doubles,
    side: float,
    reach: float,
) -> list[Hits]:
    """The hits of the ``chosen`` triangles, none of which is larger than a cell, whose sides are ``side``."""
    cells = np.floor((places - origin) / side).astype(np.int64)
    keys = _keys(cells)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    highest = cells.max(axis=0)  # Triangles may reach beyond the points.
    first = np.clip(np.floor((low[chosen] - origin) / side).astype(np.int64), 0, highest)
    last = np.clip(np.floor((high[chosen] - origin) / side).astype(np.int64), 0, highest)
    found = []
    for corner in range(8):
        step = np.array([(corner >> axis) & 1 for axis in range(3)])
        cell = first + step
        valid = (cell[:, 0] <= last[:, 0]) & (cell[:, 1] <= last[:, 1]) & (cell[:, 2] <= last[:, 2])
        wanted = _keys(cell[valid])
        begin, end = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
        some = end > begin
        begin, counts, mine = begin[some], (end - begin)[some], chosen[valid][some]
        for part in _portions(counts):
            number = np.repeat(mine[part], counts[part])
            offset = np.arange(len(number)) - np.repeat(np.cumsum(counts[part]) - counts[part], counts[part])
            point = order[np.repeat(begin[part], counts[part]) + offset]
            point, number = _in_boxes(places, own, low, high, point, number)
            found.append(_on_triangles(places, own, triangles, point, number, reach))
    return found


def _in_boxes(
    places: Doubles, own: Numbers, low: Doubles, high: Doubles, point: Numbers, number: Numbers
) -> tuple[Numbers, Numbers]:
    """Those pairs whose point is in the box of the triangle, and not on the triangle itself. Axis by axis: most drop out
    at the first one."""
    for axis in range(3):
        value = places[point, axis]
        keep = (value >= low[number, axis]) & (value <= high[number, axis])
        point, number = point[keep], number[keep]
    other = own[point] != number
    return point[other], number[other]


def _portions(counts: Numbers) -> list[slice]:
    """Slices of ``counts`` whose sums are about MAX_PAIRS at most."""
    if not len(counts):
        return []
    marks = np.cumsum(counts) // MAX_PAIRS
    starts = np.flatnonzero(np.diff(marks, prepend=-1))
    return [
        slice(int(start), int(stop)) for start, stop in zip(starts, [*starts[1:], len(counts)], strict=True)
    ]


def _keys(cells: Numbers) -> Numbers:
    keys: Numbers = (cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2]
    return keys


def _on_triangles(
    places: Doubles, own: Numbers, triangles: Triangles, point: Numbers, number: Numbers, reach: float
) -> Hits:
    """Those pairs of a point and a triangle that are parallel, close, and not beside each other."""
    normals = triangles.normals[number]
    start = triangles.corners[number, 0]
    height = np.einsum("ij,ij->i", places[point] - start, normals)
    close = np.abs(height) <= reach
    close &= np.abs(np.einsum("ij,ij->i", triangles.normals[own[point]], normals)) >= PARALLEL
    point, number, height = point[close], number[close], height[close]
    inside = _is_inside(places[point], triangles.corners[number])
    return Hits(point[inside], number[inside], height[inside])


def _is_inside(places: Doubles, corners: Doubles) -> Flags:
    """Which places (n, 3) are above or below the inside of triangles with ``corners`` (n, 3, 3): (n,)."""
    along, across = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    arm = places - corners[:, 0]
    aa, ab, bb = (np.einsum("ij,ij->i", x, y) for x, y in ((along, along), (along, across), (across, across)))
    pa, pb = np.einsum("ij,ij->i", arm, along), np.einsum("ij,ij->i", arm, across)
    area = np.maximum(aa * bb - ab * ab, 1e-300)
    u, v = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    inside: Flags = (u > INSIDE) & (v > INSIDE) & (u + v < 1.0 - INSIDE)
    return inside
