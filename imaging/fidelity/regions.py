# SPDX-License-Identifier: GPL-3.0-or-later
"""Places that are wrong, as polygons with words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .report import Region

Array = NDArray[Any]

MAX_REGIONS = 8
WORDS = {
    "missing": "part missing",
    "unexplained": "something added or changed",
    "changed": "part changed",
    "colour": "different color",
    "print": "print missing or changed",
    "outside": "something sticks out",
}
_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "center", "right")


def find_regions(severity: Array, kinds: Array, names: tuple[str, ...], cover: Array) -> list[Region]:
    """The connected places where ``severity`` (h, w), in units of the tolerance, is above 1; the worst first.

    ``kinds``: index into ``names`` at each place. ``cover``: bool, the product.
    """
    found = []
    solid = max(1, int(cover.sum()))
    for cells in components(severity > 1.0):
        rows, columns = cells.T
        values = severity[rows, columns]
        kind = names[int(np.bincount(kinds[rows, columns], weights=values, minlength=len(names)).argmax())]
        found.append(
            Region(
                kind=kind,
                words=f"{WORDS[kind]}, {place_of(rows.mean() + 0.5, columns.mean() + 0.5, cover)}",
                severity=float(values.max()),
                area=len(cells) / solid,
                polygon=_outline(rows, columns, severity.shape),
            )
        )
    found.sort(key=lambda region: -region.severity * (0.2 + region.area) ** 0.5)
    return found[:MAX_REGIONS]


def components(plane: Array) -> list[Array]:
    """The connected parts of a bool plane, each as places (n, 2); cells that touch at a corner are connected."""
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(plane), strict=True)}
    parts = []
    while left:
        waiting, part = [left.pop()], []
        while waiting:
            row, column = waiting.pop()
            part.append((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            waiting += near
        parts.append(np.array(part))
    return parts


def place_of(row: float, column: float, cover: Array) -> str:
    """A place in words, in the box of the product: "upper left", "center"."""
    rows, columns = np.nonzero(cover)
    if not len(rows):
        return "center"
    down = (row - rows.min()) / max(1, rows.max() + 1 - rows.min())
    across = (column - columns.min()) / max(1, columns.max() + 1 - columns.min())
    first, second = (min(2, max(0, int(share * 3))) for share in (down, across))
    if first == 1 and second == 1:
        return "center"
    if first == 1:
        return _COLUMNS[second]
    return f"{_ROWS[first]} {_COLUMNS[second]}"


def _outline(rows: Array, columns: Array, shape: tuple[int, ...]) -> tuple[tuple[float, float], ...]:
    """The outer border of connected cells, in shares of width and height, clockwise.

    A convex hull would contain places beside a thin or bent region in which nothing is wrong.
    """
    ways = _border(set(zip(rows.tolist(), columns.tolist(), strict=True)))
    place = start = min(ways)
    way = ways[start][0]
    corners = [start]
    while True:
        place = (place[0] + way[0], place[1] + way[1])
        if place == start:
            break
        # Cells that touch at a corner belong together: of two ways, the one to the left goes around both.
        onwards = next(one for one in (_left(way), way, _right(way)) if one in ways[place])
        if onwards != way:
            corners.append(place)
        way = onwards
    return tuple((round(column / shape[1], 4), round(row / shape[0], 4)) for row, column in corners)


def _border(cells: set[tuple[int, int]]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """The ways along the border from each corner (row, column), with the cells on their right."""
    ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in cells:
        for beside, corner, way in (
            ((row - 1, column), (row, column), (0, 1)),
            ((row, column + 1), (row, column + 1), (1, 0)),
            ((row + 1, column), (row + 1, column + 1), (0, -1)),
            ((row, column - 1), (row + 1, column), (-1, 0)),
        ):
            if beside not in cells:
                ways.setdefault(corner, []).append(way)
    return ways


def _left(way: tuple[int, int]) -> tuple[int, int]:
    return -way[1], way[0]


def _right(way: tuple[int, int]) -> tuple[int, int]:
    return way[1], -way[0]
