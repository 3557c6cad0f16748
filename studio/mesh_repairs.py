# SPDX-License-Identifier: GPL-3.0-or-later
"""Repairs the meshes of the product in the studio where they would not look as the file intends."""

import math
from collections.abc import Iterable
from typing import Any

import bmesh
import bpy
import numpy as np

from ..gltf import mesh_checks
from ..gltf.facing import Facing
from ..gltf.mesh_checks import Flags, is_far
from .blender import data_of
from .mesh_facts import MeshFacts, mesh_extent, removable_faces, values_of

SHARP = math.radians(30.0)  # Edges between faces at a larger angle stay sharp when normals are computed.
NORMALS = "photoreal_normal"  # Attribute that carries the normals through a change of the mesh.


def repair_meshes(meshes: Iterable[MeshFacts], facings: Iterable[Facing]) -> None:
    """Turn faces that Cycles would render black or as inside-out glass, or that would not be seen because their part is
    inside out, and delete faces that coincide with others."""
    seen: set[int] = set()
    for facts, facing in zip(meshes, facings, strict=True):
        mesh, shape = data_of(facts.item, bpy.types.Mesh), facts.shape
        if not facts.is_editable or mesh.session_uid in seen:
            continue  # Modifiers made what is rendered; its faces cannot be found in the mesh.
        seen.add(mesh.session_uid)
        flips = facts.flips ^ facing.turned
        flips |= mesh_checks.inside_out(shape)[shape.group] & facts.clear & ~facts.opposed
        removable = removable_faces(facts)
        turned = flips | facts.opposed
        if turned.any() or removable.any():
            _change_faces(mesh, flips=flips, turned=turned, doomed=removable)


def delete_far_faces(mesh: bpy.types.Mesh) -> None:
    """Delete the triangles with a corner that ``is_far``."""
    far = is_far(values_of(mesh.vertices, "co", 3, np.float32))
    if not far.any():
        return
    doomed: Flags = far[values_of(mesh.loops, "vertex_index", 3, np.int32)].any(axis=1)
    if doomed.all():
        mesh.clear_geometry()
        return
    none = np.zeros_like(doomed)
    _change_faces(mesh, flips=none, turned=none, doomed=doomed)
    places = values_of(mesh.vertices, "co", 3, np.float32)
    # Ends of loose edges remain. They are not rendered, and must not count in the bounds of the mesh.
    places[is_far(places)] = 0.0
    mesh.vertices.foreach_set("co", places.ravel())


def delete_faces(mesh: bpy.types.Mesh, doomed: Flags) -> None:
    """Delete some of the triangles of a mesh, (t,)."""
    none = np.zeros_like(doomed)
    _change_faces(mesh, flips=none, turned=none, doomed=doomed)


def _change_faces(mesh: bpy.types.Mesh, *, flips: Flags, turned: Flags, doomed: Flags) -> None:
    """Reverse the winding of some triangles and delete others; all masks are (t,).

    Normals stay as they are, except for the ``turned`` triangles: theirs are made to point to the front of the face.
    """
    carrier = mesh.attributes.new(NORMALS, "FLOAT_VECTOR", "CORNER")
    normals = values_of(mesh.corner_normals, "vector", 3, np.float32)
    _vectors_of(carrier).foreach_set("vector", normals.ravel())
    work = bmesh.new()
    try:
        work.from_mesh(mesh)
        work.faces.ensure_lookup_table()
        bmesh.ops.reverse_faces(work, faces=[work.faces[index] for index in np.flatnonzero(flips)])
        gone = [work.faces[index] for index in np.flatnonzero(doomed)]
        bmesh.ops.delete(work, geom=gone, context="FACES")
        work.to_mesh(mesh)
    finally:
        work.free()
    carrier = mesh.attributes[NORMALS]
    normals = values_of(_vectors_of(carrier), "vector", 3, np.float32).reshape(-1, 3, 3)
    mesh.attributes.remove(carrier)
    # Not ``polygon_normals``: since Blender 4.5 they follow the custom normals.
    places = values_of(mesh.vertices, "co", 3, np.float32)[values_of(mesh.loops, "vertex_index", 3, np.int32)]
    fronts = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    against = np.einsum("tij,tj->ti", normals, fronts) < 0.0
    normals[against & turned[~doomed][:, None]] *= -1.0
    mesh.normals_split_custom_set(normals.reshape(-1, 3))


def _vectors_of(attribute: bpy.types.Attribute) -> Any:
    """The values of an attribute of vectors."""
    if not isinstance(attribute, bpy.types.FloatVectorAttribute):
        raise TypeError(f"{attribute.name} does not hold vectors.")
    return attribute.data


def smooth_normals(mesh: bpy.types.Mesh) -> None:
    """Merge the vertices of a mesh without normals, and shade it smooth except at sharp edges."""
    work = bmesh.new()
    try:
        work.from_mesh(mesh)
        longest = max(mesh_extent(mesh), 1e-30)
        bmesh.ops.remove_doubles(work, verts=list(work.verts), dist=longest * 1e-7)
        work.to_mesh(mesh)
    finally:
        work.free()
    mesh.shade_smooth()
    mesh.set_sharp_from_angle(angle=SHARP)
