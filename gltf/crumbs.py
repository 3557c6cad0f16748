# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds crumbs: many small pieces that touch nothing, as image-to-3D models leave them around a product."""

import itertools

import numpy as np

from .mesh_checks import Doubles, Flags, Numbers, components
from .pieces import Pieces, spread_points

MANY = 8  # Fewer loose pieces are more likely to belong to the product.
SMALL = 0.01  # The maximum area of a crumb, as a share of the product's.
ALL_SMALL = 0.25  # The maximum area of all of them: a product may consist of small pieces.
CELLS = 64  # Along the longest side of the product. Pieces in the same or in adjacent cells touch.
MAX_CELLS = 4_000  # On each side of the product; what is further away touches nothing of it.


def find_crumbs(pieces: Pieces, product: Flags) -> Flags:
    """Which of the ``product`` pieces are crumbs, (n,). Those inside something clear, such as a snow globe, are not."""
    crumbs = np.zeros(len(pieces), dtype=bool)
    small = _small(pieces, product)
    main = product & ~small
    if small.sum() < MANY or not main.any():
        return crumbs
    low, high = pieces.box(main)
    side = float((high - low).max())
    if side <= 0.0:
        return crumbs
    chosen = np.flatnonzero(product)
    group = _touching(pieces, chosen, low, side / CELLS)
    held = np.isin(group, group[main[chosen]])
    crumbs[chosen[~held]] = True
    for clear in np.flatnonzero(product & pieces.is_clear):
        inside = (pieces.low >= pieces.low[clear]).all(axis=1) & (pieces.high <= pieces.high[clear]).all(
            axis=1
        )
        crumbs &= ~inside
    are_crumbs = pieces.areas[crumbs].sum() <= ALL_SMALL * pieces.areas[product].sum()
    return crumbs if are_crumbs and crumbs.sum() >= MANY else np.zeros(len(pieces), dtype=bool)


def _small(pieces: Pieces, product: Flags) -> Flags:
    small: Flags = product & (pieces.areas <= SMALL * pieces.areas[product].sum())
    return small


def _touching(pieces: Pieces, chosen: Numbers, low: Doubles, cell: float) -> Numbers:
    """A number for each chosen piece that is the same for pieces that touch, directly or through others.

    ``low`` is a corner of the product, and ``cell`` the side of the cells.
    """
    triangles, of_triangle = pieces.all_triangles()
    number_of = np.full(len(pieces), -1)
    number_of[chosen] = np.arange(len(chosen))
    kept = number_of[of_triangle] >= 0
    places, triangle = spread_points(triangles[kept], cell / 2.0)
    piece = number_of[of_triangle[kept]][triangle]
    cells = np.floor((places - low) / cell).clip(-MAX_CELLS, MAX_CELLS).astype(np.int64)
    cells -= cells.min(axis=0) - 1
    spans = cells.max(axis=0) + 2
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    pairs = np.unique(
        keys * len(chosen) + piece
    )  # Of a cell and a piece; sorting numbers is faster than ``inverse``.
    cell_keys, piece = pairs // len(chosen), pairs % len(chosen)
    is_first = np.diff(cell_keys, prepend=-1) != 0
    keys, of_pair = cell_keys[is_first], np.cumsum(is_first) - 1
    links = [np.stack((piece, len(chosen) + of_pair), axis=1)]
    for x, y, z in itertools.product((0, 1), (-1, 0, 1), (-1, 0, 1)):
        step = (x * spans[1] + y) * spans[2] + z
        if step <= 0:
            continue  # The opposite step finds the same pairs.
        beside = np.minimum(np.searchsorted(keys, keys + step), len(keys) - 1)
        pairs = np.flatnonzero(keys[beside] == keys + step)
        links.append(len(chosen) + np.stack((pairs, beside[pairs]), axis=1))
    edges = np.concatenate(links)
    _group, _parts, of_place = components(edges[:, (0, 1, 1)], len(chosen) + len(keys))
    return of_place[: len(chosen)]
