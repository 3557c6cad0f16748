# SPDX-License-Identifier: GPL-3.0-or-later
"""What a render shows of a collection: meshes, vertices, places on the surface."""

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from .blender import present
from .mesh_facts import original_of, values_of

UNIT_SIZE = (
    1.0  # Metres of the product's longest side in the studio: light, shadow and clip planes fit this size.
)
SURFACE_SPACING = UNIT_SIZE / 150.0
MAX_ON_TRIANGLE = 30_000

Points = NDArray[np.float64]


def visible_meshes(
    collection: bpy.types.Collection,
) -> Iterator[tuple[bpy.types.Object, bpy.types.Mesh, Matrix]]:
    """Every mesh that a render shows: the evaluated object, its mesh, and its matrix to world.

    The mesh is valid only until the next one is requested.
    """
    own = {item.session_uid for item in collection.all_objects}
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for instance in depsgraph.object_instances:
        item = present(instance.object)
        maker = original_of(present(instance.parent) if instance.is_instance else item)
        if item.type != "MESH" or maker.session_uid not in own:
            continue
        if maker.hide_render or (original_of(item).hide_render and not instance.is_instance):
            continue
        matrix: Any = instance.matrix_world  # The stubs have no ``copy`` for what is a Matrix.
        placed = matrix.copy()
        mesh = item.to_mesh()
        if any(face.area > 0.0 for face in mesh.polygons):  # Nearly always the first one.
            yield item, mesh, placed
        item.to_mesh_clear()


def visible_points(collection: bpy.types.Collection) -> Points:
    """World coordinates of all visible vertices, (n, 3)."""
    parts = []
    for _item, mesh, matrix in visible_meshes(collection):
        used = _rendered_vertices(mesh)
        local = values_of(mesh.vertices, "co", 3, np.float32)[used].astype(np.float64)
        transform = np.array(matrix)
        parts.append(local @ transform[:3, :3].T + transform[:3, 3])
    return np.concatenate(parts) if parts else np.empty((0, 3))


def _rendered_vertices(mesh: bpy.types.Mesh) -> NDArray[np.int64]:
    """The indices of the vertices of faces that have an area; loose vertices and collapsed faces are not rendered.

    A joint that is scaled to nothing hides a part in this way.
    """
    corners = values_of(mesh.loops, "vertex_index", 1, np.int32).ravel()
    areas = values_of(mesh.polygons, "area", 1, np.float32).ravel()
    if not (areas > 0.0).all():
        sizes = values_of(mesh.polygons, "loop_total", 1, np.int32).ravel()
        corners = corners[np.repeat(areas > 0.0, sizes)]
    used: NDArray[np.int64] = np.unique(corners)
    return used


def surface_points(collection: bpy.types.Collection) -> Points:
    """World coordinates of points spread over the visible surface, (n, 3), the same ones on every call.

    A triangle has one point for each square of side SURFACE_SPACING that fits into it, and at least one.
    """
    parts = []
    for _item, mesh, matrix in visible_meshes(collection):
        mesh.calc_loop_triangles()
        corners = values_of(mesh.loop_triangles, "vertices", 3, np.int32)
        transform = np.array(matrix)
        places = values_of(mesh.vertices, "co", 3, np.float32).astype(np.float64)
        world = places @ transform[:3, :3].T + transform[:3, 3]
        parts.append(_on_triangles(*(world[corners[:, corner]] for corner in range(3))))
    points = np.concatenate(parts) if parts else np.empty((0, 3))
    finite: Points = points[np.isfinite(points).all(axis=1)]
    return finite


def _on_triangles(first: Points, second: Points, third: Points) -> Points:
    """Evenly spread points on triangles with these corners, (t, 3) each."""
    area = np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2.0
    area = np.nan_to_num(area, posinf=0.0)
    counts = np.clip(np.ceil(area / SURFACE_SPACING**2), 1, MAX_ON_TRIANGLE).astype(int)
    which = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(which)) - np.repeat(counts.cumsum() - counts, counts) + 0.5
    # The R2 sequence (Roberts 2018) covers a square evenly; folding maps the square to the triangle.
    u, v = (place * 0.7548776662466927) % 1.0, (place * 0.5698402909980532) % 1.0
    u, v = np.where(u + v > 1.0, (1.0 - u, 1.0 - v), (u, v))
    points: Points = first[which] + u[:, None] * (second - first)[which] + v[:, None] * (third - first)[which]
    return points


def count_triangles(collection: bpy.types.Collection) -> int:
    """Triangles of all visible meshes together."""
    return sum(
        len(mesh.loops) - 2 * len(mesh.polygons) for _item, mesh, _matrix in visible_meshes(collection)
    )
