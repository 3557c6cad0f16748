# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bones of a file put its meshes (glTF 2.0, 3.7.3)."""

from collections.abc import Sequence

import numpy as np

from .accessors import values_of
from .document import Gltf
from .json_values import Json, is_integer
from .node_places import Matrix, children_of


def skinned_nodes(gltf: Gltf) -> dict[int, list[int]]:
    """The nodes with a mesh that bones move, each with the nodes of its bones."""
    nodes, skins = gltf.entries("nodes"), gltf.entries("skins")
    found = {}
    for number, node in enumerate(nodes):
        skin = _skin_of(node, skins)
        if skin is not None and is_integer(node.get("mesh")):
            found[number] = children_of(skin.get("joints"), nodes)
    return found


def _skin_of(node: Json, skins: Sequence[Json]) -> Json | None:
    number = node.get("skin")
    return skins[number] if is_integer(number) and 0 <= number < len(skins) else None


def skinned_place(gltf: Gltf, number: int, worlds: Sequence[Matrix]) -> Matrix:
    """The matrix from the vertices of the mesh of a node to world. ``worlds`` are those of all nodes.

    For a mesh with bones it is the middle one of what its bones say, in each number: all are equal in the bind pose.
    """
    nodes, skins = gltf.entries("nodes"), gltf.entries("skins")
    skin = _skin_of(nodes[number], skins)
    joints = children_of(skin.get("joints"), nodes) if skin is not None else []
    if skin is None or not joints:
        return worlds[number]
    binds = values_of(gltf, skin.get("inverseBindMatrices"))
    if binds is None or binds.shape != (len(joints), 16):
        binds = np.tile(np.eye(4).ravel(), (len(joints), 1))
    places = [worlds[joint] @ bind.reshape(4, 4).T for joint, bind in zip(joints, binds, strict=True)]
    middle: Matrix = np.median(places, axis=0)
    return middle
