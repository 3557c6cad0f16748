# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the layers that a ray passes through, with numpy: a million triangles take a few seconds."""

from collections.abc import Iterable

import numpy as np

from .mesh_checks import Doubles, Numbers

# The three axes and the four diagonals of a cube.
DIRECTIONS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1))
RAYS = 24  # Along each side of the square that contains all triangles as seen in a direction.
AT_ONCE = 2_000_000  # Pairs of a triangle and a ray that are tested together, to limit the memory.


def most_layers(triangles: Doubles) -> int:
    """The largest number of triangles that one ray passes through: ``triangles`` are corners, (t, 3, 3).

    Parallel rays in several directions sample it, so the true maximum may be a little larger.
    """
    finite = triangles[np.isfinite(triangles).all(axis=(1, 2))]
    if not len(finite):
        return 0
    corners = [np.ascontiguousarray(finite[:, corner]) for corner in range(3)]
    return max(_layers_along(corners, np.array(direction, dtype=np.float64)) for direction in DIRECTIONS)


def _layers_along(corners: list[Doubles], direction: Doubles) -> int:
    """The largest number of triangles on a ray along ``direction``; ``corners`` are three arrays (t, 3)."""
    plane = _plane_across(direction)
    places = [corner @ plane for corner in corners]
    low, high = np.minimum(places[0], places[1]), np.maximum(places[0], places[1])
    low, high = np.minimum(low, places[2]), np.maximum(high, places[2])
    start, side = low.min(axis=0), float((high.max(axis=0) - low.min(axis=0)).max())
    if side <= 0.0:
        return 0
    # Rays pass at whole numbers. The shift keeps them off the edges of shapes that are symmetrical.
    scale, shift = RAYS / side, start / side * RAYS + (0.4871, 0.5223)
    first = np.ceil(low * scale - shift).clip(0.0)
    spans = (np.floor(high * scale - shift).clip(max=RAYS - 1.0) - first + 1.0).clip(0.0).astype(np.int64)
    pairs = spans[:, 0] * spans[:, 1]
    counts = np.zeros(RAYS * RAYS, dtype=np.int64)
    for chosen in _portions(pairs):
        near = np.stack([place[chosen] * scale - shift for place in places], axis=1)
        counts += _hits(near, first[chosen].astype(np.int64), spans[chosen])
    return int(counts.max())


def _plane_across(direction: Doubles) -> Doubles:
    """Two unit vectors across ``direction`` and each other, as columns (3, 2)."""
    unit = direction / np.linalg.norm(direction)
    aside = np.cross(unit, np.eye(3)[int(np.abs(unit).argmin())])
    aside /= np.linalg.norm(aside)
    return np.stack((aside, np.cross(unit, aside)), axis=1)


def _portions(pairs: Numbers) -> Iterable[Numbers]:
    """The triangles that have any ``pairs`` (t,), in portions of about AT_ONCE pairs."""
    chosen = np.flatnonzero(pairs)
    if not len(chosen):
        return []
    ends = np.cumsum(pairs[chosen])
    return np.split(chosen, np.flatnonzero(np.diff(ends // AT_ONCE)) + 1)


def _hits(places: Doubles, first: Numbers, spans: Numbers) -> Numbers:
    """How many triangles each ray hits, (RAYS * RAYS,).

    ``places`` (t, 3, 2) are corners; the rays to test start at ``first`` (t, 2), ``spans`` (t, 2) of them.
    """
    pairs = spans.prod(axis=1)
    which = np.repeat(np.arange(len(pairs)), pairs)
    step = np.arange(len(which)) - np.repeat(pairs.cumsum() - pairs, pairs)
    across = spans[which, 0]
    rays = first[which] + np.stack((step % across, step // across), axis=1)
    sides = []
    for corner in range(3):
        start, end = places[which, corner], places[which, (corner + 1) % 3]
        along, to_ray = end - start, rays - start
        sides.append(along[:, 0] * to_ray[:, 1] - along[:, 1] * to_ray[:, 0])
    turns = np.stack(sides)
    is_inside = (turns > 0.0).all(axis=0) | (turns < 0.0).all(axis=0)
    hit = rays[is_inside]
    return np.bincount(hit[:, 1] * RAYS + hit[:, 0], minlength=RAYS * RAYS)
