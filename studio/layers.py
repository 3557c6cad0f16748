# SPDX-License-Identifier: GPL-3.0-or-later
"""How many layers of a product light passes through, which decides how far Cycles follows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ..gltf.findings import Finding, Severity
from ..gltf.layers import most_layers
from ..gltf.mesh_checks import Doubles
from .materials import is_clear
from .mesh_facts import values_of
from .stand_ins import lets_rays_pass, materials_in
from .visible import visible_meshes

# At each layer Cycles looks for light through all others, so the time grows with the square of this.
MAX_LAYERS = 128
SPARE = 2  # Layers are counted on a sample of rays, and not along those that light the product.


@dataclass(frozen=True, slots=True)
class Layers:
    """The largest number of layers on one ray: of materials with transparency, and of glass."""

    transparent: int
    glass: int

    def findings(self) -> Iterator[Finding]:
        """A warning about more layers than Cycles can follow."""
        if max(self.transparent, self.glass) <= MAX_LAYERS:
            return
        count = max(self.transparent, self.glass)
        yield Finding(
            kind="too_many_layers",
            severity=Severity.WARNING,
            count=count,
            text=f"{count:,} transparent layers are behind one another. Light passes through {MAX_LAYERS:,} at most: what "
            "is behind them is dark. Remove layers that are not visible.",
        )


def limit_for(layers: int, least: int) -> int:
    """The limit to set in Cycles for a product of so many layers; ``least`` is that of simple products."""
    return max(least, min(MAX_LAYERS, layers * SPARE))


def count_layers(collection: bpy.types.Collection) -> Layers:
    """Count the layers of the visible meshes; without a material that lets light pass, no mesh is read."""
    materials = materials_in(collection.all_objects)
    counts = [_count(collection, materials, is_wanted) for is_wanted in (lets_rays_pass, is_clear)]
    return Layers(*counts)


def _count(
    collection: bpy.types.Collection,
    materials: list[bpy.types.Material],
    is_wanted: Callable[[bpy.types.Material], bool],
) -> int:
    wanted = {material.name for material in materials if is_wanted(material)}
    if not wanted:
        return 0
    parts = list(triangles_of(collection, wanted))
    return most_layers(np.concatenate(parts)) if parts else 0


def share_of(collection: bpy.types.Collection, wanted: set[str]) -> float:
    """The share of the visible surface that has the materials called ``wanted``, 0 to 1."""
    everything = {material.name for material in materials_in(collection.all_objects)}
    some, whole = (
        sum(_area_of(part) for part in triangles_of(collection, names)) for names in (wanted, everything)
    )
    return some / whole if whole else 0.0


def _area_of(triangles: Doubles) -> float:
    """The area of (t, 3, 3) triangles."""
    sides = triangles[:, 1:] - triangles[:, :1]
    return float(np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1).sum()) / 2.0


def triangles_of(collection: bpy.types.Collection, wanted: set[str]) -> Iterator[Doubles]:
    """The triangles of the materials called ``wanted`` in world coordinates, (t, 3, 3) for each mesh."""
    for item, mesh, matrix in visible_meshes(collection):
        names = [slot.material.name if slot.material else "" for slot in item.material_slots]
        slots = [index for index, name in enumerate(names) if name in wanted]
        if not slots:
            continue
        mesh.calc_loop_triangles()
        of_slot = values_of(mesh.loop_triangles, "material_index", 1, np.int32).ravel()
        corners = values_of(mesh.loop_triangles, "vertices", 3, np.int32)[np.isin(of_slot, slots)]
        transform = np.array(matrix)
        places = values_of(mesh.vertices, "co", 3, np.float32).astype(np.float64)
        yield (places @ transform[:3, :3].T + transform[:3, 3])[corners]
