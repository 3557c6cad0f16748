# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures triangle meshes and finds defects, with numpy: a million triangles take about a second.

Files split a vertex where its normal or its UV changes, so vertices at the same place are merged first.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# A triangle is flat when twice its area is below this share of its longest side squared: float32 coordinates cannot tell
# it from a straight line.
FLAT = 1e-6
GRID = 1_000_000  # Steps along the longest side on which places are the same; float32 has about 8 million.
OPPOSED = -0.2  # Cosine between a face and its own normals: clearly turned away, not only bent.
MAX_COORDINATE_M = (
    1e9  # Models of the whole earth reach 1e7; larger numbers overflow the floats of the renderer.
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One mesh as triangles.

    ``corners`` (t, 3) are indices into ``points`` (v, 3). A part is a set of connected triangles; ``group`` (t,) is the
    part of each triangle and ``parts`` the number of parts. ``areas`` (t,) are in the units of ``points`` squared.
    """

    points: Doubles
    corners: Numbers
    crosses: Doubles
    areas: Doubles
    flat: Flags
    group: Numbers
    part_of: Numbers  # (v,); meaningless for points without a triangle.
    parts: int
    border_edges: Numbers  # (parts,): edges with one face, with more than two, with two of opposite winding.
    crowded_edges: Numbers
    twisted_edges: Numbers
    volumes: Doubles

    @property
    def is_closed(self) -> Flags:
        """Which parts enclose a space without holes: (parts,)."""
        is_closed: Flags = (self.border_edges == 0) & (self.crowded_edges == 0)
        return is_closed

    @property
    def part_areas(self) -> Doubles:
        """The area of each part, (parts,)."""
        return _sums(self.group, self.areas, self.parts)

    @property
    def part_triangles(self) -> Numbers:
        """The number of triangles of each part, (parts,)."""
        return np.bincount(self.group, minlength=self.parts)

    def part_boxes(self) -> tuple[Doubles, Doubles]:
        """The minimum and maximum corner of each part, (parts, 3) each."""
        used = np.zeros(len(self.points), dtype=bool)
        used[self.corners.ravel()] = True
        order = np.flatnonzero(used)
        order = order[np.argsort(self.part_of[order], kind="stable")]
        starts = np.searchsorted(self.part_of[order], np.arange(self.parts))
        places = self.points[order]
        return np.minimum.reduceat(places, starts), np.maximum.reduceat(places, starts)

    def placed_boxes(self, matrix: Doubles) -> tuple[Doubles, Doubles]:
        """The minimum and maximum corner of each part, (parts, 3) each, where the 4x4 ``matrix`` puts its box."""
        low, high = self.part_boxes()
        ends = np.array([[(index >> axis) & 1 for axis in range(3)] for index in range(8)], dtype=bool)
        corners = np.where(ends[None], high[:, None], low[:, None]) @ matrix[:3, :3].T + matrix[:3, 3]
        return corners.min(axis=1), corners.max(axis=1)


def is_far(places: Floats | Doubles) -> Flags:
    """Which places (n, 3), in metres, are not finite or too far away to be rendered: (n,)."""
    is_near: Flags = (np.abs(places) <= MAX_COORDINATE_M).all(axis=1)
    return ~is_near


def welded(points: Floats) -> tuple[Doubles, Numbers]:
    """The distinct places (v, 3) of ``points`` (n, 3), and the index of the place of each point (n,).

    Places are equal when they fall into the same cell of a grid of ``GRID`` steps along the longest side. The grid is
    aligned to the origin, because both ends of a round outline differ there in the last bits. Points may be NaN.
    """
    if not len(points):
        return np.empty((0, 3)), np.empty(0, dtype=np.int64)
    exact = points.astype(np.float64)
    sound = np.isfinite(exact).all(axis=1)
    low, high = (exact[sound].min(axis=0), exact[sound].max(axis=0)) if sound.any() else (0.0, 0.0)
    step = float(np.max(high - low)) / GRID or 1.0
    cells = np.rint(np.where(sound[:, None], exact, low) / step)
    cells = (cells - cells.min(axis=0)).astype(np.int64)
    keys = (cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2]  # 21 bits each: GRID and one more fit.
    keys[~sound] = -1
    _keys, first, place = np.unique(keys, return_index=True, return_inverse=True)
    return exact[first], place.reshape(-1).astype(np.int64)


def shape_of(points: Floats, triangles: NDArray[np.int32]) -> Shape:
    """The shape of ``points`` (n, 3) and ``triangles`` (t, 3), which may come from a damaged file."""
    places, place = welded(points)
    corners = place[triangles].reshape(-1, 3)
    with np.errstate(invalid="ignore", over="ignore"):
        a, b, c = (places[corners[:, index]] for index in range(3))
        along, across = b - a, c - a
        crosses = cross(along, across)
        areas = 0.5 * np.sqrt(dot(crosses, crosses))
        longest = np.maximum(dot(along, along), dot(across, across))
        flat = ~(2.0 * areas > FLAT * longest)
    group, parts, part_of = components(corners, len(places))
    border, crowded, twisted = _edges(corners[~flat], part_of, parts)
    # The volume of a closed surface: the sum of the tetrahedra from any point to its faces (divergence theorem).
    sound = places[np.isfinite(places).all(axis=1)]
    middle = 0.5 * (sound.min(axis=0) + sound.max(axis=0)) if len(sound) else np.zeros(3)
    with np.errstate(invalid="ignore", over="ignore"):
        volumes = _sums(group, np.nan_to_num(dot(a - middle, crosses)) / 6.0, parts)
    return Shape(
        points=places,
        corners=corners,
        crosses=crosses,
        areas=np.nan_to_num(areas),
        flat=flat,
        group=group,
        part_of=part_of,
        parts=parts,
        border_edges=border,
        crowded_edges=crowded,
        twisted_edges=twisted,
        volumes=volumes,
    )


def _sums(group: Numbers, values: Doubles, parts: int) -> Doubles:
    """The sum of ``values`` (t,) over each part."""
    sums: Any = np.bincount(group, values, parts)  # The stubs say integers, as without weights.
    return np.asarray(sums, dtype=np.float64)


def cross(left: Doubles, right: Doubles) -> Doubles:
    """``np.cross`` for (n, 3), but several times faster."""
    (lx, ly, lz), (rx, ry, rz) = left.T, right.T
    return np.stack((ly * rz - lz * ry, lz * rx - lx * rz, lx * ry - ly * rx), axis=1)


def dot(left: Doubles, right: Doubles) -> Doubles:
    """The scalar products of rows, (n,), of two arrays (n, 3)."""
    products: Doubles = np.einsum("ij,ij->i", left, right)
    return products


def components(corners: Numbers, places: int) -> tuple[Numbers, int, Numbers]:
    """Connected components: the part of each triangle, the number of parts, and the part of each place.

    Label propagation with pointer jumping (Shiloach and Vishkin 1982): the number of rounds grows with the logarithm of
    the longest chain, and each round is a few passes over the edges.
    """
    label = np.arange(places, dtype=np.int32)
    small = corners.astype(np.int32)
    left = np.concatenate((small[:, 0], small[:, 1]))
    right = np.concatenate((small[:, 1], small[:, 2]))
    while len(left):
        one, other = label[left], label[right]
        is_open = one != other
        left, right, one, other = left[is_open], right[is_open], one[is_open], other[is_open]
        np.minimum.at(label, np.maximum(one, other), np.minimum(one, other))
        while True:
            jumped = label[label]
            if np.array_equal(jumped, label):
                break
            label = jumped
    numbers = np.zeros(places, dtype=np.int64)
    names = label[small[:, 0]]
    numbers[names] = 1
    parts = int(numbers.sum())
    numbers = np.cumsum(numbers) - 1
    return numbers[names], parts, numbers[label]


def _edges(sides: Numbers, part_of: Numbers, parts: int) -> tuple[Numbers, Numbers, Numbers]:
    """Per part: edges with one face, with more than two faces, and with two faces of opposite winding.

    ``sides`` are the corners of triangles (t, 3) that are not flat: two sides of a flat one coincide.
    """
    base = np.int64(len(part_of))
    starts, ends = sides.T.reshape(-1), np.roll(sides, -1, axis=1).T.reshape(-1)
    forwards = starts < ends
    keys = np.where(forwards, starts * base + ends, ends * base + starts)
    # The direction is the last bit, and the edge determines its part: sorting the keys is enough, no argsort.
    keys = np.sort(2 * keys + forwards)
    edges = keys >> 1
    begins = np.flatnonzero(np.diff(edges, prepend=-1))
    faces = np.diff(np.append(begins, len(keys)))
    ups = np.concatenate(([0], np.cumsum(keys & 1)))
    forward_faces = ups[begins + faces] - ups[begins]

    def per_part(chosen: Flags) -> Numbers:
        return np.bincount(part_of[edges[begins[chosen]] // base], minlength=parts).astype(np.int64)

    return per_part(faces == 1), per_part(faces > 2), per_part((faces == 2) & (forward_faces != 1))


def inside_out(shape: Shape) -> Flags:
    """Which parts are closed, wound inside out, and not the inner wall of another part: (parts,)."""
    wrong: Flags = shape.is_closed & (shape.twisted_edges == 0) & (shape.volumes < 0.0)
    if not wrong.any():
        return wrong
    low, high = shape.part_boxes()
    around = shape.is_closed & (shape.volumes > 0.0)
    for part in np.flatnonzero(wrong):
        holds = around & (shape.volumes >= -shape.volumes[part])
        holds &= (low <= low[part]).all(axis=1) & (high >= high[part]).all(axis=1)
        wrong[part] = not holds.any()
    return wrong


def opposed_faces(shape: Shape, corner_normals: Floats) -> Flags:
    """Which triangles have three shading normals, (t, 3, 3), that all point away from their front: (t,)."""
    lengths = 2.0 * shape.areas
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = shape.crosses / np.where(lengths > 0.0, lengths, 1.0)[:, None]
        against = np.einsum("tij,tj->ti", corner_normals.astype(np.float64), normals) < OPPOSED
    opposed: Flags = against.all(axis=1) & ~shape.flat
    return opposed


def doubled_faces(shape: Shape) -> Flags:
    """Which triangles coincide with an earlier one, with either winding: (t,)."""
    doubled = np.zeros(len(shape.corners), dtype=bool)
    if not len(shape.corners):
        return doubled
    real = np.flatnonzero(~shape.flat)
    ordered = np.sort(shape.corners[real], axis=1)
    keys = ordered[:, 0].astype(np.uint64)
    for axis in (1, 2):
        keys = keys * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(31)
        keys = keys + ordered[:, axis].astype(np.uint64)
    if not (np.diff(np.sort(keys)) == 0).any():  # The usual case; finding them takes longer.
        return doubled
    _keys, first = np.unique(keys, return_index=True)
    again = np.ones(len(real), dtype=bool)
    again[first] = False
    doubled[real[again]] = True
    return doubled


def uv_areas(uvs: Floats) -> Doubles:
    """Areas in UV space, (t,), of triangles with corners ``uvs`` (t, 3, 2); 0 for NaN."""
    first, second = (uvs[:, index].astype(np.float64) - uvs[:, 0] for index in (1, 2))
    areas: Doubles = np.nan_to_num(0.5 * np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]))
    return areas
