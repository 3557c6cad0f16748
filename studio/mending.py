# SPDX-License-Identifier: GPL-3.0-or-later
"""Mends the studio's copy of a product, where it then looks as its file means it to."""

import math
from collections.abc import Iterable

import bmesh
import bpy
import numpy as np

from ..gltf import mesh_checks
from ..gltf.mesh_checks import is_far
from .mesh_facts import MeshFacts, mesh_extent, removable_faces, values_of

SHARP = math.radians(30.0)  # Where normals are computed: edges that stay edges.


def mend(meshes: Iterable[MeshFacts]) -> None:
    """Turn faces that Cycles would draw black or as glass inside out, leave out faces that lie on others."""
    seen: set[int] = set()
    for facts in meshes:
        mesh, shape = facts.item.data, facts.shape
        is_its_own = len(mesh.polygons) == facts.triangles and not facts.item.modifiers
        if not is_its_own or mesh.session_uid in seen:
            continue  # What is shown was made by modifiers; its faces cannot be found again.
        seen.add(mesh.session_uid)
        is_right = (shape.is_closed & (shape.twisted_edges == 0) & (shape.volumes > 0.0))[shape.group]
        flips = facts.opposed & ~is_right
        flips |= mesh_checks.inside_out(shape)[shape.group] & facts.clear & ~facts.opposed
        removable = removable_faces(facts)
        turned = flips | facts.opposed
        if turned.any() or removable.any():
            _rework(mesh, flips=flips, turned=turned, doomed=removable)


def leave_out_far(mesh: bpy.types.Mesh) -> None:
    """Delete the triangles with a corner that is no number or beyond all measure."""
    far = is_far(values_of(mesh.vertices, "co", 3, np.float32))
    if not far.any():
        return
    doomed = far[values_of(mesh.loops, "vertex_index", 3, np.int32)].any(axis=1)
    if doomed.all():
        mesh.clear_geometry()
        return
    none = np.zeros_like(doomed)
    _rework(mesh, flips=none, turned=none, doomed=doomed)
    places = values_of(mesh.vertices, "co", 3, np.float32)
    # What is left are ends of loose edges, in no picture: they shall not count as the mesh's extent.
    places[is_far(places)] = 0.0
    mesh.vertices.foreach_set("co", places.ravel())


def _rework(mesh: bpy.types.Mesh, *, flips: np.ndarray, turned: np.ndarray, doomed: np.ndarray) -> None:
    """Wind some triangles (t,) the other way and delete others.

    Normals stay as they are, but for the ``turned`` ones: those then look to the front of their face.
    """
    carrier = mesh.attributes.new("photoreal_normal", "FLOAT_VECTOR", "CORNER")
    carrier.data.foreach_set("vector", values_of(mesh.corner_normals, "vector", 3, np.float32).ravel())
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
    carrier = mesh.attributes["photoreal_normal"]
    normals = values_of(carrier.data, "vector", 3, np.float32).reshape(-1, 3, 3)
    mesh.attributes.remove(carrier)
    # Not ``polygon_normals``: since 4.5 those follow the custom normals.
    places = values_of(mesh.vertices, "co", 3, np.float32)[values_of(mesh.loops, "vertex_index", 3, np.int32)]
    fronts = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    against = np.einsum("tij,tj->ti", normals, fronts) < 0.0
    normals[against & turned[~doomed][:, None]] *= -1.0
    mesh.normals_split_custom_set(normals.reshape(-1, 3))


def smooth(mesh: bpy.types.Mesh) -> None:
    """Give a mesh without normals those of a surface that is round except at its sharp edges."""
    work = bmesh.new()
    try:
        work.from_mesh(mesh)
        longest = max(mesh_extent(mesh), 1e-30)
        bmesh.ops.remove_doubles(work, verts=work.verts, dist=longest * 1e-7)
        work.to_mesh(mesh)
    finally:
        work.free()
    mesh.shade_smooth()
    mesh.set_sharp_from_angle(angle=SHARP)
