# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives back to imported materials what Blender's glTF importer drops or what the studio's size would change.

What each extension means is in its Khronos specification; what Blender makes of it is in ``docs/materials.md``.
Repairs are made in the studio only; the file stays as it is.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import bpy

from ..gltf.document import Gltf
from ..gltf.findings import Finding, Severity
from . import compat

LEAST_TRANSMITTANCE = 1e-4  # Of an attenuation colour: a logarithm needs more than nothing.
MIRROR_IOR = 1000.0  # glTF writes a Fresnel factor of one as index 0; this gives 0.996.
IRIDESCENCE = {"ior": 1.3, "least": 100.0, "most": 400.0}  # Defaults of KHR_materials_iridescence, nm.

Json = dict[str, Any]


def principled_of(material: bpy.types.Material) -> bpy.types.Node | None:
    """The Principled BSDF of an imported material; None when it has none (unlit, foreign)."""
    if not material.node_tree:
        return None
    return next((node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)


def is_clear(material: bpy.types.Material) -> bool:
    """Does light pass through it?"""
    surface = principled_of(material)
    if surface is None:
        return False
    weight = surface.inputs["Transmission Weight"]
    return bool(weight.is_linked or weight.default_value > 0.0)


def restore_materials(
    gltf: Gltf,
    materials: Mapping[bpy.types.Material, int],
    *,
    scale: float,
    open_materials: set[str],
) -> Iterator[Finding]:
    """Repair imported materials; findings about what is now shown otherwise than the file says.

    ``materials`` gives each its number in the file. ``scale`` is how much larger the product stands in the
    studio. ``open_materials`` names those that are mostly on surfaces which enclose no space.
    """
    entries = gltf.entries("materials")
    for material, number in materials.items():
        if not 0 <= number < len(entries):
            continue
        extensions = _dict(entries[number].get("extensions"))
        if "KHR_materials_unlit" in extensions:
            yield from _give_shadow(material)
            continue
        surface = principled_of(material)
        if surface is None:
            continue
        is_open = material.name in open_materials
        _set_clearcoat(surface, _dict(extensions.get("KHR_materials_clearcoat")))
        _set_ior(surface, extensions.get("KHR_materials_ior"))
        _set_tangent(material, surface, _dict(extensions.get("KHR_materials_anisotropy")))
        yield from _set_volume(
            material, surface, _dict(extensions.get("KHR_materials_volume")), scale, is_open
        )
        if "KHR_materials_transmission" in extensions:
            yield from _set_wall(material, surface, _dict(extensions.get("KHR_materials_volume")), is_open)
        # Last: it may take a copy of the surface as it then is.
        yield from _set_film(gltf, material, surface, _dict(extensions.get("KHR_materials_iridescence")))


def _set_clearcoat(surface: bpy.types.Node, coat: Json) -> None:
    """The specification's coat is smooth unless it says otherwise; Blender's is not quite."""
    roughness = surface.inputs["Coat Roughness"]
    if coat and "clearcoatRoughnessFactor" not in coat and not roughness.is_linked:
        roughness.default_value = 0.0


def _set_ior(surface: bpy.types.Node, extension: object) -> None:
    """Index 0 stands for a surface that reflects all light at every angle."""
    if isinstance(extension, dict) and extension.get("ior") == 0:
        surface.inputs["IOR"].default_value = MIRROR_IOR


def _set_tangent(material: bpy.types.Material, surface: bpy.types.Node, anisotropy: Json) -> None:
    """Brushed lines follow the texture's direction; without a tangent Blender runs them around the axis."""
    tangent = surface.inputs["Tangent"]
    if not _number(anisotropy.get("anisotropyStrength"), 0.0) or tangent.is_linked:
        return
    tree = material.node_tree
    maps = [node.uv_map for node in tree.nodes if node.type == "NORMAL_MAP" and node.uv_map]
    node = tree.nodes.new("ShaderNodeTangent")
    node.direction_type = "UV_MAP"
    node.uv_map = maps[0] if maps else ""
    tree.links.new(node.outputs["Tangent"], tangent)


def _give_shadow(material: bpy.types.Material) -> Iterator[Finding]:
    """An unlit material keeps its colours towards the camera, and is solid for the light.

    Blender's importer lets all other rays through, so that the product would cast no shadow.
    """
    tree = material.node_tree
    emission = next((node for node in tree.nodes if node.type == "EMISSION"), None)
    path = next((node for node in tree.nodes if node.type == "LIGHT_PATH"), None)
    if emission is None or path is None:
        return
    for link in tuple(path.outputs["Is Camera Ray"].links):
        mix = link.to_node
        solid = tree.nodes.new("ShaderNodeBsdfDiffuse")
        _copy_input(tree, emission.inputs["Color"], solid.inputs["Color"])
        tree.links.new(solid.outputs["BSDF"], mix.inputs[1])
    yield Finding(
        kind="unlit",
        severity=Severity.NOTE,
        where=material.name,
        text=f"Material {material.name} is unlit (KHR_materials_unlit): its colours are shown as they are, so the "
        "studio's light gives it no shading and no reflections. Export it as a lit material to have them.",
    )


def _set_volume(
    material: bpy.types.Material, surface: bpy.types.Node, volume: Json, scale: float, is_open: bool
) -> Iterator[Finding]:
    """Absorption as the specification has it, for a product that stands ``scale`` times as large.

    Beer's law: after a way d the colour c^(d / attenuationDistance) is left, so the coefficient is
    -ln(c) / attenuationDistance. Blender's node absorbs density * (1 - colour).
    """
    tree = material.node_tree
    node = next((node for node in tree.nodes if node.type == "VOLUME_ABSORPTION"), None)
    if node is None:
        return
    colour = [min(max(part, LEAST_TRANSMITTANCE), 1.0) for part in _colour(volume.get("attenuationColor"))]
    distance = _number(volume.get("attenuationDistance"), math.inf)
    if distance <= 0.0:
        distance = math.inf
    absorbed = [-math.log(part) / distance for part in colour]
    if is_open:
        # A surface with holes encloses nothing: light would go on being absorbed after it has left.
        tree.nodes.remove(node)
        if not any(absorbed):
            return
        thickness = _number(volume.get("thicknessFactor"), 0.0)
        _tint(tree, surface, [math.exp(-part * thickness) for part in absorbed])
        yield Finding(
            kind="open_volume",
            severity=Severity.WARNING,
            where=material.name,
            text=f"Material {material.name} absorbs light inside (KHR_materials_volume), but its surface has holes "
            "and so no inside; it is shown evenly tinted by its thickness. Close the mesh to see depth in it.",
        )
        return
    most = max(absorbed)
    node.inputs["Density"].default_value = most / scale
    node.inputs["Color"].default_value = (*((1.0 - part / most if most else 1.0) for part in absorbed), 1.0)


def _set_wall(
    material: bpy.types.Material, surface: bpy.types.Node, volume: Json, is_open: bool
) -> Iterator[Finding]:
    """Without a thickness, glass is a thin wall: light goes straight through. Refraction needs an inside."""
    if _number(volume.get("thicknessFactor"), 0.0) > 0.0:
        return
    if not is_open:
        yield Finding(
            kind="solid_glass",
            severity=Severity.NOTE,
            where=material.name,
            text=f"Material {material.name} lets light through and has no thickness (KHR_materials_volume); where its "
            "surface is closed it is shown as solid glass. Model the inner wall too if it is hollow.",
        )
        return
    tree = material.node_tree
    if "Thin Wall" in surface.inputs:
        surface.inputs["Thin Wall"].default_value = True
    else:
        # Index 1 bends nothing; the reflection of the wall comes from a coat with its index.
        if not surface.inputs["Coat Weight"].is_linked and surface.inputs["Coat Weight"].default_value == 0.0:
            surface.inputs["Coat Weight"].default_value = 1.0
            surface.inputs["Coat IOR"].default_value = surface.inputs["IOR"].default_value
            _copy_input(tree, surface.inputs["Roughness"], surface.inputs["Coat Roughness"])
            _copy_input(tree, surface.inputs["Normal"], surface.inputs["Coat Normal"])
        surface.inputs["IOR"].default_value = 1.0
        _square_colour(tree, surface)
    _let_light_in(tree, surface)


def _square_colour(tree: bpy.types.NodeTree, surface: bpy.types.Node) -> None:
    """Cycles tints by the root of the colour, for the way in and the way out; a wall is passed once."""
    colour = surface.inputs["Base Color"]
    if not colour.is_linked:
        *parts, alpha = colour.default_value
        colour.default_value = (*(part * part for part in parts), alpha)
        return
    source = colour.links[0].from_socket
    square = tree.nodes.new("ShaderNodeVectorMath")
    square.operation = "MULTIPLY"
    for index in (0, 1):
        tree.links.new(source, square.inputs[index])
    tree.links.new(square.outputs[0], colour)


def _let_light_in(tree: bpy.types.NodeTree, surface: bpy.types.Node) -> None:
    """Light for what is behind a thin wall: to rays that look for light it is a clear, tinted foil.

    Refraction hides lamps from those rays; without a bend there is no reason to.
    """
    path = tree.nodes.new("ShaderNodeLightPath")
    either = tree.nodes.new("ShaderNodeMath")
    either.operation = "MAXIMUM"
    tree.links.new(path.outputs["Is Shadow Ray"], either.inputs[0])
    tree.links.new(path.outputs["Is Diffuse Ray"], either.inputs[1])
    share = tree.nodes.new("ShaderNodeMath")
    share.operation = "MULTIPLY"
    tree.links.new(either.outputs[0], share.inputs[0])
    _copy_input(tree, surface.inputs["Transmission Weight"], share.inputs[1])
    foil = tree.nodes.new("ShaderNodeBsdfTransparent")
    _copy_input(tree, surface.inputs["Base Color"], foil.inputs["Color"])
    _mix_after(tree, surface, share.outputs[0], foil.outputs[0])


def _set_film(
    gltf: Gltf, material: bpy.types.Material, surface: bpy.types.Node, film: Json
) -> Iterator[Finding]:
    """Iridescence as a thin film: its thickness in nm from a texture or even, its share by mixing.

    The specification weighs reflection with the film against that without; Blender's film has no weight.
    """
    thickness, tree = surface.inputs["Thin Film Thickness"], material.node_tree
    if not film:
        return
    for link in tuple(thickness.links):
        tree.links.remove(link)
    factor = _number(film.get("iridescenceFactor"), 0.0)
    if factor <= 0.0:
        thickness.default_value = 0.0
        return
    metallic = surface.inputs["Metallic"]
    if not compat.shows_film_on_metal() and (metallic.is_linked or metallic.default_value > 0.0):
        yield Finding(
            kind="extension_not_shown",
            severity=Severity.WARNING,
            where=material.name,
            text=f"Material {material.name} is iridescent metal (KHR_materials_iridescence), which this Blender shows "
            "without its play of colours. Use Blender 5.2 or newer for it.",
        )
    least = _number(film.get("iridescenceThicknessMinimum"), IRIDESCENCE["least"])
    most = _number(film.get("iridescenceThicknessMaximum"), IRIDESCENCE["most"])
    thickness.default_value = most
    surface.inputs["Thin Film IOR"].default_value = _number(film.get("iridescenceIor"), IRIDESCENCE["ior"])
    painted = _channel(gltf, tree, film.get("iridescenceThicknessTexture"), "Green")
    if painted is not None:
        between = tree.nodes.new("ShaderNodeMapRange")
        tree.links.new(painted, between.inputs["Value"])
        between.inputs["To Min"].default_value = least
        between.inputs["To Max"].default_value = most
        tree.links.new(between.outputs["Result"], thickness)
    weight = _channel(gltf, tree, film.get("iridescenceTexture"), "Red")
    if weight is None and factor >= 1.0:
        return
    plain = _twin(tree, surface)
    plain.inputs["Thin Film Thickness"].default_value = 0.0
    share = tree.nodes.new("ShaderNodeMath")
    share.operation = "MULTIPLY"
    share.inputs[0].default_value = 1.0
    share.inputs[1].default_value = min(factor, 1.0)
    if weight is not None:
        tree.links.new(weight, share.inputs[0])
    mix = _mix_after(tree, surface, share.outputs[0], surface.outputs[0])
    tree.links.new(plain.outputs[0], mix.inputs[1])


def _twin(tree: bpy.types.NodeTree, node: bpy.types.Node) -> bpy.types.Node:
    """A second node with the same inputs, but for the film."""
    twin = tree.nodes.new(node.bl_idname)
    for name in ("distribution", "subsurface_method"):
        setattr(twin, name, getattr(node, name))
    for source, target in zip(node.inputs, twin.inputs, strict=True):
        if source.name != "Thin Film Thickness":
            _copy_input(tree, source, target)
    return twin


def _mix_after(
    tree: bpy.types.NodeTree, node: bpy.types.Node, factor: bpy.types.NodeSocket, other: bpy.types.NodeSocket
) -> bpy.types.Node:
    """Where the output of ``node`` goes, send a mix of it with ``other`` by ``factor``."""
    goals = [link.to_socket for link in node.outputs[0].links]
    mix = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(factor, mix.inputs[0])
    tree.links.new(node.outputs[0], mix.inputs[1])
    tree.links.new(other, mix.inputs[2])
    for goal in goals:
        tree.links.new(mix.outputs[0], goal)
    return mix


def _copy_input(tree: bpy.types.NodeTree, source: bpy.types.NodeSocket, target: bpy.types.NodeSocket) -> None:
    """Feed ``target`` with what feeds ``source``: a link, or a value."""
    if source.is_linked:
        tree.links.new(source.links[0].from_socket, target)
    elif hasattr(source, "default_value") and not source.hide_value:
        target.default_value = source.default_value


def _tint(tree: bpy.types.NodeTree, surface: bpy.types.Node, colour: list[float]) -> None:
    """Multiply the base colour."""
    base = surface.inputs["Base Color"]
    if not base.is_linked:
        *parts, alpha = base.default_value
        base.default_value = (*(part * tint for part, tint in zip(parts, colour, strict=True)), alpha)
        return
    product = tree.nodes.new("ShaderNodeVectorMath")
    product.operation = "MULTIPLY"
    tree.links.new(base.links[0].from_socket, product.inputs[0])
    product.inputs[1].default_value = colour
    tree.links.new(product.outputs[0], base)


def _channel(gltf: Gltf, tree: bpy.types.NodeTree, info: object, channel: str) -> bpy.types.NodeSocket | None:
    """One channel of a texture that the importer left out; None when there is none inside the file."""
    info = _dict(info)
    textures = gltf.entries("textures")
    index = info.get("index")
    if not isinstance(index, int) or not 0 <= index < len(textures):
        return None
    webp = _dict(_dict(textures[index].get("extensions")).get("EXT_texture_webp"))
    source = textures[index].get("source", webp.get("source"))
    data = gltf.image(source)
    if data is None:
        return None
    picture = bpy.data.images.new(f"Film {index}", 8, 8)
    picture.pack(data=data, data_len=len(data))
    picture.source = "FILE"
    picture.colorspace_settings.is_data = True
    if not (picture.size[0] and picture.size[1]):
        bpy.data.images.remove(picture)
        return None
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = picture
    _place(tree, node, info)
    split = tree.nodes.new("ShaderNodeSeparateColor")
    tree.links.new(node.outputs["Color"], split.inputs[0])
    return split.outputs[channel]


def _place(tree: bpy.types.NodeTree, node: bpy.types.Node, info: Json) -> None:
    """The texture's own UV map and KHR_texture_transform.

    glTF: (u', v') = offset + (cos sx u + sin sy v, -sin sx u + cos sy v), v downwards. With V = 1 - v that is
    Blender's mapping with the same rotation and scale, moved by (ox + sin sy, 1 - oy - cos sy).
    """
    transform = _dict(_dict(info.get("extensions")).get("KHR_texture_transform"))
    number = transform.get("texCoord", info.get("texCoord", 0))
    if not transform and not number:
        return
    uv = tree.nodes.new("ShaderNodeUVMap")
    uv.uv_map = f"UVMap.{number:03d}" if isinstance(number, int) and number else "UVMap"
    out = uv.outputs["UV"]
    if transform:
        turn = _number(transform.get("rotation"), 0.0)
        offset, scale = _pair(transform.get("offset"), 0.0), _pair(transform.get("scale"), 1.0)
        mapping = tree.nodes.new("ShaderNodeMapping")
        sine, cosine = math.sin(turn) * scale[1], math.cos(turn) * scale[1]
        mapping.inputs["Location"].default_value = (offset[0] + sine, 1.0 - offset[1] - cosine, 0.0)
        mapping.inputs["Rotation"].default_value = (0.0, 0.0, turn)
        mapping.inputs["Scale"].default_value = (*scale, 1.0)
        tree.links.new(out, mapping.inputs["Vector"])
        out = mapping.outputs["Vector"]
    tree.links.new(out, node.inputs["Vector"])


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _number(value: object, usual: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else usual


def _pair(value: object, usual: float) -> tuple[float, float]:
    pair = value if isinstance(value, list) and len(value) == 2 else (usual, usual)
    return _number(pair[0], usual), _number(pair[1], usual)


def _colour(value: object) -> list[float]:
    colour = value if isinstance(value, list) and len(value) == 3 else (1.0, 1.0, 1.0)
    return [_number(part, 1.0) for part in colour]
