# SPDX-License-Identifier: GPL-3.0-or-later
"""A round mug in several colors, as a GLB with KHR_materials_variants; its handle has the same color in all of them."""

from collections.abc import Sequence
from typing import Any

from tests.blender.products import Glb
from tests.blender.shapes import add_solid, ball, box

PAINTS = ([0.6, 0.02, 0.03, 1.0], [0.02, 0.06, 0.6, 1.0], [0.02, 0.4, 0.05, 1.0])
NAMES = ("Red", "Blue", "Green")


def painted_mug(names: Sequence[str] = NAMES, **last: Any) -> Glb:
    """Its default materials are those of the first variant. ``last``: more members of the material of the last one."""
    glb = Glb()
    for number in range(max(len(names), 1)):
        glb.add_material(f"Paint {number + 1}", baseColorFactor=PAINTS[number % len(PAINTS)])
    glb.document["materials"][-1].update(last)
    handle = glb.add_material("Handle", baseColorFactor=[0.7, 0.7, 0.7, 1.0])
    body = add_solid(glb, ball(), 0, "Body")
    glb.add_scene(body, add_solid(glb, box((0.4, -0.1, -0.1), (0.8, 0.1, 0.1)), handle, "Handle"))
    if not names:
        return glb
    glb.document["extensionsUsed"] = ["KHR_materials_variants"]
    glb.document["extensions"] = {"KHR_materials_variants": {"variants": [{"name": name} for name in names]}}
    mappings = [{"material": number, "variants": [number]} for number in range(len(names))]
    mesh = glb.document["meshes"][glb.document["nodes"][body]["mesh"]]
    mesh["primitives"][0]["extensions"] = {"KHR_materials_variants": {"mappings": mappings}}
    return glb
