# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures each mesh of a product, as arrays, for the checks and the repairs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..gltf import mesh_checks
from ..gltf.mesh_checks import Doubles, Flags, Shape
from .blender import data_of, present
from .materials import has_alpha, is_clear


@dataclass(slots=True)
class MeshFacts:
    """A mesh as it is rendered, by the objects ``names`` with the 4x4 matrices ``matrices``.

    Arrays have one entry for each triangle, (t,): ``material`` is its material slot, ``polygon`` its polygon,
    ``opposed`` and ``doubled`` as in ``mesh_checks``, ``uv_areas`` None without a UV map.
    """

    item: bpy.types.Object
    shape: Shape
    material: NDArray[np.int32]
    polygon: NDArray[np.int32]
    materials: list[bpy.types.Material | None]
    opposed: Flags
    doubled: Flags
    has_uvs: bool
    uv_areas: Doubles | None
    is_as_shown: bool = True  # The faces are those of the mesh of ``item``, in its order.
    names: list[str] = field(default_factory=list)
    matrices: list[Doubles] = field(default_factory=list)

    @property
    def where(self) -> str:
        """The objects that show the mesh, for messages."""
        more = len(self.names) - 1
        return self.names[0] + (f" and {more} cop{'ies' if more > 1 else 'y'} of it" if more else "")

    @property
    def triangles(self) -> int:
        return len(self.shape.corners)

    def of(self, chosen: Iterable[bpy.types.Material | None]) -> Flags:
        """Which triangles have one of these materials, (t,)."""
        wanted = {item.name for item in chosen if item is not None}
        slots = [index for index, item in enumerate(self.materials) if item and item.name in wanted]
        return np.isin(self.material, slots)

    @property
    def is_editable(self) -> bool:
        """Can the shape of the mesh be changed? Not where modifiers have moved its vertices."""
        return self.is_as_shown and not self.item.modifiers

    @property
    def one_sided(self) -> Flags:
        """Which triangles have a material whose back faces are not seen, (t,). Glass always has two sides."""
        chosen = [
            item for item in self.materials if item and item.use_backface_culling and not is_clear(item)
        ]
        return self.of(chosen)

    @property
    def see_through(self) -> Flags:
        """Which triangles have a material with holes or partial coverage (alpha), (t,)."""
        return self.of(item for item in self.materials if item and has_alpha(item))

    @property
    def flips(self) -> Flags:
        """Which triangles are reversed to match their normals, (t,)."""
        if not self.is_editable:
            return np.zeros_like(self.opposed)
        shape = self.shape
        is_right = shape.is_closed & (shape.twisted_edges == 0) & (shape.volumes > 0.0)
        flips: Flags = self.opposed & ~is_right[shape.group]
        return flips

    @property
    def clear(self) -> Flags:
        """Which triangles transmit light, (t,)."""
        return self.of(item for item in self.materials if item and is_clear(item))


def measure(meshes: Iterable[tuple[bpy.types.Object, bpy.types.Mesh, object]]) -> list[MeshFacts]:
    """The facts of all meshes from ``visible.visible_meshes``; a mesh that is rendered twice is measured once."""
    known: dict[tuple[int, bool], MeshFacts] = {}
    for item, mesh, matrix in meshes:
        original = original_of(item)
        key = (present(original.data).session_uid, bool(original.modifiers))
        if key not in known:
            facts = _facts(item, mesh)
            if facts is None:
                continue
            known[key] = facts
        known[key].names.append(original.name)
        known[key].matrices.append(np.array(matrix, dtype=np.float64))
    return list(known.values())


def original_of(item: bpy.types.Object) -> bpy.types.Object:
    """The object that an evaluated one was made from."""
    original = present(item.original)
    if not isinstance(original, bpy.types.Object):
        raise TypeError(f"{item.name} was not made from an object.")
    return original


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
        item=original_of(item),
        shape=shape,
        material=values_of(mesh.loop_triangles, "material_index", 1, np.int32).ravel(),
        polygon=polygon,
        materials=[slot.material.original if slot.material else None for slot in item.material_slots],
        opposed=mesh_checks.opposed_faces(shape, normals),
        doubled=mesh_checks.doubled_faces(shape),
        has_uvs=layer is not None,
        uv_areas=areas,
        is_as_shown=len(data_of(original_of(item), bpy.types.Mesh).polygons) == count,
    )


def values_of(collection: Any, name: str, width: int, kind: type[np.generic]) -> NDArray[Any]:
    """A property of all elements of a Blender collection, of type ``kind``, reshaped to rows of ``width`` values."""
    size = len(collection) * len(np.atleast_1d(getattr(collection[0], name))) if len(collection) else 0
    values: NDArray[Any] = np.empty(size, dtype=kind)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)


def open_materials(meshes: Iterable[MeshFacts]) -> set[str]:
    """The names of the materials that are mostly on surfaces which enclose no space."""
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


def removable_faces(facts: MeshFacts) -> Flags:
    """Doubled faces that can be deleted without a visible change: opaque, and all of one material at that place."""
    removable = np.zeros(facts.triangles, dtype=bool)
    if not facts.doubled.any():
        return removable
    corners = np.sort(facts.shape.corners, axis=1)
    order = np.lexsort((*corners.T, facts.shape.flat))
    same = np.concatenate(([False], (np.diff(corners[order], axis=0) == 0).all(axis=1)))
    stack = np.cumsum(~same)
    material = facts.material[order]
    lowest, highest = np.full(stack[-1] + 1, np.iinfo(np.int32).max), np.full(stack[-1] + 1, -1)
    np.minimum.at(lowest, stack, material)
    np.maximum.at(highest, stack, material)
    removable[order] = (lowest == highest)[stack]
    return removable & facts.doubled & ~facts.clear


def mesh_extent(mesh: bpy.types.Mesh) -> float:
    """The longest side of a mesh in its local coordinates."""
    points = values_of(mesh.vertices, "co", 3, np.float32)
    return float(np.ptp(points, axis=0).max()) if len(points) else 0.0
