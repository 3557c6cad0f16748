# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds which points lie on, or close to, which triangles, with numpy and a grid of several sizes of cells."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .mesh_checks import Doubles, Flags, Numbers

LEVELS = 10  # The finest grid has 1,024 cells along each side.
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


def find_hits(places: Doubles, own: Numbers, triangles: Triangles, kin: Numbers, reach: float) -> Hits:
    """The triangles of which the ``places`` (n, 3) are at most ``reach`` above or below, by parallel surfaces.

    ``own`` (n,) is the triangle on which each place is. Triangles of the same ``kin`` (t,) as that one are left out.
    """
    empty = np.empty(0, dtype=np.int64)
    if not len(places) or not len(triangles.corners):
        return Hits(empty, empty, np.empty(0))
    search = _search_among(places, own, triangles, kin, reach)
    spans = np.maximum((search.high - search.low).max(axis=1) / search.size, 2.0**-LEVELS)
    level = np.clip(np.floor(-np.log2(spans)), 0, LEVELS).astype(np.int64)
    level[~search.near()] = -1
    found = [hits for cells in range(LEVELS + 1) for hits in _at_level(search, level == cells, 2**cells)]
    if not found:
        return Hits(empty, empty, np.empty(0))
    return Hits(*(np.concatenate([getattr(hits, name) for hits in found]) for name in Hits.__slots__))


@dataclass(frozen=True, slots=True)
class _Search:
    """The arguments of ``find_hits``, the boxes around its triangles, and the cube of the grid."""

    places: Doubles
    own: Numbers
    triangles: Triangles
    kin: Numbers
    reach: float
    low: Doubles  # Of the boxes, which include the reach, (t, 3).
    high: Doubles
    origin: Doubles
    size: float

    def near(self) -> Flags:
        """Which triangles have a box that meets the cube, (t,)."""
        ends = self.origin + self.size
        near = np.ones(len(self.low), dtype=bool)
        for axis in range(3):
            near &= (self.high[:, axis] >= self.origin[axis]) & (self.low[:, axis] <= ends[axis])
        return near


def _search_among(places: Doubles, own: Numbers, triangles: Triangles, kin: Numbers, reach: float) -> _Search:
    first, second, third = (triangles.corners[:, corner] for corner in range(3))
    low = np.minimum(np.minimum(first, second), third) - reach
    high = np.maximum(np.maximum(first, second), third) + reach
    size = float(np.ptp(places, axis=0).max()) * (1.0 + 1e-9) or 1.0
    return _Search(places, own, triangles, kin, reach, low, high, places.min(axis=0), size)


def _at_level(search: _Search, is_chosen: Flags, count: int) -> Iterator[Hits]:
    """The hits of the chosen triangles (t,), none of which is larger than a cell of a grid of ``count`` along each side."""
    chosen = np.flatnonzero(is_chosen)
    if not len(chosen):
        return
    side = search.size / count
    cells = np.floor((search.places - search.origin) / side).astype(np.int64)
    first = np.floor((search.low[chosen] - search.origin) / side).astype(np.int64)
    keys = _keys(np.clip(first, 0, cells.max(axis=0)))  # Triangles may reach beyond the points.
    order = np.argsort(keys, kind="stable")
    keys, chosen = keys[order], chosen[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    keys, ends = keys[starts], np.append(starts[1:], len(keys))
    kin = search.kin[chosen]
    lowest, highest = np.minimum.reduceat(kin, starts), np.maximum.reduceat(kin, starts)
    for step in itertools.product((0, 1), repeat=3):  # A triangle reaches at most into the next cell.
        wanted = _keys(cells - step)
        cell = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        own = search.kin[search.own]
        some = np.flatnonzero((keys[cell] == wanted) & ((lowest[cell] != own) | (highest[cell] != own)))
        begin, counts = starts[cell[some]], (ends - starts)[cell[some]]
        for part in _portions(counts):
            point = np.repeat(some[part], counts[part])
            offset = np.arange(len(point)) - np.repeat(np.cumsum(counts[part]) - counts[part], counts[part])
            number = chosen[np.repeat(begin[part], counts[part]) + offset]
            yield _on_triangles(search, *_in_boxes(search, point, number))


def _in_boxes(search: _Search, point: Numbers, number: Numbers) -> tuple[Numbers, Numbers]:
    """Those pairs whose triangle is of another kin, and has the point in its box. Test by test: most drop out at the
    first ones."""
    other = search.kin[search.own[point]] != search.kin[number]
    point, number = point[other], number[other]
    for axis in range(3):
        value = search.places[point, axis]
        keep = (value >= search.low[number, axis]) & (value <= search.high[number, axis])
        point, number = point[keep], number[keep]
    return point, number


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
    """A number for each cell (n, 3), whose indices are at least -1."""
    x, y, z = (cells[:, axis] + 1 for axis in range(3))
    keys: Numbers = (x << 42) | (y << 21) | z
    return keys


def _on_triangles(search: _Search, point: Numbers, number: Numbers) -> Hits:
    """Those pairs of a point and a triangle that are parallel, close, and not beside each other."""
    triangles, places = search.triangles, search.places
    normals = triangles.normals[number]
    close = np.abs(np.einsum("ij,ij->i", triangles.normals[search.own[point]], normals)) >= PARALLEL
    point, number, normals = point[close], number[close], normals[close]
    height = np.einsum("ij,ij->i", places[point] - triangles.corners[number, 0], normals)
    close = np.abs(height) <= search.reach
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
