# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnects textures without pixels, which Cycles would render in magenta."""

from collections.abc import Iterable, Iterator

import bpy

from ..gltf.findings import Finding, Severity
from .blender import links_of, materials_of, nodes_of, present


def disconnect_missing_textures(objects: Iterable[bpy.types.Object]) -> Iterator[Finding]:
    """Disconnect the textures of the objects that have no pixels; a finding for each of them."""
    materials = {material.name: material for item in objects for material in materials_of(item)}
    for name, material in sorted(materials.items()):
        for node in nodes_of(material.node_tree, bpy.types.ShaderNodeTexImage):
            if node.image and node.image.size[0] and node.image.size[1]:
                continue
            texture = node.image.name if node.image else "without a name"
            for output in present(node.outputs):
                for link in links_of(output):
                    present(material.node_tree).links.remove(link)
            yield Finding(
                kind="texture_missing",
                severity=Severity.ERROR,
                where=name,
                text=f"Material {name}: its texture {texture} is missing or unreadable, so its plain color is rendered. "
                "Add it as PNG or JPEG, and export again.",
            )
