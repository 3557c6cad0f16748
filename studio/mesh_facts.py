# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of each mesh of a product before anybody judges it, as arrays."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from ..gltf import mesh_checks
from ..gltf.mesh_checks import Shape
from .materials import is_clear


@dataclass(slots=True)
class MeshFacts:
    """A mesh as it is shown: by ``names`` at ``matrices``; ``material`` (t,) names the slot of each triangle."""

    item: bpy.types.Object
    shape: Shape
    material: np.ndarray
    polygon: np.ndarray
    materials: list[bpy.types.Material | None]
    opposed: np.ndarray
    doubled: np.ndarray
    has_uvs: bool
    uv_areas: np.ndarray | None
    names: list[str] = field(default_factory=list)
    matrices: list[np.ndarray] = field(default_factory=list)

    @property
    def where(self) -> str:
        more = len(self.names) - 1
        return self.names[0] + (f" and {more} cop{'ies' if more > 1 else 'y'} of it" if more else "")

    @property
    def triangles(self) -> int:
        return len(self.shape.corners)

    def of(self, chosen: Iterable[bpy.types.Material | None]) -> np.ndarray:
        """Which triangles have one of these materials, (t,)."""
        wanted = {item.name for item in chosen if item is not None}
        slots = [index for index, item in enumerate(self.materials) if item and item.name in wanted]
        return np.isin(self.material, slots)

    @property
    def clear(self) -> np.ndarray:
        """Which triangles let light through, (t,)."""
        return self.of(item for item in self.materials if item and is_clear(item))


def measure(meshes: Iterable[tuple[bpy.types.Object, bpy.types.Mesh, object]]) -> list[MeshFacts]:
    """The facts of every mesh that ``product.visible_meshes`` gives; one that is shown twice is measured once."""
    known: dict[tuple[int, bool], MeshFacts] = {}
    for item, mesh, matrix in meshes:
        key = (item.original.data.session_uid, bool(item.original.modifiers))
        if key not in known:
            facts = _facts(item, mesh)
            if facts is None:
                continue
            known[key] = facts
        known[key].names.append(item.original.name)
        known[key].matrices.append(np.array(matrix, dtype=np.float64))
    return list(known.values())


def _facts(item: bpy.types.Object, mesh: bpy.types.Mesh) -> MeshFacts | None:
    mesh.calc_loop_triangles()
    count = len(mesh.loop_triangles)
    if not count:
        return None
    points = values_of(mesh.vertices, "co", 3, np.float32)
    triangles = values_of(mesh.loop_triangles, "vertices", 3, np.int32)
    loops = values_of(mesh.loop_triangles, "loops", 3, np.int32)
    polygon = values_of(mesh.loop_triangles, "polygon_index", 1, np.int32).ravel()
    shape = mesh_checks.shape_of(points, triangles)
    normals = values_of(mesh.corner_normals, "vector", 3, np.float32)[loops]
    layer = next((layer for layer in mesh.uv_layers if layer.active_render), None)
    areas = None
    if layer is not None:
        areas = mesh_checks.uv_areas(values_of(layer.uv, "vector", 2, np.float32)[loops])
    return MeshFacts(
        item=item.original,
        shape=shape,
        material=values_of(mesh.loop_triangles, "material_index", 1, np.int32).ravel(),
        polygon=polygon,
        materials=[slot.material.original if slot.material else None for slot in item.material_slots],
        opposed=mesh_checks.opposed_faces(shape, normals),
        doubled=mesh_checks.doubled_faces(shape),
        has_uvs=layer is not None,
        uv_areas=areas,
    )


def values_of(collection: Any, name: str, width: int, kind: type) -> np.ndarray:
    """A property of all elements, in rows of ``width`` numbers."""
    size = len(collection) * len(np.atleast_1d(getattr(collection[0], name))) if len(collection) else 0
    values = np.empty(size, dtype=kind)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)


def open_materials(meshes: Iterable[MeshFacts]) -> set[str]:
    """The materials that are mostly on surfaces which enclose no space."""
    closed: dict[str, float] = {}
    total: dict[str, float] = {}
    for facts in meshes:
        is_closed = facts.shape.is_closed[facts.shape.group]
        for slot, item in enumerate(facts.materials):
            if item is None:
                continue
            areas = np.where(facts.material == slot, facts.shape.areas, 0.0)
            total[item.name] = total.get(item.name, 0.0) + float(areas.sum())
            closed[item.name] = closed.get(item.name, 0.0) + float(areas[is_closed].sum())
    return {name for name, area in total.items() if closed[name] < 0.5 * area}


def removable_faces(facts: MeshFacts) -> np.ndarray:
    """Doubled faces that can go without a trace: opaque, and of one material with all that lie there."""
    removable = np.zeros(facts.triangles, dtype=bool)
    if not facts.doubled.any():
        return removable
    corners = np.sort(facts.shape.corners, axis=1)
    order = np.lexsort((*corners.T, facts.shape.flat))
    same = np.concatenate(([False], (np.diff(corners[order], axis=0) == 0).all(axis=1)))
    stack = np.cumsum(~same)
    material = facts.material[order]
    least, most = np.full(stack[-1] + 1, np.iinfo(np.int32).max), np.full(stack[-1] + 1, -1)
    np.minimum.at(least, stack, material)
    np.maximum.at(most, stack, material)
    removable[order] = (least == most)[stack]
    return removable & facts.doubled & ~facts.clear


def mesh_extent(mesh: bpy.types.Mesh) -> float:
    """The longest side of a mesh in its own coordinates."""
    points = values_of(mesh.vertices, "co", 3, np.float32)
    return float(np.ptp(points, axis=0).max()) if len(points) else 0.0
