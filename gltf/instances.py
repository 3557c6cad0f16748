# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the instances of a mesh (EXT_mesh_gpu_instancing) into nodes, so that they are checked and moved as all others."""

import json

import numpy as np

from .accessors import values_of
from .document import Gltf
from .json_values import Json, as_dict, as_dicts
from .mesh_checks import Doubles

INSTANCING = "EXT_mesh_gpu_instancing"
WIDTHS = {"TRANSLATION": 3, "ROTATION": 4, "SCALE": 3}


def with_instances_as_nodes(gltf: Gltf) -> Gltf:
    """The file with a child node for each instance. A node keeps instances whose numbers cannot be read here."""
    if not any(INSTANCING in as_dict(node.get("extensions")) for node in gltf.entries("nodes")):
        return gltf
    document = json.loads(json.dumps(gltf.document))
    nodes = as_dicts(document["nodes"])
    added: list[Json] = []
    for node in nodes:
        places = _places(gltf, node)
        if places is None or "mesh" not in node:
            continue
        del node["extensions"][INSTANCING]
        if not node["extensions"]:
            del node["extensions"]
        mesh, name = node.pop("mesh"), node.get("name", "")
        begin = len(nodes) + len(added)
        count = len(next(iter(places.values())))
        for number in range(count):
            values = {member: rows[number].tolist() for member, rows in places.items()}
            added.append({"name": name, "mesh": mesh, **values})
        children = node.get("children")
        kept = children if isinstance(children, list) else []
        node["children"] = [*kept, *range(begin, begin + count)]
    document["nodes"] = nodes + added
    return Gltf(gltf.name, gltf.folder, document, gltf.binary)


def _places(gltf: Gltf, node: Json) -> dict[str, Doubles] | None:
    """Translations, rotations and scales of the instances of a node, by the member of a node; None if it has none that
    can be read."""
    attributes = as_dict(as_dict(as_dict(node.get("extensions")).get(INSTANCING)).get("attributes"))
    found: dict[str, Doubles] = {}
    for name, width in WIDTHS.items():
        if name not in attributes:
            continue
        values = values_of(gltf, attributes[name])
        if values is None or values.shape[1] != width or not np.isfinite(values).all():
            return None
        found[name.lower()] = values
    lengths = {len(values) for values in found.values()}
    return found if len(lengths) == 1 else None
