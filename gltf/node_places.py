# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the nodes of a glTF document are, in double precision."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .json_values import Json, is_integer

Matrix = NDArray[np.float64]


def local_matrix(node: Json) -> Matrix:
    """The 4x4 matrix of a node to its parent (glTF 2.0, 3.5.3). Raises ValueError and TypeError for damaged values."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=float).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), dtype=float)
    turn = np.array(
        (
            (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
            (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
            (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
        )
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)), dtype=float)
    matrix[:3, 3] = np.array(node.get("translation", (0, 0, 0)), dtype=float)
    return matrix


def parents_of(nodes: Sequence[Json]) -> dict[int, int]:
    """The parent of each node that has one."""
    parents: dict[int, int] = {}
    for number, node in enumerate(nodes):
        children: Any = node.get("children")
        for child in children if isinstance(children, list) else ():
            if is_integer(child) and 0 <= child < len(nodes):
                parents[child] = number
    return parents


def world_matrices(nodes: Sequence[Json]) -> tuple[list[Matrix], list[int]]:
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
            known[item] = (above @ local_matrix(nodes[item]), depth + 1)
    return [known[number][0] for number in range(len(nodes))], [
        known[number][1] for number in range(len(nodes))
    ]
