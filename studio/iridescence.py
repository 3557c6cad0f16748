# SPDX-License-Identifier: GPL-3.0-or-later
"""KHR_materials_iridescence as the thin film of a Principled BSDF, with the textures that Blender's importer drops."""

import math
from collections.abc import Iterator

import bpy

from ..gltf.document import Gltf
from ..gltf.findings import Finding, Severity
from ..gltf.json_values import Json, as_dict, number_or, pair_or
from . import compat
from .blender import input_of, links_of, new_node, output_of, present, set_value, value_of
from .shader_nodes import Socket, Tree, copy_node, mix_after

DEFAULT_IOR = 1.3  # This and the next two are defaults of KHR_materials_iridescence.
DEFAULT_MIN_NM, DEFAULT_MAX_NM = 100.0, 400.0
THICKNESS = "Thin Film Thickness"


def set_thin_film(
    gltf: Gltf, material: bpy.types.Material, surface: bpy.types.ShaderNodeBsdfPrincipled, film: Json
) -> Iterator[Finding]:
    """Set up the thin film that the extension ``film`` describes; without one, do nothing.

    Its thickness in nm comes from a texture, or is the same everywhere. The specification blends the reflection with and
    without the film by a factor, which Blender does not have: two surfaces are mixed instead.
    """
    if not film:
        return
    tree, thickness = present(material.node_tree), input_of(surface, THICKNESS)
    for link in links_of(thickness):
        tree.links.remove(link)
    factor = number_or(film.get("iridescenceFactor"), 0.0)
    if factor <= 0.0:
        set_value(thickness, 0.0)
        return
    metallic = input_of(surface, "Metallic")
    if not compat.renders_thin_film_on_metal() and (metallic.is_linked or value_of(metallic) > 0.0):
        yield Finding(
            kind="extension_not_shown",
            severity=Severity.WARNING,
            where=material.name,
            text=f"Material {material.name} is iridescent metal (KHR_materials_iridescence), which this Blender renders "
            "without iridescence. Use Blender 5.2 or newer.",
        )
    _set_thickness(gltf, tree, thickness, film)
    set_value(input_of(surface, "Thin Film IOR"), number_or(film.get("iridescenceIor"), DEFAULT_IOR))
    weight = _channel(gltf, tree, film.get("iridescenceTexture"), "Red")
    if weight is not None or factor < 1.0:
        _blend(tree, surface, min(factor, 1.0), weight)


def _set_thickness(gltf: Gltf, tree: Tree, thickness: Socket, film: Json) -> None:
    minimum = number_or(film.get("iridescenceThicknessMinimum"), DEFAULT_MIN_NM)
    maximum = number_or(film.get("iridescenceThicknessMaximum"), DEFAULT_MAX_NM)
    set_value(thickness, maximum)
    texture = _channel(gltf, tree, film.get("iridescenceThicknessTexture"), "Green")
    if texture is not None:
        between = new_node(tree, bpy.types.ShaderNodeMapRange)
        tree.links.new(texture, input_of(between, "Value"))
        set_value(input_of(between, "To Min"), minimum)
        set_value(input_of(between, "To Max"), maximum)
        tree.links.new(output_of(between, "Result"), thickness)


def _blend(
    tree: Tree, surface: bpy.types.ShaderNodeBsdfPrincipled, factor: float, weight: Socket | None
) -> None:
    """Mix the surface with one without a film: ``factor`` times ``weight`` of it has the film."""
    plain = copy_node(tree, surface, without=THICKNESS)
    set_value(input_of(plain, THICKNESS), 0.0)
    share = new_node(tree, bpy.types.ShaderNodeMath)
    share.operation = "MULTIPLY"
    set_value(input_of(share, 0), 1.0)
    set_value(input_of(share, 1), factor)
    if weight is not None:
        tree.links.new(weight, input_of(share, 0))
    mix = mix_after(tree, surface, output_of(share, 0), output_of(surface, 0))
    tree.links.new(output_of(plain, 0), input_of(mix, 1))


def _channel(gltf: Gltf, tree: Tree, texture_info: object, channel: str) -> Socket | None:
    """One channel of a texture; None when the file contains no such picture."""
    info = as_dict(texture_info)
    textures = gltf.entries("textures")
    index = info.get("index")
    if not isinstance(index, int) or not 0 <= index < len(textures):
        return None
    webp = as_dict(as_dict(textures[index].get("extensions")).get("EXT_texture_webp"))
    data = gltf.image(textures[index].get("source", webp.get("source")))
    if data is None:
        return None
    picture = bpy.data.images.new(f"Film {index}", 8, 8)
    picture.pack(data=data, data_len=len(data))  # type: ignore[arg-type]  # Blender takes bytes, the stubs say str.
    picture.source = "FILE"
    present(picture.colorspace_settings).is_data = True
    if not (picture.size[0] and picture.size[1]):
        bpy.data.images.remove(picture)
        return None
    node = new_node(tree, bpy.types.ShaderNodeTexImage)
    node.image = picture
    _place(tree, node, info)
    split = new_node(tree, bpy.types.ShaderNodeSeparateColor)
    tree.links.new(output_of(node, "Color"), input_of(split, 0))
    return output_of(split, channel)


def _place(tree: Tree, node: bpy.types.ShaderNodeTexImage, info: Json) -> None:
    """Connect the UV map of a texture and its KHR_texture_transform.

    glTF: (u', v') = offset + (cos sx u + sin sy v, -sin sx u + cos sy v), with v downwards. With V = 1 - v this is
    Blender's mapping with the same rotation and scale, moved by (ox + sin sy, 1 - oy - cos sy).
    """
    transform = as_dict(as_dict(info.get("extensions")).get("KHR_texture_transform"))
    number = transform.get("texCoord", info.get("texCoord", 0))
    if not transform and not number:
        return
    uv = new_node(tree, bpy.types.ShaderNodeUVMap)
    uv.uv_map = f"UVMap.{number:03d}" if isinstance(number, int) and number else "UVMap"
    out = output_of(uv, "UV")
    if transform:
        turn = number_or(transform.get("rotation"), 0.0)
        offset, scale = pair_or(transform.get("offset"), 0.0), pair_or(transform.get("scale"), 1.0)
        mapping = new_node(tree, bpy.types.ShaderNodeMapping)
        sine, cosine = math.sin(turn) * scale[1], math.cos(turn) * scale[1]
        set_value(input_of(mapping, "Location"), (offset[0] + sine, 1.0 - offset[1] - cosine, 0.0))
        set_value(input_of(mapping, "Rotation"), (0.0, 0.0, turn))
        set_value(input_of(mapping, "Scale"), (*scale, 1.0))
        tree.links.new(out, input_of(mapping, "Vector"))
        out = output_of(mapping, "Vector")
    tree.links.new(out, input_of(node, "Vector"))
