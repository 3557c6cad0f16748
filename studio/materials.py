# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores what Blender's glTF importer drops from materials, and adapts what depends on the size of the product.

The Khronos specification of each extension says what it means; ``docs/materials.md`` says what Blender makes of it.
Materials are changed in the studio only; the file is not modified.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

import bpy

from ..gltf.document import Gltf
from ..gltf.findings import Finding, Severity
from ..gltf.json_values import Json, as_dict, colour_or_white, number_or
from .blender import (
    input_of,
    links_of,
    materials_of,
    new_node,
    nodes_of,
    output_of,
    present,
    set_value,
    value_of,
)
from .iridescence import set_thin_film
from .shader_nodes import Tree, copy_input, mix_after, multiply_colour, square_colour

MIN_TRANSMITTANCE = 1e-4  # Of an attenuation colour, whose logarithm is taken.
MIRROR_IOR = 1000.0  # glTF writes full reflection at all angles as index 0; this index reflects 0.996.

Principled = bpy.types.ShaderNodeBsdfPrincipled


def principled_of(material: bpy.types.Material) -> Principled | None:
    """The Principled BSDF of an imported material; None for unlit and foreign materials."""
    return next(nodes_of(material.node_tree, Principled), None)


def is_clear(material: bpy.types.Material) -> bool:
    """Does the Principled BSDF of the material transmit light?"""
    surface = principled_of(material)
    return surface is not None and _transmits(surface)


def has_alpha(material: bpy.types.Material) -> bool:
    """Is the material partly transparent (glTF alpha), so that what is behind it can be seen?"""
    surface = principled_of(material)
    if surface is None:
        return next(nodes_of(material.node_tree, bpy.types.ShaderNodeBsdfTransparent), None) is not None
    alpha = input_of(surface, "Alpha")
    return bool(alpha.is_linked or value_of(alpha) < 1.0)


def lets_light_through(objects: Iterable[bpy.types.Object]) -> bool:
    """Does any material of the objects refract light? They need more bounces and samples."""
    trees = {material.node_tree for item in objects for material in materials_of(item)}
    return any(_refracts(tree) for tree in trees if tree is not None)


def _refracts(tree: Tree) -> bool:
    # Not a Transparent BSDF: it bends nothing, and Cycles limits its bounces separately.
    for kind in (bpy.types.ShaderNodeBsdfGlass, bpy.types.ShaderNodeBsdfRefraction):
        if next(nodes_of(tree, kind), None) is not None:
            return True
    return any(_transmits(surface) for surface in nodes_of(tree, Principled))


def _transmits(surface: Principled) -> bool:
    weight = input_of(surface, "Transmission Weight")
    return bool(weight.is_linked or value_of(weight) > 0.0)


def restore_materials(
    gltf: Gltf,
    materials: Mapping[bpy.types.Material, int],
    *,
    scale: float,
    open_materials: set[str],
) -> Iterator[Finding]:
    """Restore imported materials; findings about what still looks different from what the file says.

    ``materials`` maps each material to its index in the file. ``scale`` is the size of the product in the studio divided
    by its real size. ``open_materials`` are the names of those that are mostly on surfaces which enclose no space.
    """
    entries = gltf.entries("materials")
    for material, number in materials.items():
        if not 0 <= number < len(entries):
            continue
        extensions = as_dict(entries[number].get("extensions"))
        if "KHR_materials_unlit" in extensions:
            yield from _give_shadow(material)
            continue
        surface = principled_of(material)
        if surface is not None:
            is_open = material.name in open_materials
            yield from _restore(gltf, material, surface, extensions, scale=scale, is_open=is_open)


def _restore(
    gltf: Gltf,
    material: bpy.types.Material,
    surface: Principled,
    extensions: Json,
    *,
    scale: float,
    is_open: bool,
) -> Iterator[Finding]:
    volume = as_dict(extensions.get("KHR_materials_volume"))
    _set_clearcoat(surface, as_dict(extensions.get("KHR_materials_clearcoat")))
    _set_ior(surface, extensions.get("KHR_materials_ior"))
    _set_tangent(material, surface, as_dict(extensions.get("KHR_materials_anisotropy")))
    yield from _set_volume(material, surface, volume, scale, is_open)
    if "KHR_materials_transmission" in extensions and number_or(volume.get("thicknessFactor"), 0.0) <= 0.0:
        yield from _set_wall(material, surface, is_open)
    # Last, because it may copy the surface as it is then.
    iridescence = as_dict(extensions.get("KHR_materials_iridescence"))
    yield from set_thin_film(gltf, material, surface, iridescence)


def _set_clearcoat(surface: Principled, coat: Json) -> None:
    """By default a glTF coat is perfectly smooth; Blender's is slightly rough."""
    roughness = input_of(surface, "Coat Roughness")
    if coat and "clearcoatRoughnessFactor" not in coat and not roughness.is_linked:
        set_value(roughness, 0.0)


def _set_ior(surface: Principled, extension: object) -> None:
    """Index 0 means full reflection at every angle."""
    if isinstance(extension, dict) and extension.get("ior") == 0:
        set_value(input_of(surface, "IOR"), MIRROR_IOR)


def _set_tangent(material: bpy.types.Material, surface: Principled, anisotropy: Json) -> None:
    """Brushed lines follow the UV map; without a tangent Blender draws them around the Z axis."""
    tangent = input_of(surface, "Tangent")
    if not number_or(anisotropy.get("anisotropyStrength"), 0.0) or tangent.is_linked:
        return
    tree = present(material.node_tree)
    maps = [node.uv_map for node in nodes_of(tree, bpy.types.ShaderNodeNormalMap) if node.uv_map]
    node = new_node(tree, bpy.types.ShaderNodeTangent)
    node.direction_type = "UV_MAP"
    node.uv_map = maps[0] if maps else ""
    tree.links.new(output_of(node, "Tangent"), tangent)


def _give_shadow(material: bpy.types.Material) -> Iterator[Finding]:
    """Keep the colours of an unlit material for the camera, and make it opaque for the light.

    As imported it is transparent to all other rays, so that the product would cast no shadow.
    """
    tree = present(material.node_tree)
    emission = next(nodes_of(tree, bpy.types.ShaderNodeEmission), None)
    path = next(nodes_of(tree, bpy.types.ShaderNodeLightPath), None)
    if emission is None or path is None:
        return
    for link in links_of(output_of(path, "Is Camera Ray")):
        mix = present(link.to_node)
        solid = new_node(tree, bpy.types.ShaderNodeBsdfDiffuse)
        copy_input(tree, input_of(emission, "Color"), input_of(solid, "Color"))
        tree.links.new(output_of(solid, "BSDF"), input_of(mix, 1))
    yield Finding(
        kind="unlit",
        severity=Severity.NOTE,
        where=material.name,
        text=f"Material {material.name} is unlit (KHR_materials_unlit): its colors are rendered as they are, without "
        "shading and reflections. To get them, export it as a lit material.",
    )


def _set_volume(
    material: bpy.types.Material, surface: Principled, volume: Json, scale: float, is_open: bool
) -> Iterator[Finding]:
    """Absorption as the specification defines it, for a product that is ``scale`` times as large.

    Beer's law: after a distance d the colour is c^(d / attenuationDistance), so the absorption coefficient is
    -ln(c) / attenuationDistance. Blender's node absorbs density * (1 - colour).
    """
    tree = present(material.node_tree)
    node = next(nodes_of(tree, bpy.types.ShaderNodeVolumeAbsorption), None)
    if node is None:
        return
    attenuation = colour_or_white(volume.get("attenuationColor"))
    colour = [min(max(part, MIN_TRANSMITTANCE), 1.0) for part in attenuation]
    distance = number_or(volume.get("attenuationDistance"), math.inf)
    if distance <= 0.0:
        distance = math.inf
    absorbed = [-math.log(part) / distance for part in colour]
    if is_open:
        # A surface with holes encloses no space: light would be absorbed even after it has left.
        tree.nodes.remove(node)
        if not any(absorbed):
            return
        thickness = number_or(volume.get("thicknessFactor"), 0.0)
        tint = [math.exp(-part * thickness) for part in absorbed]
        multiply_colour(tree, input_of(surface, "Base Color"), tint)
        yield _open_volume(material)
        return
    largest = max(absorbed)
    set_value(input_of(node, "Density"), largest / scale)
    set_value(
        input_of(node, "Color"), (*((1.0 - part / largest if largest else 1.0) for part in absorbed), 1.0)
    )


def _open_volume(material: bpy.types.Material) -> Finding:
    return Finding(
        kind="open_volume",
        severity=Severity.WARNING,
        where=material.name,
        text=f"Material {material.name} absorbs light inside (KHR_materials_volume), but its surface has holes and "
        "encloses no space; it is tinted evenly by its thickness instead. Close the mesh to see depth in it.",
    )


def _set_wall(material: bpy.types.Material, surface: Principled, is_open: bool) -> Iterator[Finding]:
    """Glass without a thickness is a thin wall, which does not refract. Refraction needs an inside."""
    if not is_open:
        yield Finding(
            kind="solid_glass",
            severity=Severity.NOTE,
            where=material.name,
            text=f"Material {material.name} transmits light and has no thickness (KHR_materials_volume); where its "
            "surface is closed it is rendered as solid glass. If the product is hollow, model the inner wall too.",
        )
        return
    tree = present(material.node_tree)
    if "Thin Wall" in present(surface.inputs):
        set_value(input_of(surface, "Thin Wall"), True)
    else:
        # Index 1 does not refract; a coat with the original index reflects instead.
        coat = input_of(surface, "Coat Weight")
        if not coat.is_linked and value_of(coat) == 0.0:
            set_value(coat, 1.0)
            set_value(input_of(surface, "Coat IOR"), value_of(input_of(surface, "IOR")))
            copy_input(tree, input_of(surface, "Roughness"), input_of(surface, "Coat Roughness"))
            copy_input(tree, input_of(surface, "Normal"), input_of(surface, "Coat Normal"))
        set_value(input_of(surface, "IOR"), 1.0)
        # Cycles tints by the square root of the colour on the way in and on the way out; a wall is passed once.
        square_colour(tree, input_of(surface, "Base Color"))
    _let_light_in(tree, surface)


def _let_light_in(tree: Tree, surface: Principled) -> None:
    """Light what is behind a thin wall: for rays towards lights the wall is a transparent, tinted foil.

    Refraction blocks such rays; a wall that does not refract has no reason to.
    """
    path = new_node(tree, bpy.types.ShaderNodeLightPath)
    either = new_node(tree, bpy.types.ShaderNodeMath)
    either.operation = "MAXIMUM"
    tree.links.new(output_of(path, "Is Shadow Ray"), input_of(either, 0))
    tree.links.new(output_of(path, "Is Diffuse Ray"), input_of(either, 1))
    share = new_node(tree, bpy.types.ShaderNodeMath)
    share.operation = "MULTIPLY"
    tree.links.new(output_of(either, 0), input_of(share, 0))
    copy_input(tree, input_of(surface, "Transmission Weight"), input_of(share, 1))
    foil = new_node(tree, bpy.types.ShaderNodeBsdfTransparent)
    copy_input(tree, input_of(surface, "Base Color"), input_of(foil, "Color"))
    mix_after(tree, surface, output_of(share, 0), output_of(foil, 0))
