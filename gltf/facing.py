# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which faces of one-sided materials a camera does not see from behind, and which are merely wound wrong.

glTF 2.0, 3.9.6: with ``doubleSided`` false, back faces are culled. The direction of a part is judged as a whole: a shell
that faces inwards may be intended (an outline, a room, a sky) or a mistake, and what is inside of it tells which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from .mesh_checks import Doubles, Flags, Numbers, Shape
from .sampling import spread_evenly

INWARDS = 0.2  # Open parts with at least this outwardness enclose a space; flat sheets have about 0.
MIXED = 0.01  # Edges of opposite winding per triangle above which the winding of a part says nothing.
CONTENT = 0.05  # Minimum area inside of a shell, in areas of the shell, that makes the shell intended.
TOUCH = 0.01  # Tolerance of boxes that contain others, in longest sides of the outer one.
WALL = 0.5  # Minimum diagonal of a wall, in diagonals of the product.
ROOM = 0.1  # Minimum depth of what is in front of a wall, in diagonals of the product.
FLOOR = 0.7  # A sheet whose normal is at least this steep is a floor, which blocks light.
CELLS = 48  # Of a picture along each side, in which it is counted what hides behind what.
POINTS = 8_000
LOST = 0.5  # The share of a mesh that may be missing from every view.
MAX_PARTS = 2_000  # Of one mesh that are compared with all others.
COPIES = 8  # Copies of a mesh that are looked at.


class Body(Protocol):
    """A mesh and the places where it is; arrays have one entry for each triangle, (t,)."""

    @property
    def shape(self) -> Shape: ...
    @property
    def matrices(self) -> list[Doubles]: ...
    @property
    def one_sided(self) -> Flags: ...
    @property
    def see_through(self) -> Flags: ...
    @property
    def flips(self) -> Flags: ...


@dataclass(slots=True)
class Facing:
    """What becomes of the triangles of a body, (t,) each.

    ``turned``: wound the wrong way, to be reversed. ``culled``: not seen from behind. ``shell``: those of ``culled`` that
    surround other parts, and would keep the light from them. ``shown``: face away from all cameras, so that both sides
    are shown.
    """

    turned: Flags
    culled: Flags
    shell: Flags
    shown: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.shown = np.zeros_like(self.culled)


@dataclass(slots=True)
class _Parts:
    """The parts of one body, or of all: flags and areas (parts,), and boxes in the world, (parts, 3).

    ``inward`` parts have a one-sided material.
    """

    outward: Flags
    inward: Flags
    mixed: Flags
    low: Doubles
    high: Doubles
    areas: Doubles

    def largest(self, chosen: Flags) -> Numbers:
        """The numbers of the chosen parts; of very many, the largest."""
        numbers = np.flatnonzero(chosen)
        return numbers[np.argsort(-self.areas[numbers], kind="stable")][:MAX_PARTS]


def judge(bodies: Sequence[Body], cameras: Sequence[Doubles]) -> list[Facing]:
    """The facing of each body. ``cameras``: right, up and backward unit vectors as columns, (3, 3), of the usual views."""
    facings = [_nothing(body) for body in bodies]
    if not any(_in_question(body).any() for body in bodies):
        return facings
    parts = [_parts_of(body) for body in bodies]
    whole = _Parts(*(np.concatenate([getattr(own, name) for own in parts]) for name in _Parts.__slots__))
    for body, own, facing in zip(bodies, parts, facings, strict=True):
        chosen = _in_question(body)
        if not chosen.any():
            continue
        group = body.shape.group
        intended = own.inward & _surrounds_others(own, whole)
        inner = own.inward & _is_within_a_wall(own, whole)
        turned = own.inward & ~intended & ~inner
        facing.turned = chosen & turned[group]
        facing.culled = chosen & ~(own.mixed | inner)[group]
        walls = intended | _walls(body, own, whole)
        facing.shell = facing.culled & walls[group]
        # The inside of a cup that is one sheet thick belongs to the product: a hole would show its shadow on the table.
        vessel = own.outward | turned
        facing.culled &= ~(vessel[group] & ~body.see_through)
    _keep_visible(bodies, facings, cameras)
    return facings


def _nothing(body: Body) -> Facing:
    none = np.zeros(len(body.shape.corners), dtype=bool)
    return Facing(turned=none, culled=none.copy(), shell=none.copy())


def _in_question(body: Body) -> Flags:
    """Triangles of one-sided materials whose back faces might be seen: not those of sound, opaque solids."""
    shape = body.shape
    sound = shape.is_closed & (shape.twisted_edges == 0) & (shape.volumes > 0.0)
    chosen: Flags = body.one_sided & ~(sound[shape.group] & ~body.see_through)
    return chosen


def outwardness(shape: Shape, flips: Flags) -> Doubles:
    """How much each part faces away from its own middle, (parts,): 1 for a ball, 0 for a plane, -1 for a ball inside out.

    ``flips`` are triangles (t,) that count as wound the other way.
    """
    middles = shape.points[shape.corners].mean(axis=1)
    weights = np.where(shape.flat, 0.0, shape.areas)
    total = np.maximum(_sums(shape, weights), 1e-300)
    centres = np.stack([_sums(shape, middles[:, axis] * weights) for axis in range(3)], axis=1)
    arms = middles - (centres / total[:, None])[shape.group]
    along = np.einsum("ij,ij->i", arms, shape.crosses) * np.where(flips, -0.5, 0.5)
    reach = np.linalg.norm(arms, axis=1) * weights
    outward: Doubles = _sums(shape, np.nan_to_num(along)) / np.maximum(_sums(shape, reach), 1e-300)
    return outward


def _sums(shape: Shape, values: Doubles) -> Doubles:
    return np.asarray(np.bincount(shape.group, values, shape.parts), dtype=np.float64)


def _parts_of(body: Body) -> _Parts:
    shape = body.shape
    flipped = _sums(shape, body.flips.astype(float)) > 0.0
    measure = outwardness(shape, body.flips)
    threshold = np.where(shape.border_edges == 0, 0.0, INWARDS)
    # After a repair by the normals, neighbours no longer have opposite winding.
    mixed = (shape.twisted_edges > MIXED * shape.part_triangles) & ~flipped
    low, high = shape.placed_boxes(body.matrices[0])
    return _Parts(
        outward=(measure > threshold) & ~mixed,
        inward=(measure < -threshold) & ~mixed & (_sums(shape, body.one_sided.astype(float)) > 0.0),
        mixed=mixed,
        low=low,
        high=high,
        areas=shape.part_areas * abs(np.linalg.det(body.matrices[0][:3, :3])) ** (2.0 / 3.0),
    )


def _surrounds_others(own: _Parts, whole: _Parts) -> Flags:
    """Which inward parts contain parts that a look through them would show: (parts,)."""
    surrounds = np.zeros_like(own.inward)
    for part in own.largest(own.inward):
        low, high = own.low[part], own.high[part]
        gap = TOUCH * float((high - low).max())
        within = (whole.low >= low - gap).all(axis=1) & (whole.high <= high + gap).all(axis=1) & ~whole.inward
        # The bottom of a cup may be a separate part; it lies flat against the box.
        within &= (whole.high > low + gap).all(axis=1) & (whole.low < high - gap).all(axis=1)
        surrounds[part] = float(whole.areas[within].sum()) > CONTENT * own.areas[part]
    return surrounds


def _is_within_a_wall(own: _Parts, whole: _Parts) -> Flags:
    """Which inward parts are in the box of an outward one, as the inner side of its wall: (parts,)."""
    within = np.zeros_like(own.inward)
    for part in own.largest(own.inward):
        around = whole.outward & (whole.areas >= own.areas[part])
        around &= (whole.low <= own.low[part]).all(axis=1) & (whole.high >= own.high[part]).all(axis=1)
        within[part] = around.any()
    return within


def _walls(body: Body, own: _Parts, whole: _Parts) -> Flags:
    """Which parts are large, flat, upright sheets with everything else in front of them: (parts,)."""
    shape, matrix = body.shape, body.matrices[0]
    low, high = whole.low, whole.high
    diagonal = float(np.linalg.norm(high.max(axis=0) - low.min(axis=0)))
    signs = np.where(body.flips, -1.0, 1.0)[:, None]
    normals = np.stack([_sums(shape, (shape.crosses * signs)[:, axis]) for axis in range(3)], axis=1)
    normals = normals @ np.linalg.pinv(
        matrix[:3, :3]
    )  # Also where it mirrors: glTF then swaps front and back.
    lengths = np.linalg.norm(normals, axis=1)
    is_wall: Flags = ~own.outward & ~own.inward & ~own.mixed & (shape.border_edges > 0) & (lengths > 0.0)
    is_wall &= np.linalg.norm(own.high - own.low, axis=1) > WALL * diagonal
    if len(low) < 2:
        is_wall[:] = False
    middle = (own.low + own.high) / 2.0
    for part in np.flatnonzero(is_wall):  # They are large, so that there are few of them.
        normal = normals[part] / lengths[part]
        nearest = np.where(normal > 0.0, low, high) @ normal  # The corner of each box that is furthest back.
        plane = middle[part] @ normal
        furthest = (np.where(normal > 0.0, high, low) @ normal).max()
        is_wall[part] = (
            normal[2] < FLOOR
            and nearest.min() >= plane - TOUCH * diagonal
            and furthest >= plane + ROOM * diagonal
        )
    return is_wall


# --- what would vanish --------------------------------------------------------------------------


@dataclass(slots=True)
class _Cloud:
    """Points on one body in the world: places (n, 3), normals (n, 3), which of them are culled from behind (n,)."""

    places: Doubles
    normals: Doubles
    culled: Flags


def _keep_visible(bodies: Sequence[Body], facings: Sequence[Facing], cameras: Sequence[Doubles]) -> None:
    """Show both sides of what no camera would see, and behind which there is nothing else."""
    doubtful = [number for number, facing in enumerate(facings) if (facing.culled & ~facing.shell).any()]
    if not doubtful:
        return
    points = max(POINTS // len(bodies), 64)
    clouds = [_cloud(body, facing, points) for body, facing in zip(bodies, facings, strict=True)]
    whole = np.concatenate([cloud.places for cloud in clouds])
    if not len(whole):  # Nothing has an area: one vertex is so far away that all faces are needles.
        return
    low, size = whole.min(axis=0), float(np.ptp(whole, axis=0).max()) or 1.0
    fewest = np.ones(len(bodies))
    for axes in cameras:
        for number, share in zip(doubtful, _lost(clouds, doubtful, low, size, axes), strict=True):
            fewest[number] = min(fewest[number], share)
    for number in doubtful:
        if fewest[number] > LOST:
            facing = facings[number]
            facing.shown = facing.culled & ~facing.shell
            facing.culled = facing.culled & facing.shell


def _lost(
    clouds: Sequence[_Cloud], doubtful: Sequence[int], low: Doubles, size: float, axes: Doubles
) -> list[float]:
    """The share of each doubtful cloud that is culled and has nothing else in front of it or behind it."""
    seen = np.zeros((2 * CELLS + 3, 2 * CELLS + 3), dtype=bool)
    cells, hidden = [], []
    for cloud in clouds:
        place = ((cloud.places - low) / size @ axes[:, :2] * (CELLS / 1.8) + CELLS + 1).astype(np.int64)
        behind = cloud.culled & (cloud.normals @ axes[:, 2] <= 1e-3)
        seen[place[~behind, 0], place[~behind, 1]] = True
        cells.append(place)
        hidden.append(behind)
    around = np.zeros_like(seen)
    side = len(seen) - 2
    for across in range(3):  # Points are sparse: the neighbours of their cells count as seen too.
        for up in range(3):
            around[1:-1, 1:-1] |= seen[across : across + side, up : up + side]
    shares = []
    for number in doubtful:
        lost = hidden[number] & ~around[cells[number][:, 0], cells[number][:, 1]]
        shares.append(float(lost.mean()) if len(lost) else 0.0)
    return shares


def _cloud(body: Body, facing: Facing, count: int) -> _Cloud:
    shape = body.shape
    areas = np.where(np.isfinite(shape.crosses).all(axis=1), shape.areas, 0.0)
    chosen, weights = spread_evenly(areas, max(count // min(len(body.matrices), COPIES), 16))
    local = np.einsum("nc,nca->na", weights, shape.points[shape.corners[chosen]])
    flips = body.flips[chosen] ^ facing.turned[chosen]
    normals = shape.crosses[chosen] * np.where(flips, -1.0, 1.0)[:, None]
    places, turned = [], []
    for matrix in body.matrices[:COPIES]:
        linear = matrix[:3, :3]
        places.append(local @ linear.T + matrix[:3, 3])
        world = normals @ np.linalg.pinv(linear)
        turned.append(world / np.maximum(np.linalg.norm(world, axis=1), 1e-300)[:, None])
    return _Cloud(np.concatenate(places), np.concatenate(turned), np.tile(facing.culled[chosen], len(places)))
