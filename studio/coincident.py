# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifts surfaces that lie exactly on others, such as labels, which Cycles would render as noise."""

from collections.abc import Iterator, Sequence

import bpy
import numpy as np

from ..gltf.coincidence import Lift, find_lifts
from ..gltf.facing import Facing
from ..gltf.findings import Finding, Severity, counted
from ..gltf.mesh_checks import Doubles
from .blender import data_of
from .mesh_facts import MeshFacts, removable_faces, values_of


def find_coincident(meshes: Sequence[MeshFacts], facings: Sequence[Facing], longest: float) -> list[Lift]:
    """What lies exactly on something else. ``longest`` is the longest side of the product, in metres."""
    culled = [facing.culled for facing in facings]
    return find_lifts(meshes, culled, [removable_faces(facts) for facts in meshes], longest)


def coincidence_problems(
    meshes: Sequence[MeshFacts], lifts: Sequence[Lift], known: set[str]
) -> Iterator[Finding]:
    """A finding for each pair of objects. ``known`` are the names of objects that others coincide with entirely."""
    faces: dict[tuple[str, str, bool], int] = {}
    for lift in lifts:
        name, on = meshes[lift.body].names[lift.copy], meshes[lift.on].names[lift.on_copy]
        if lift.is_back or name in known or (name == on and meshes[lift.body].doubled[lift.faces].any()):
            continue  # Reported as doubled objects or doubled faces.
        key = (name, on, meshes[lift.body].is_editable)
        faces[key] = faces.get(key, 0) + len(lift.faces)
    for (name, on, is_lifted), count in faces.items():
        where = f"{name} lies" if name != on else f"A part of {name} lies"
        effect = "so that it was lifted by a few millionths of the product's size to be seen"
        if not is_lifted:
            effect = "and it is posed by bones, so that it cannot be lifted: either may be seen, or noise"
        place = on if name != on else "another part of it"
        yield Finding(
            kind="coincident_surfaces",
            severity=Severity.NOTE if is_lifted else Severity.WARNING,
            where=name,
            count=count,
            text=f"{where} exactly on {place} ({counted(count, 'face')}), {effect}. Leave a small gap between them in your "
            "3D software.",
        )


def lift_surfaces(meshes: Sequence[MeshFacts], lifts: Sequence[Lift]) -> None:
    """Move the vertices of the lifted faces. Before ``repair_meshes``, which changes the order of faces."""
    moved: dict[int, tuple[bpy.types.Mesh, Doubles]] = {}
    for lift in lifts:
        facts = meshes[lift.body]
        if not facts.is_editable:
            continue
        mesh = _mesh_to_move(facts, lift)
        _mesh, moves = moved.setdefault(mesh.session_uid, (mesh, np.zeros((len(mesh.vertices), 3))))
        corners = values_of(mesh.loops, "vertex_index", 3, np.int32)[lift.faces]
        total, count = np.zeros_like(moves), np.zeros(len(moves))
        for corner in range(3):
            np.add.at(total, corners[:, corner], lift.moves)
            np.add.at(count, corners[:, corner], 1.0)
        mean = total / np.maximum(count, 1.0)[:, None]
        is_further = np.einsum("ij,ij->i", mean, mean) > np.einsum("ij,ij->i", moves, moves)
        moves[is_further] = mean[is_further]
    for mesh, moves in moved.values():
        places = values_of(mesh.vertices, "co", 3, np.float32)
        mesh.vertices.foreach_set("co", (places + moves).astype(np.float32).ravel())


def _mesh_to_move(facts: MeshFacts, lift: Lift) -> bpy.types.Mesh:
    """The mesh of the lifted copy; its own one when it lies on another copy of the same mesh."""
    item = bpy.data.objects.get(facts.names[lift.copy])
    mesh = data_of(facts.item, bpy.types.Mesh)
    if item is None or lift.on != lift.body or lift.copy == lift.on_copy:
        return mesh
    if item.data == mesh:
        item.data = mesh.copy()
    return data_of(item, bpy.types.Mesh)
