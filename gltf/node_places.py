# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrices of nodes, from their matrix or from translation, rotation and scale (glTF 2.0, 3.5.3)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .json_values import Json, is_integer, number_or

Matrix = NDArray[np.float64]  # (4, 4), for column vectors.
Vector = Sequence[float] | NDArray[np.float64]


def children_of(value: object, nodes: list[Json]) -> list[int]:
    """The valid indices of nodes in a list."""
    numbers = value if isinstance(value, list) else []
    return [number for number in numbers if is_integer(number) and 0 <= number < len(nodes)]


def local_matrix(node: Json) -> Matrix:
    """From the coordinates of a node to those of its parent. A value that is not valid counts as missing."""
    whole = node.get("matrix")
    if isinstance(whole, list) and len(whole) == 16:
        return np.array([number_or(value, 0.0) for value in whole]).reshape(4, 4).T
    return _composed(
        _vector(node.get("translation"), (0.0, 0.0, 0.0)),
        _vector(node.get("rotation"), (0.0, 0.0, 0.0, 1.0)),
        _vector(node.get("scale"), (1.0, 1.0, 1.0)),
    )


def _composed(translation: Vector, rotation: Vector, scale: Vector) -> Matrix:
    x, y, z, w = rotation
    turn = np.array(
        (
            (1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)),
            (2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)),
            (2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)),
        )
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(scale)
    matrix[:3, 3] = translation
    return matrix


def _vector(value: object, default: tuple[float, ...]) -> tuple[float, ...]:
    given = value if isinstance(value, list) and len(value) == len(default) else default
    return tuple(number_or(part, usual) for part, usual in zip(given, default, strict=True))


def width_of(matrix: Matrix) -> float:
    """How wide a ball of radius 1 becomes in its second largest direction: 0 when only a line or a point is left."""
    if not np.isfinite(matrix).all():
        return 1.0
    sizes = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    return float(sizes[1])


def checked_matrix(node: Json) -> Matrix:
    """As ``local_matrix``, but raises ValueError and TypeError for damaged values."""
    if "matrix" in node:
        matrix = np.array(node["matrix"], dtype=float).reshape(4, 4).T
    else:
        members = (("translation", (0, 0, 0)), ("rotation", (0, 0, 0, 1)), ("scale", (1, 1, 1)))
        values = [np.array(node.get(name, default), dtype=float) for name, default in members]
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError("A node has a value that is not a number.")
        matrix = _composed(*values)
    if not np.isfinite(matrix).all():
        raise ValueError("A node has a value that is not a number.")
    return matrix


def parents_of(nodes: list[Json]) -> dict[int, int]:
    """The parent of each node that has one."""
    parents: dict[int, int] = {}
    for number, node in enumerate(nodes):
        parents |= dict.fromkeys(children_of(node.get("children"), nodes), number)
    return parents


def world_matrices(nodes: list[Json]) -> tuple[list[Matrix], list[int]]:
    """The matrix to world of each node, and how many nodes are above it; no node is too deep.

    Raises ValueError and TypeError for damaged values, ValueError also for nodes that are below themselves.
    """
    parents = parents_of(nodes)
    known: dict[int, tuple[Matrix, int]] = {}
    for number in range(len(nodes)):
        chain = []
        current: int | None = number
        while current is not None and current not in known:
            chain.append(current)
            if len(chain) > len(nodes):
                raise ValueError("A node is below itself.")
            current = parents.get(current)
        for item in reversed(chain):
            above, depth = known[parents[item]] if item in parents else (np.eye(4), -1)
            known[item] = (above @ checked_matrix(nodes[item]), depth + 1)
    return [known[number][0] for number in range(len(nodes))], [
        known[number][1] for number in range(len(nodes))
    ]
