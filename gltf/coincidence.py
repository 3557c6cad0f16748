# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds surfaces that lie exactly on others, such as a label on a box or a can, and how far to lift which of them.

Renderers show such surfaces as noise. Points are spread over all parts that are near others; where points of a part lie on
another, every face of that part is looked at. Viewers draw what is later in the file on top, so the smaller or later
surface is lifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .mesh_checks import Doubles, Flags, Numbers, Shape
from .point_search import Hits, Triangles, find_hits
from .sampling import corner_weights, spread_evenly

# Lengths are in longest sides of the product.
# Of a surface above the one that it lies on. Cycles separates labels on a box and on a can from 5e-7 on.
LIFT = 4e-6
SAME = 2e-6  # Surfaces at most this far apart are at the same place.
LYING = 0.4  # Minimum share of the points of a face near a surface that are on it; the surface may have two sides.
CURVED = 5e-3  # Maximum depth to which the facets of a label cut into those of a round wall.
ON_CORNERS = 0.15  # Corners of such a label are at most this share of that depth below the wall.
COVERED = 0.5  # Minimum share of such a label that is on the wall.
ROUGHLY = 0.4  # Factor of that share for a first look at a few points.
SPARE = 1.2  # The depth is measured at points only.
POINTS, POINTS_OF_A_PART = 3_000, 16
MAX_POINTS, FEWEST = 60_000, 4  # On the faces that are looked at one by one, and on each of them.
MANY = 20_000  # Triangles of a part that is not compared with itself.
MAX_PARTS = 4_000  # The largest ones; smaller ones are crumbs.
COPIES = 8  # Copies of a mesh that are looked at.
# On each face: near the corners, in the middle, and, where there are few faces, at the sides and all over.
NEAR_CORNERS = np.array(((0.98, 0.01, 0.01), (0.01, 0.98, 0.01), (0.01, 0.01, 0.98)))
ON_FACE = np.concatenate(
    (
        NEAR_CORNERS,
        ((0.34, 0.33, 0.33), (0.49, 0.49, 0.02), (0.02, 0.49, 0.49), (0.49, 0.02, 0.49)),
        corner_weights(np.arange(6)),
    )
)


class Body(Protocol):
    """A mesh and its places; arrays have one entry for each triangle, (t,)."""

    @property
    def shape(self) -> Shape: ...
    @property
    def matrices(self) -> list[Doubles]: ...
    @property
    def material(self) -> NDArray[np.int32]: ...
    @property
    def doubled(self) -> Flags: ...


@dataclass(slots=True)
class Lift:
    """The faces of a copy of a body that lie on another.

    ``body`` and ``on`` are numbers of bodies, ``copy`` and ``on_copy`` of their matrices. ``faces`` are numbers of
    triangles and ``moves`` how far to move each, (n, 3), in the coordinates of the mesh. ``is_back`` tells that both face
    away from each other and are seen from their front only, as the two sides of a card.
    """

    body: int
    copy: int
    on: int
    on_copy: int
    faces: Numbers
    moves: Doubles
    is_back: bool


@dataclass(slots=True)
class _Scene:
    """All triangles that may coincide, in the world, (t,) each. A surface is one part in one material."""

    triangles: Triangles
    areas: Doubles
    body: Numbers
    copy: Numbers
    face: Numbers
    is_closed: Flags
    looks_back: Flags  # Not culled: both sides are seen.
    surface: Numbers
    surface_areas: Doubles
    kin: Numbers  # The same for the triangles of a surface that has no faces at the same place.
    weights: Doubles  # How many of the points a triangle deserves.

    def is_above(self, one: Numbers, other: Numbers) -> Flags:
        """Which triangles ``one`` (n,) are to be lifted above ``other`` (n,)."""
        mine, theirs = self.surface[one], self.surface[other]
        areas, others = self.surface_areas[mine], self.surface_areas[theirs]
        is_equal = np.abs(areas - others) <= 1e-4 * others
        later = np.where(mine == theirs, one > other, mine > theirs)
        above: Flags = np.where(is_equal, later, areas < others)
        return above


def find_lifts(
    bodies: Sequence[Body], culled: Sequence[Flags], gone: Sequence[Flags], size: float
) -> list[Lift]:
    """What to lift. ``culled`` are the triangles that are seen from their front only, ``gone`` those that are left out."""
    scene = _scene_of(bodies, culled, gone, size)
    if scene is None:
        return []
    chosen, weights = spread_evenly(scene.weights, int(scene.weights.sum()))
    places = np.einsum("nc,nca->na", weights, scene.triangles.corners[chosen])
    own = np.flatnonzero(np.isin(scene.surface, _doubtful(scene, places, chosen, size)))
    if not len(own):
        return []
    count = max(FEWEST, min(len(ON_FACE), MAX_POINTS // len(own)))
    own = own[np.argsort(-scene.areas[own], kind="stable")][: 4 * MAX_POINTS // FEWEST]
    chosen = np.repeat(own, count)
    places = np.einsum("ac,ncb->nab", ON_FACE[:count], scene.triangles.corners[own]).reshape(-1, 3)
    hits = find_hits(places, chosen, scene.triangles, scene.kin, CURVED * size)
    hits = _usable(scene, _without_crossings(scene, hits, chosen, size), chosen, size)
    is_corner = np.tile(np.arange(count) < len(NEAR_CORNERS), len(own))
    return _lifts(scene, bodies, hits, chosen, is_corner, size)


def _doubtful(scene: _Scene, places: Doubles, own: Numbers, size: float) -> Numbers:
    """The surfaces that may lie on others, by a few ``places`` (n, 3) on the triangles ``own`` (n,)."""
    hits = find_hits(places, own, scene.triangles, scene.kin, SAME * size)
    flush = scene.surface[own[_usable(scene, hits, own, size).point]]
    # Only open surfaces are labels that cut into round walls.
    is_open = ~scene.is_closed[own]
    places, own = places[is_open], own[is_open]
    hits = find_hits(places, own, scene.triangles, scene.surface, CURVED * size)
    hits = _usable(scene, hits, own, size)
    pairs = np.stack((scene.surface[own[hits.point]], scene.surface[hits.triangle]), axis=1)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    points = np.bincount(scene.surface[own], minlength=len(scene.surface_areas))
    is_covered = counts >= ROUGHLY * COVERED * points[distinct[:, 0]]
    doubtful: Numbers = np.unique(np.concatenate((flush, distinct[is_covered, 0])))
    return doubtful


def _scene_of(
    bodies: Sequence[Body], culled: Sequence[Flags], gone: Sequence[Flags], size: float
) -> _Scene | None:
    """The triangles of all parts that may coincide with something; None without any."""
    copies = [(n, copy) for n, body in enumerate(bodies) for copy in range(len(body.matrices[:COPIES]))]
    if not copies:
        return None
    boxes = [bodies[number].shape.placed_boxes(bodies[number].matrices[copy]) for number, copy in copies]
    low, high = (np.concatenate([box[end] for box in boxes]) for end in (0, 1))
    touching = _touching(low, high, SAME * size)
    ends = np.cumsum([len(box[0]) for box in boxes])
    pieces: list[_Piece] = []
    surfaces = 0
    for (number, copy), wanted in zip(copies, np.split(touching, ends[:-1]), strict=True):
        body, shape = bodies[number], bodies[number].shape
        wanted = wanted | ~_is_simple(shape)
        wanted[shape.group[body.doubled]] = True
        face = np.flatnonzero(wanted[shape.group] & ~shape.flat & ~gone[number])
        if len(face):
            pieces.append(_piece_of(body, number, copy, face, ~culled[number][face], surfaces))
            surfaces = int(pieces[-1].surface.max()) + 1
    if not pieces:
        return None
    corners, normals, areas, of_body, of_copy, face, closed, both, surface = (
        np.concatenate(columns) for columns in zip(*(piece.columns() for piece in pieces), strict=True)
    )
    total = np.asarray(np.bincount(surface, areas), dtype=np.float64)
    share = POINTS_OF_A_PART / np.maximum(total, 1e-300)[surface] + POINTS / max(float(total.sum()), 1e-300)
    kin = np.where(closed, surface, len(total) + np.arange(len(surface)))
    triangles = Triangles(corners, normals)
    return _Scene(triangles, areas, of_body, of_copy, face, closed, both, surface, total, kin, areas * share)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some triangles of one copy of a body; as in ``_Scene``."""

    corners: Doubles
    normals: Doubles
    areas: Doubles
    body: int
    copy: int
    face: Numbers
    is_closed: Flags
    looks_back: Flags
    surface: Numbers

    def columns(self) -> tuple[NDArray[Any], ...]:
        body, copy = (np.full(len(self.face), number) for number in (self.body, self.copy))
        own = self.face, self.is_closed, self.looks_back, self.surface
        return self.corners, self.normals, self.areas, body, copy, *own


def _piece_of(body: Body, number: int, copy: int, face: Numbers, looks_back: Flags, surfaces: int) -> _Piece:
    """The triangles ``face`` of a copy of a body, number ``number``; its surfaces are counted from ``surfaces``."""
    shape = body.shape
    linear, place = body.matrices[copy][:3, :3], body.matrices[copy][:3, 3]
    corners = (shape.points @ linear.T + place)[shape.corners[face]]
    # Cross products of transformed sides are those of the sides times the cofactors. glTF swaps front and back in mirrors.
    cofactors = np.stack([np.cross(linear[:, axis - 2], linear[:, axis - 1]) for axis in range(3)])
    normals = shape.crosses[face] @ (cofactors if np.linalg.det(linear) >= 0.0 else -cofactors)
    lengths = np.sqrt(np.einsum("ij,ij->i", normals, normals))
    normals /= np.maximum(lengths, 1e-300)[:, None]
    key = shape.group[face] * (int(body.material.max()) + 1) + body.material[face]
    _names, surface = np.unique(key, return_inverse=True)
    closed = (shape.is_closed & (shape.twisted_edges == 0))[shape.group[face]]
    areas = lengths / 2.0
    return _Piece(
        corners, normals, areas, number, copy, face, closed, looks_back, surface.reshape(-1) + surfaces
    )


def _is_simple(shape: Shape) -> Flags:
    """Which parts have no faces at the same place, because they are sound solids or have too many faces to tell."""
    sound = shape.is_closed & (shape.twisted_edges == 0)
    simple: Flags = sound | (shape.part_triangles > MANY)
    return simple


def _touching(low: Doubles, high: Doubles, gap: float) -> Flags:
    """Which boxes touch another, (n,); only the largest MAX_PARTS are compared."""
    touching = np.zeros(len(low), dtype=bool)
    largest = np.argsort(-(high - low).max(axis=1), kind="stable")[:MAX_PARTS]
    low, high = low[largest] - gap, high[largest] + gap
    for start in range(0, len(low), 256):
        mine = slice(start, start + 256)
        meets = (low[mine, None] <= high[None]).all(axis=2) & (high[mine, None] >= low[None]).all(axis=2)
        touching[largest[mine]] = meets.sum(axis=1) > 1  # Each meets itself.
    return touching


def _usable(scene: _Scene, hits: Hits, own: Numbers, size: float) -> Hits:
    """The hits of surfaces that would be lifted and that can be seen."""
    mine, theirs = own[hits.point], hits.triangle
    normals = scene.triangles.normals
    agree = np.einsum("ij,ij->i", normals[mine], normals[theirs]) > 0.0
    # Solids that touch hide their contact.
    keep = scene.is_above(mine, theirs) & (agree | ~(scene.is_closed[mine] & scene.is_closed[theirs]))
    is_same = np.abs(hits.height) <= SAME * size
    keep &= is_same | (agree & ~scene.is_closed[mine] & (scene.surface[mine] != scene.surface[theirs]))
    return Hits(hits.point[keep], hits.triangle[keep], hits.height[keep])


def _without_crossings(scene: _Scene, hits: Hits, own: Numbers, size: float) -> Hits:
    """The hits without those at the same place where faces only cross a surface at a small angle."""
    is_same = np.abs(hits.height) <= SAME * size
    keys = own[hits.point] * len(scene.surface_areas) + scene.surface[hits.triangle]
    _keys, pair = np.unique(keys, return_inverse=True)
    pair = pair.reshape(-1)
    share = np.asarray(np.bincount(pair, is_same), dtype=np.float64) / np.maximum(np.bincount(pair), 1)
    keep = ~is_same | (share >= LYING)[pair]
    return Hits(hits.point[keep], hits.triangle[keep], hits.height[keep])


def _lifts(
    scene: _Scene, bodies: Sequence[Body], hits: Hits, own: Numbers, is_corner: Flags, size: float
) -> list[Lift]:
    """A lift for each pair of surfaces, the lowest surfaces first."""
    mine, theirs = own[hits.point], hits.triangle
    pairs = np.stack((scene.surface[mine], scene.surface[theirs]), axis=1)
    distinct, inverse = np.unique(pairs, axis=0, return_inverse=True)
    points = np.bincount(scene.surface[own], minlength=len(scene.surface_areas))
    levels: dict[int, int] = {}  # Of surfaces that are lifted above lifted ones.
    found: list[Lift] = []
    for number in np.lexsort((distinct[:, 0], -scene.surface_areas[distinct[:, 0]])):
        surface, wall = (int(value) for value in distinct[number])
        rows = np.flatnonzero(inverse.reshape(-1) == number)
        depth = _depth_in_round_wall(hits, rows, is_corner, int(points[surface]), size)
        same = rows[np.abs(hits.height[rows]) <= SAME * size]
        if depth:
            faces = np.flatnonzero(scene.surface == surface)
            toward = scene.triangles.normals[faces]
        elif len(same):
            faces, first = np.unique(mine[same], return_index=True)
            toward = _direction(scene, faces, theirs[same][first])
        else:
            continue
        level = 1 + levels.get(wall, 0)
        levels[surface] = max(level, levels.get(surface, 0))
        moves = toward * (SPARE * depth + level * LIFT * size)
        found.append(_lift(scene, bodies, faces, int(theirs[rows[0]]), moves))
    return found


def _depth_in_round_wall(hits: Hits, rows: Numbers, is_corner: Flags, points: int, size: float) -> float:
    """How deep the facets of a label are inside of a round wall on which its corners lie; 0 for anything else.

    ``rows`` are the hits of one surface on another, ``points`` the number of points on it.
    """
    height = hits.height[rows]
    depth = -float(height.min())
    corners = height[is_corner[hits.point[rows]]]
    covered = len(np.unique(hits.point[rows])) / points
    if depth <= SAME * size or covered < COVERED or not len(corners):
        return 0.0
    on_wall = float(np.mean(corners >= -(ON_CORNERS * depth + SAME * size)))
    return depth if on_wall > 0.9 else 0.0


def _direction(scene: _Scene, faces: Numbers, walls: Numbers) -> Doubles:
    """Unit vectors, (n, 3), along which ``faces`` are lifted above ``walls``: to the side from which they are seen."""
    fronts, outside = scene.triangles.normals[faces], scene.triangles.normals[walls]
    is_wrong = (
        (np.einsum("ij,ij->i", fronts, outside) < 0.0) & scene.looks_back[faces] & scene.is_closed[walls]
    )
    return np.where(is_wrong[:, None], -fronts, fronts)


def _lift(scene: _Scene, bodies: Sequence[Body], faces: Numbers, wall: int, moves: Doubles) -> Lift:
    body, copy = int(scene.body[faces[0]]), int(scene.copy[faces[0]])
    inverse = np.linalg.pinv(bodies[body].matrices[copy][:3, :3])
    return Lift(
        body=body,
        copy=copy,
        on=int(scene.body[wall]),
        on_copy=int(scene.copy[wall]),
        faces=scene.face[faces],
        moves=moves @ inverse.T,
        is_back=bool(scene.triangles.normals[faces[0]] @ scene.triangles.normals[wall] < 0.0)
        and not bool(scene.looks_back[faces].any() or scene.looks_back[wall]),
    )
