# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds vertices with missing or invalid normals and positions in the file: after an import Blender has replaced them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .document import Gltf
from .findings import Finding, Severity, counted
from .json_values import as_dicts
from .mesh_checks import is_far

TRIANGLE_MODES = (4, 5, 6)  # Triangles, strips and fans (glTF 2.0, 3.7.2.1).


@dataclass(slots=True)
class _Broken:
    """Names of meshes without normals, and the number of invalid normals and positions of each mesh."""

    without_normals: set[str] = field(default_factory=set)
    normals: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)


def find_broken_vertices(gltf: Gltf) -> Iterator[Finding]:
    """Findings about meshes without normals, normals of zero length, and positions that cannot be rendered."""
    broken = _count_broken(gltf)
    for name in sorted(broken.without_normals):
        yield Finding(
            kind="no_normals",
            severity=Severity.NOTE,
            where=name,
            text=f"{name} has no normals, so edges of less than 30 degrees are rendered smooth. Export normals to control "
            "which edges are smooth and which are sharp.",
        )
    for name, count in broken.normals.items():
        if count:
            yield Finding(
                kind="broken_normals",
                severity=Severity.NOTE,
                where=name,
                count=count,
                text=f"{name}: {counted(count, 'normal')} {'has' if count == 1 else 'have'} zero length or invalid values; "
                "they were computed from the faces instead. Recalculate the normals in your 3D software.",
            )
    for name, count in broken.positions.items():
        if count:
            yield Finding(
                kind="broken_vertices",
                severity=Severity.ERROR,
                where=name,
                count=count,
                text=f"{name}: {counted(count, 'vertex position')} {'is' if count == 1 else 'are'} invalid or extremely far "
                "away; the faces that use them are left out. Repair the mesh and export it again.",
            )


def _count_broken(gltf: Gltf) -> _Broken:
    found = _Broken()
    for number, mesh in enumerate(gltf.entries("meshes")):
        name = str(mesh.get("name") or f"mesh {number}")
        for primitive in as_dicts(mesh.get("primitives")):
            attributes = primitive.get("attributes")
            if primitive.get("mode", 4) not in TRIANGLE_MODES or not isinstance(attributes, dict):
                continue
            if "NORMAL" not in attributes:
                found.without_normals.add(name)
            elif (normals := gltf.floats(attributes["NORMAL"])) is not None:
                lengths = np.einsum("ij,ij->i", normals, normals)
                found.normals[name] = found.normals.get(name, 0) + int((~(lengths > 1e-12)).sum())
            if (points := gltf.floats(attributes.get("POSITION"))) is not None:
                found.positions[name] = found.positions.get(name, 0) + int(is_far(points).sum())
    return found
