# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what came with a 3D model and is not the product: a floor, a backdrop, a sky dome, crumbs.

Image-to-3D models make floors and crumbs; downloads bring backdrops and domes. Everything here is judged by shape and
place, so the limits are chosen to spare what products have: base plates, rugs, table tops, trays, stands.
World space, z up.
"""

from collections.abc import Sequence

import numpy as np

from .choices import Surrounding
from .crumbs import find_crumbs
from .mesh_checks import Doubles, Flags, cross, dot
from .pieces import Pieces, Placed, spread_points

FLAT = 0.05  # The maximum thickness of a floor or wall, as a share of its longest side.
SHEET = 0.001  # Up to this it has no thickness: products do not have such plates.
THIN = 0.10  # The maximum thickness, as a share of the product's height above it: trays are thicker.
NARROW = 0.2  # The minimum share of its shorter side in its longer one.
BODY = 0.05  # The minimum share of the product's smallest side in its longest: less is a label on a sheet.
SMALLER = (
    0.65  # The product's longest side as a share of the whole: above it a plate may belong to the product.
)
SMALLER_ON_SHEET = 0.85
SMALLER_IN_COVE = 0.5
SMALLER_IN_DOME = 0.6
SMALLER_IN_BALL = 0.35
SUNK = 0.05  # Of the product's height: how deep it may be in the floor.
WIDE = 3.0  # A thin plate so many times wider than the product in both directions is a floor below a tall product, too.
INWARD = 0.9  # The minimum share of a dome's area that faces inwards.
ROUND = 0.06  # The maximum variation of the radius of a dome that faces outwards.
SMALL_SHARE = 0.005  # The share of the product's area in small pieces, which do not decide how large it is,
LOOSE_SHARE = 0.03  # and in those that do not decide where it stands: there may be crumbs below a floor.
DISC = 1.13  # The side of the square around a disc, in square roots of its area.
MAX_TILES = 1000  # Of a floor, in which a hole is looked for.
LEVEL = 0.95  # The cosine to the vertical from which a face is level,
FILLED = 0.7  # and the minimum area of such faces around a product, in areas of a floor of its own piece.
FEW = 5_000  # Points that are enough to tell that most products have no such floor.
ROUNDS = 4  # A floor may consist of several layers.

Found = dict[Surrounding, Flags]


def find_surroundings(pieces: Pieces) -> Found:
    """Which pieces are surroundings, (n,) for each kind that there is."""
    found: Found = {}
    if not len(pieces):
        return found
    product = np.ones(len(pieces), dtype=bool)
    for _round in range(ROUNDS):
        hit = next(
            (
                (kind, chosen)
                for kind, search in (
                    (Surrounding.DOME, _dome),
                    (Surrounding.FLOOR, _floor),
                    (Surrounding.BACKDROP, _backdrop),
                )
                if (chosen := search(pieces, product)).any()
            ),
            None,
        )
        if hit is None:
            break
        kind, chosen = hit
        found[kind] = found.get(kind, np.zeros(len(pieces), dtype=bool)) | chosen
        product &= ~chosen
    if (crumbs := find_crumbs(pieces, product)).any():
        found[Surrounding.CRUMBS] = crumbs
    return found


def _main(pieces: Pieces, rest: Flags, share: float = SMALL_SHARE) -> Flags:
    """``rest`` without its smallest pieces, which have up to ``share`` of its area."""
    main = rest.copy()
    order = np.flatnonzero(rest)[np.argsort(pieces.areas[rest], kind="stable")]
    main[order[np.cumsum(pieces.areas[order]) <= share * pieces.areas[rest].sum()]] = False
    return main


def _largest(pieces: Pieces, product: Flags) -> Flags:
    """The pieces of the product that are as long as all of it, and not of glass."""
    sides = (pieces.high - pieces.low).max(axis=1)
    low, high = pieces.box(product)
    largest: Flags = product & ~pieces.is_clear & (sides >= 0.9 * (high - low).max())
    return largest


def _none(pieces: Pieces) -> Flags:
    return np.zeros(len(pieces), dtype=bool)


# --- floors and walls ---------------------------------------------------------------------------


def _floor(pieces: Pieces, product: Flags) -> Flags:
    """The pieces of a flat part below everything else."""
    return _plate(pieces, product, axis=2, is_above=False)


def _backdrop(pieces: Pieces, product: Flags) -> Flags:
    """A wall on one side of everything else, or a sheet that is the floor and a wall."""
    for axis, is_above in ((1, True), (0, False), (0, True), (1, False)):
        if (wall := _plate(pieces, product, axis=axis, is_above=is_above)).any():
            return wall
    for piece in np.flatnonzero(_largest(pieces, product) & pieces.is_open):
        if _is_cove(pieces, product, int(piece)):
            cove = _none(pieces)
            cove[piece] = True
            return cove
    return _none(pieces)


def _plate(pieces: Pieces, product: Flags, *, axis: int, is_above: bool) -> Flags:
    """The pieces of a plate across ``axis``, at the lower or upper end of the product along it."""
    others = [other for other in range(3) if other != axis]
    sides = pieces.high - pieces.low
    widest = sides[:, others].max(axis=1)
    flat = product & (sides[:, axis] <= FLAT * widest)
    if not flat.any():
        return _none(pieces)
    outer = pieces.high[:, axis] if is_above else -pieces.low[:, axis]
    area = np.where(flat, sides[:, others].prod(axis=1), -1.0)
    seed = int(area.argmax())
    step = SHEET * widest[seed]
    plate = product & (pieces.low[:, axis] >= pieces.low[seed, axis] - step)
    plate &= pieces.high[:, axis] <= pieces.high[seed, axis] + step
    rest = product & ~plate
    if not rest.any():
        return _none(pieces)
    low, high = pieces.box(_main(pieces, rest, LOOSE_SHARE))
    inner = pieces.low[plate, axis].min() if is_above else pieces.high[plate, axis].max()
    gap = inner - high[axis] if is_above else low[axis] - inner
    sunk = SUNK * (high - low)[axis] + step
    if outer[seed] < (high[axis] if is_above else -low[axis]) - sunk or gap < -sunk:
        return _none(pieces)
    if not _is_large(pieces, plate, _main(pieces, rest), axis):
        return _none(pieces)
    return plate if _is_whole(pieces, plate, (low + high) / 2.0, axis, is_above) else _none(pieces)


def _is_whole(pieces: Pieces, plate: Flags, middle: Doubles, axis: int, is_above: bool) -> bool:
    """Does a plate have no hole where the product is? The brim of a hat has one."""
    triangles = np.concatenate([pieces.triangles(int(piece)) for piece in np.flatnonzero(plate)[:MAX_TILES]])
    ray = np.full(3, 0.01)  # Not along the edges of tiles that meet below the middle.
    ray[axis] = 1.0 if is_above else -1.0
    return _meets(triangles, middle, ray)


def _is_large(pieces: Pieces, plate: Flags, main: Flags, axis: int) -> bool:
    """Is a plate at one end of the product more than a base that belongs to it?"""
    others = [other for other in range(3) if other != axis]
    (low, high), (plate_low, plate_high) = pieces.box(main), pieces.box(plate)
    body, sides = high - low, plate_high - plate_low
    thickness, wide, across = sides[axis], sides[others], body[others]
    middle = (low + high)[others] / 2.0
    if wide.min() <= NARROW * wide.max() or (middle < plate_low[others]).any():
        return False
    if (middle > plate_high[others]).any() or body.min() < BODY * body.max():
        return False
    if thickness > THIN * body[axis]:
        return False
    # The box around a plate that is turned is larger than the plate.
    area = pieces.areas[plate].sum() / (1.0 if thickness <= SHEET * wide.max() else 2.0)
    wide = wide * min(1.0, DISC * float(np.sqrt(area / wide.prod())))
    share = body.max() / max(body.max(), wide.max(), np.ptp((low, high, plate_low, plate_high), axis=0)[axis])
    if thickness <= SHEET * wide.max():
        return bool(share <= SMALLER_ON_SHEET)
    is_wide = thickness <= 0.5 * FLAT * wide.max() and (wide >= WIDE * across).all()
    return bool(share <= (SMALLER_ON_SHEET if is_wide else SMALLER))


def _is_cove(pieces: Pieces, product: Flags, piece: int) -> bool:
    """Is the sheet below the product and on some of its sides, without touching it elsewhere?"""
    main, share = _inside(pieces, product, piece)
    if main is None or share > SMALLER_IN_COVE:
        return False
    low, high = pieces.box(main)
    triangles = pieces.triangles(piece)
    places = triangles.reshape(-1, 3)
    margin = SUNK * (high - low)
    if ((places > low + margin) & (places < high - margin)).all(axis=1).any():
        return False
    up, down, around = _hits(triangles, (low + high) / 2.0)
    return down and not up and 1 <= around <= 5


def fused_floor(placed: Sequence[Placed]) -> float | None:
    """How long the product is compared to the whole, if it grows out of a flat part below it; None if it does not.

    Such a floor belongs to the product's own piece, so that nothing can be left out.
    """
    found = [_fused_floor(one) for one in placed]
    return min((share for share in found if share is not None), default=None)


def _fused_floor(placed: Placed) -> float | None:
    shape, world = placed.shape, placed.world
    if _is_large_above_floor(world):
        return None
    part = int(shape.part_areas.argmax())
    triangles = world[shape.corners[shape.group == part]]
    points = triangles.reshape(-1, 3)
    low, high = points.min(axis=0), points.max(axis=0)
    above = _above_floor(points, low, high)
    if above is None:
        return None
    body_low, body_high, share = above
    slab = triangles[(triangles[:, :, 2] <= body_low[2]).all(axis=1)]
    is_floor = _is_flat_around(slab, body_low, body_high, float((high - low)[:2].prod()))
    middle = (body_low + body_high) / 2.0
    return share if is_floor and _meets(slab, middle, (0.01, 0.02, -1.0)) else None


def _is_large_above_floor(world: Doubles) -> bool:
    """Is what is above a floor large even when only some of the points (n, 3) are looked at? So it is for most products."""
    low, high = world.min(axis=0), world.max(axis=0)
    few = world[np.random.default_rng(0).integers(0, len(world), min(FEW, len(world)))]
    above = few[few[:, 2] > low[2] + FLAT * (high - low)[:2].max()]
    return bool(len(above)) and float(np.ptp(above, axis=0).max()) > SMALLER * float((high - low).max())


def _above_floor(points: Doubles, low: Doubles, high: Doubles) -> tuple[Doubles, Doubles, float] | None:
    """The box around those ``points`` (n, 3) that are above a floor, and how long it is compared to the whole.

    The whole is between ``low`` and ``high``. None where that is not much less, so that there is no floor.
    """
    wide = (high - low)[:2]
    top = low[2] + FLAT * wide.max()
    above = points[points[:, 2] > top]
    if not np.isfinite((low, high)).all() or not len(above) or wide.min() <= NARROW * wide.max():
        return None
    body_low, body_high = above.min(axis=0), above.max(axis=0)
    body_low[2] = top  # Its sides may have no vertex between the floor and its upper end.
    body = body_high - body_low
    share = float(body.max() / max(body.max(), (high - low).max()))
    return None if share > SMALLER or body.min() < BODY * body.max() else (body_low, body_high, share)


def _is_flat_around(slab: Doubles, low: Doubles, high: Doubles, area: float) -> bool:
    """Do the triangles ``slab`` (t, 3, 3) fill most of an ``area`` around the box from ``low`` to ``high``, horizontally?"""
    crosses = cross(slab[:, 1] - slab[:, 0], slab[:, 2] - slab[:, 0]) / 2.0
    areas = np.sqrt(dot(crosses, crosses))
    middles = slab[:, :, :2].mean(axis=1)
    is_outside = ((middles < low[:2]) | (middles > high[:2])).any(axis=1)
    is_level = np.abs(crosses[:, 2]) >= LEVEL * areas
    level = float(areas[is_outside & is_level].sum())
    # Both sides of it count, and it may be a disc.
    return level >= FILLED * (area - float((high - low)[:2].prod())) and level >= 0.8 * float(
        areas[is_outside].sum()
    )


# --- domes --------------------------------------------------------------------------------------


def _dome(pieces: Pieces, product: Flags) -> Flags:
    """A shell around everything else that is meant to be seen from inside."""
    dome = _none(pieces)
    sides = pieces.high - pieces.low
    flat = sides[:, 2] <= FLAT * sides.max(axis=1)  # A dome may have a floor as large as itself.
    for piece in np.flatnonzero(_largest(pieces, product)):
        main, share = _inside(pieces, product & ~flat, int(piece))
        if main is None or share > SMALLER_IN_DOME:
            continue
        low, high = pieces.box(main)
        if _is_dome(pieces, int(piece), (low + high) / 2.0, share):
            dome[piece] = True
    return dome


def _is_dome(pieces: Pieces, piece: int, middle: Doubles, share: float) -> bool:
    triangles = pieces.triangles(piece)
    up, _down, around = _hits(triangles, middle)
    if not up or around < 8:
        return False
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    outwards = np.einsum("ij,ij->i", normals, triangles.mean(axis=1) - middle)
    areas = np.linalg.norm(normals, axis=1)
    if areas[outwards < 0.0].sum() >= INWARD * areas.sum():
        return True
    low, high = pieces.low[piece], pieces.high[piece]
    places, _triangle = spread_points(triangles, float((high - low).max()) / 20.0)
    radius = np.linalg.norm(places - (low + high) / 2.0, axis=1)
    is_round = float(radius.std()) <= ROUND * float(radius.mean())
    return share <= SMALLER_IN_BALL and is_round


def _inside(pieces: Pieces, product: Flags, piece: int) -> tuple[Flags | None, float]:
    """What is inside the box of a piece, when that is everything else, and how large it is compared to the piece."""
    rest = product.copy()
    rest[piece] = False
    if not rest.any():
        return None, 1.0
    main = _main(pieces, rest)
    low, high = pieces.box(main)
    sides = pieces.high[piece] - pieces.low[piece]
    margin = SUNK * (high - low).max()
    is_inside = (low >= pieces.low[piece] - margin).all() and (high <= pieces.high[piece] + margin).all()
    return (main if is_inside else None), float((high - low).max() / max(sides.max(), 1e-30))


def _hits(triangles: Doubles, place: Doubles) -> tuple[bool, bool, int]:
    """Do rays from ``place`` meet the triangles: upwards, downwards, and in how many of eight horizontal directions?"""
    turns = np.arange(8) * np.pi / 4.0 + 0.1  # Not along edges of the usual boxes.
    level = np.stack((np.cos(turns), np.sin(turns), np.full(8, 0.05)), axis=1)
    up, down, *around = (
        _meets(triangles, place, ray) for ray in ((0.01, 0.02, 1.0), (0.01, 0.02, -1.0), *level)
    )
    return up, down, sum(around)


def _meets(triangles: Doubles, place: Doubles, ray: Doubles | tuple[float, ...]) -> bool:
    """Does a ray meet any triangle (Möller and Trumbore 1997)?"""
    first = triangles[:, 0]
    along, across = triangles[:, 1] - first, triangles[:, 2] - first
    sideways = np.cross(np.asarray(ray), across)
    scale = np.einsum("ij,ij->i", along, sideways)
    with np.errstate(all="ignore"):
        away = place - first
        u = np.einsum("ij,ij->i", away, sideways) / scale
        turned = np.cross(away, along)
        v = turned @ np.asarray(ray) / scale
        distance = np.einsum("ij,ij->i", across, turned) / scale
        return bool(((u >= 0.0) & (v >= 0.0) & (u + v <= 1.0) & (distance > 0.0)).any())
