# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for materials: shaders that let through what a material lets through, and give no light.

A stand-in has the same Mix and Add Shader nodes as the material, with other shaders at their ends.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

import bpy

from .blender import (
    input_of,
    links_of,
    materials_of,
    new_node,
    node_before,
    output_of,
    pixels_of,
    present,
    set_value,
    source_of,
    value_of,
)
from .shader_nodes import Node, Socket, Tree, copy_input, copy_node

# The shader for one at the end of the tree; None for nothing, which is opaque and black.
End = Callable[[Tree, Node], Socket | None]
Material = bpy.types.Material

LIGHT_RAYS = {"Is Shadow Ray", "Is Diffuse Ray"}
MAX_READ_PIXELS = 4096 * 4096  # They take 256 MB as floats.
COMPARISONS = {"LESS_THAN", "GREATER_THAN", "COMPARE"}
ROUGHER = 0.25  # Share of the way from the roughness of a surface to a matt one.
KEEPING_STEPS = {"MULTIPLY", "MAXIMUM", "MINIMUM", "SUBTRACT"}  # Of zeros and ones they make zeros and ones.


def materials_in(objects: Iterable[bpy.types.Object]) -> list[Material]:
    """The materials of the objects, each one once, in a stable order."""
    return list({material.name: material for item in objects for material in materials_of(item)}.values())


@contextmanager
def stand_ins(materials: Iterable[Material], end: End) -> Iterator[None]:
    """Replace the surfaces of ``materials`` by stand-ins with ``end`` at their ends; restore them afterwards."""
    with ExitStack() as undo:
        for material in materials:
            surface = _surface_of(material)
            if surface is not None:
                undo.enter_context(_stand_in(cast(Tree, material.node_tree), surface, end))
        yield


@contextmanager
def _stand_in(tree: Tree, surface: Socket, end: End) -> Iterator[None]:
    source = source_of(surface)
    known = {node.name for node in tree.nodes}
    try:
        stand_in = _copied(tree, source, end)
        if stand_in is None:
            tree.links.remove(links_of(surface)[0])
        else:
            tree.links.new(stand_in, surface)
        yield
    finally:
        tree.links.new(source, surface)
        for node in [node for node in tree.nodes if node.name not in known]:
            tree.nodes.remove(node)


def _surface_of(material: Material) -> Socket | None:
    """The input for the surface that Cycles uses, if a shader is connected to it."""
    tree = material.node_tree
    output = tree.get_output_node("CYCLES") if tree else None
    if output is None:
        return None
    surface = input_of(output, "Surface")
    return surface if surface.is_linked else None


def _copied(tree: Tree, source: Socket, end: End) -> Socket | None:
    """The stand-in for the shader at ``source``."""
    node = cast(Node, source.node)
    if not isinstance(node, bpy.types.ShaderNodeMixShader | bpy.types.ShaderNodeAddShader):
        return end(tree, node)
    shaders = _shaders_of(node)
    parts = [_copied(tree, source_of(part), end) if part.is_linked else None for part in shaders]
    if not any(parts):
        return None
    copy = new_node(tree, type(node))
    if isinstance(node, bpy.types.ShaderNodeMixShader):
        copy_input(tree, input_of(node, 0), input_of(copy, 0))
    for part, target in zip(parts, _shaders_of(copy), strict=True):
        if part is not None:
            tree.links.new(part, target)
    return output_of(copy, 0)


def _shaders_of(node: Node) -> list[Socket]:
    return [socket for socket in present(node.inputs) if socket.type == "SHADER"]


# --- ends ---------------------------------------------------------------------------------------


def uncovered(tree: Tree, node: Node) -> Socket | None:
    """Transparent as far as the shader does not cover what is behind it: a ray passes, and its weight is exact.

    Cycles follows either the transparent or the other part of a shader, by chance. With a transparent part alone,
    nothing is left to chance.
    """
    if isinstance(node, bpy.types.ShaderNodeBsdfTransparent):
        return output_of(node, 0)
    if not isinstance(node, bpy.types.ShaderNodeBsdfPrincipled):
        return None
    alpha = input_of(node, "Alpha")
    if not alpha.is_linked and value_of(alpha) >= 1.0:
        return None
    rest = new_node(tree, bpy.types.ShaderNodeMath)
    rest.operation, rest.use_clamp = "SUBTRACT", True
    set_value(input_of(rest, 0), 1.0)
    copy_input(tree, alpha, input_of(rest, 1))
    foil = new_node(tree, bpy.types.ShaderNodeBsdfTransparent)
    tree.links.new(output_of(rest, 0), input_of(foil, "Color"))
    return output_of(foil, 0)


def unlit_glass(tree: Tree, node: Node) -> Socket | None:
    """Glass as it is, without a glow; of everything else what ``uncovered`` leaves."""
    if isinstance(node, bpy.types.ShaderNodeBsdfGlass | bpy.types.ShaderNodeBsdfRefraction):
        return output_of(node, 0)
    if not isinstance(node, bpy.types.ShaderNodeBsdfPrincipled):
        return uncovered(tree, node)
    weight = input_of(node, "Transmission Weight")
    if not weight.is_linked and value_of(weight) <= 0.0:
        return uncovered(tree, node)
    dark = copy_node(tree, node, without="Emission Strength")
    set_value(input_of(dark, "Emission Strength"), 0.0)
    return output_of(dark, 0)


def base_colour(tree: Tree, node: Node) -> Socket | None:
    """The colour of the surface as a glow, whatever the light is; covered as by the shader itself."""
    if isinstance(node, bpy.types.ShaderNodeBsdfTransparent):
        return output_of(node, 0)
    name = "Base Color" if isinstance(node, bpy.types.ShaderNodeBsdfPrincipled) else "Color"
    colour = present(node.inputs).get(name)
    if colour is None:
        return uncovered(tree, node)
    glow = new_node(tree, bpy.types.ShaderNodeEmission)
    copy_input(tree, colour, input_of(glow, "Color"))
    foil = uncovered(tree, node)
    if foil is None:
        return output_of(glow, 0)
    mix = new_node(tree, bpy.types.ShaderNodeMixShader)
    copy_input(tree, input_of(node, "Alpha"), input_of(mix, 0))
    through = new_node(tree, bpy.types.ShaderNodeBsdfTransparent)
    tree.links.new(output_of(through, 0), input_of(mix, 1))
    tree.links.new(output_of(glow, 0), input_of(mix, 2))
    return output_of(mix, 0)


def rougher(tree: Tree, node: Node) -> Socket | None:
    """The shader itself, with a rougher surface."""
    if not isinstance(node, bpy.types.ShaderNodeBsdfPrincipled):
        return output_of(node, 0)
    copy = copy_node(tree, node, without="Roughness")
    raised = new_node(tree, bpy.types.ShaderNodeMath)
    raised.operation = "MULTIPLY_ADD"
    copy_input(tree, input_of(node, "Roughness"), input_of(raised, 0))
    set_value(input_of(raised, 1), 1.0 - ROUGHER)
    set_value(input_of(raised, 2), ROUGHER)
    tree.links.new(output_of(raised, 0), input_of(copy, "Roughness"))
    return output_of(copy, 0)


# --- what a material lets through ---------------------------------------------------------------


def lets_rays_pass(material: Material) -> bool:
    """Can a ray pass the surface of the material unbent, somewhere or for some kind of ray?"""
    return any(_is_passable(node) for node in _ends_of(material))


def is_half_transparent(material: Material) -> bool:
    """Does the material cover what is behind it in part, rather than completely or not at all?"""
    surface = _surface_of(material)
    return surface is not None and _is_half(source_of(surface))


def _ends_of(material: Material) -> Iterator[Node]:
    surface = _surface_of(material)
    waiting = [source_of(surface)] if surface is not None else []
    while waiting:
        node = cast(Node, waiting.pop().node)
        if isinstance(node, bpy.types.ShaderNodeMixShader | bpy.types.ShaderNodeAddShader):
            waiting += [source_of(part) for part in _shaders_of(node) if part.is_linked]
        else:
            yield node


def _is_passable(node: Node) -> bool:
    if isinstance(node, bpy.types.ShaderNodeBsdfTransparent):
        return True
    if not isinstance(node, bpy.types.ShaderNodeBsdfPrincipled):
        return False
    alpha = input_of(node, "Alpha")
    return not _is_always_one(alpha)


def _is_half(source: Socket) -> bool:
    node = cast(Node, source.node)
    if isinstance(node, bpy.types.ShaderNodeBsdfPrincipled):
        alpha = input_of(node, "Alpha")
        return not _is_step(alpha) and not _is_always_one(alpha)
    if not isinstance(node, bpy.types.ShaderNodeMixShader):
        return False
    parts = [source_of(part) for part in _shaders_of(node) if part.is_linked]
    is_foil = [isinstance(part.node, bpy.types.ShaderNodeBsdfTransparent) for part in parts]
    share = input_of(node, 0)
    if any(is_foil) and not _is_step(share) and not _is_for_light(share):
        return True
    return any(_is_half(part) for part in parts)


def _is_always_one(alpha: Socket) -> bool:
    if not alpha.is_linked:
        return bool(value_of(alpha) >= 1.0)
    node = node_before(alpha)
    image = node.image if isinstance(node, bpy.types.ShaderNodeTexImage) else None
    return image is not None and _is_opaque(image)


def _is_opaque(image: bpy.types.Image) -> bool:
    """Does a picture have no alpha below 1? Many exporters call all materials blended; those need no extra work."""
    if 0 < image.channels < 4:
        return True
    width, height = image.size
    if not 0 < width * height <= MAX_READ_PIXELS:
        return False
    return bool(pixels_of(image)[..., 3].min() >= 1.0)


def _is_for_light(share: Socket) -> bool:
    """Is the value of this input 0 for all rays that show something in a picture?"""
    if not share.is_linked:
        return bool(value_of(share) == 0.0)
    source = source_of(share)
    node = cast(Node, source.node)
    if isinstance(node, bpy.types.ShaderNodeLightPath):
        return source.name in LIGHT_RAYS
    if not isinstance(node, bpy.types.ShaderNodeMath):
        return False
    parts = [_is_for_light(socket) for socket in present(node.inputs) if socket.enabled]
    return all(parts) if node.operation == "MAXIMUM" else node.operation == "MULTIPLY" and any(parts)


def _is_step(share: Socket) -> bool:
    """Is the value of this input 0 or 1 everywhere, as far as its nodes tell?"""
    if not share.is_linked:
        return value_of(share) in (0.0, 1.0)
    source = source_of(share)
    node = cast(Node, source.node)
    if isinstance(node, bpy.types.ShaderNodeLightPath):
        return source.name.startswith("Is ")
    if isinstance(node, bpy.types.ShaderNodeNewGeometry):
        return source.name == "Backfacing"
    if not isinstance(node, bpy.types.ShaderNodeMath):
        return False
    if node.operation in COMPARISONS:
        return True
    used = [socket for socket in present(node.inputs) if socket.enabled]
    return node.operation in KEEPING_STEPS and all(_is_step(socket) for socket in used)
