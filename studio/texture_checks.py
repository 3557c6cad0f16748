# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with textures, UV maps and materials without maps."""

from collections.abc import Iterator

import bpy

from ..gltf.findings import Finding, Severity, counted
from .blender import input_of, nodes_of, present, value_of
from .materials import principled_of
from .mesh_facts import MeshFacts

MAX_TEXTURE = 8192  # Pixels of a side. Larger ones take more than 1 GB as floats, and no picture shows that much detail.
MIN_TEXTURE = 128  # Pixels of a side: over a whole product that is less than a picture has.
MAX_PALETTE = 16  # Pixels of a side up to which a texture is a palette or a plain colour.
MANY = 0.01  # The share of the surface from which missing UVs are reported.
PALETTE_SHARE = (
    0.9  # Models that take each colour from one place of a palette have no UV areas on more than this.
)


def uv_problems(facts: MeshFacts) -> Iterator[Finding]:
    """Textured faces without a UV map, or without an area in it."""
    textured = [item for item in facts.materials if item and images_of(item)]
    faces = facts.of(textured)
    if not faces.any():
        return
    if not facts.has_uvs or facts.uv_areas is None:
        yield Finding(
            kind="missing_uvs",
            severity=Severity.WARNING,
            where=facts.where,
            count=int(faces.sum()),
            text=f"{facts.where} has textures but no UV map, so that each texture appears as a single color. Unwrap the "
            "mesh and export it again.",
        )
        return
    areas = facts.shape.areas[faces]
    empty = (facts.uv_areas[faces] <= 0.0) & ~facts.shape.flat[faces]
    share = float(areas[empty].sum() / areas.sum()) if areas.sum() > 0.0 else 0.0
    has_normal_map = any(_has_normal_map(item) for item in textured)
    is_palette = share > PALETTE_SHARE and not has_normal_map
    if share < MANY or is_palette:
        return
    yield Finding(
        kind="zero_area_uvs",
        severity=Severity.WARNING,
        where=facts.where,
        count=int(empty.sum()),
        text=f"{facts.where}: {counted(int(empty.sum()), 'face')} ({share:.0%} of the surface) without area in the UV map; "
        "textures are smeared there. Unwrap them and export again.",
    )


def texture_problems(meshes: list[MeshFacts]) -> Iterator[Finding]:
    """Textures that are very large, very small, or not sized in powers of two."""
    users: dict[str, tuple[bpy.types.Image, str]] = {}
    for facts in meshes:
        for item in facts.materials:
            for image in images_of(item) if item else ():
                users.setdefault(image.name, (image, item.name if item else ""))
    for name, (image, material) in sorted(users.items()):
        yield from _size_of_texture(name, image, material)


def _size_of_texture(name: str, image: bpy.types.Image, material: str) -> Iterator[Finding]:
    width, height = image.size
    subject = f"Texture {name} of material {material} ({width} × {height})"
    if max(width, height) > MAX_TEXTURE:
        yield Finding(
            kind="texture_huge",
            severity=Severity.WARNING,
            where=name,
            count=max(width, height),
            text=f"{subject} takes {width * height * 16 / 2**30:.1f} GB of memory, more detail than any picture shows. "
            f"Reduce it to {MAX_TEXTURE // 2} pixels.",
        )
    elif not _is_power_of_two(width) or not _is_power_of_two(height):
        yield Finding(
            kind="texture_not_power_of_two",
            severity=Severity.NOTE,
            where=name,
            text=f"{subject} has sides that are not powers of two. These pictures are not affected, but phones and web "
            "viewers blur it. Resize it to powers of two for them.",
        )
    if MAX_PALETTE < max(width, height) < MIN_TEXTURE and not present(image.colorspace_settings).is_data:
        yield Finding(
            kind="texture_tiny",
            severity=Severity.NOTE,
            where=name,
            count=max(width, height),
            text=f"{subject} is small and looks blurred in large pictures. Use a larger one if it shows a pattern or "
            "print.",
        )


def plain_materials(meshes: list[MeshFacts]) -> Iterator[Finding]:
    """A product whose materials differ in colour only, so that all of it reflects alike."""
    materials = {item.name: item for facts in meshes for item in facts.materials if item}
    surfaces = [surface for item in materials.values() if (surface := principled_of(item)) is not None]
    if not any(input_of(surface, "Base Color").is_linked for surface in surfaces):
        return
    inputs = ("Metallic", "Roughness", "Normal")
    if any(input_of(surface, name).is_linked for surface in surfaces for name in inputs):
        return
    values = {
        tuple(round(float(value_of(input_of(surface, name))), 3) for name in inputs[:2])
        for surface in surfaces
    }
    if len(values) > 1:
        return
    ((metallic, roughness),) = values
    look = f"one material of roughness {roughness:g}, so that metal and glass look painted"
    if is_metal := metallic > 0.5:
        look = f"metal (metallic {metallic:g}, roughness {roughness:g}), which looks dark if it is not metal"
    yield Finding(
        kind="no_pbr_maps",
        severity=Severity.WARNING if is_metal else Severity.NOTE,
        where=", ".join(sorted(materials))[:120],
        text="The product has color textures but no maps for metal, roughness or normals: all of it is rendered as "
        f"{look}. Export those maps too, or assign separate materials.",
    )


def images_of(material: bpy.types.Material) -> list[bpy.types.Image]:
    """The images that the material uses."""
    return [
        node.image
        for node in nodes_of(material.node_tree, bpy.types.ShaderNodeTexImage)
        if node.image and any(output.is_linked for output in present(node.outputs))
    ]


def _has_normal_map(material: bpy.types.Material) -> bool:
    maps = nodes_of(material.node_tree, bpy.types.ShaderNodeNormalMap)
    return any(input_of(node, "Color").is_linked for node in maps)


def _is_power_of_two(side: int) -> bool:
    return side & (side - 1) == 0
