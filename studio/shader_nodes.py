# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to the node tree of a material: copy, multiply and mix what is connected."""

from collections.abc import Sequence
from typing import cast

import bpy

from .blender import input_of, links_of, new_node, output_of, present, set_value, source_of, value_of

Tree = bpy.types.NodeTree
Node = bpy.types.Node
Socket = bpy.types.NodeSocket


def copy_input(tree: Tree, source: Socket, target: Socket) -> None:
    """Give ``target`` the link or the value of ``source``."""
    if source.is_linked:
        tree.links.new(source_of(source), target)
    elif hasattr(source, "default_value") and not source.hide_value:
        set_value(target, value_of(source))


def copy_node(tree: Tree, node: bpy.types.ShaderNodeBsdfPrincipled, *, without: str) -> Node:
    """A second Principled BSDF with the same inputs, except the one called ``without``."""
    copy = new_node(tree, bpy.types.ShaderNodeBsdfPrincipled)
    copy.distribution, copy.subsurface_method = node.distribution, node.subsurface_method
    for source, target in zip(present(node.inputs), present(copy.inputs), strict=True):
        if source.name != without:
            copy_input(tree, source, target)
    return copy


def mix_after(tree: Tree, node: Node, factor: Socket, other: Socket) -> Node:
    """Replace the output of ``node``, wherever it is used, by a mix of it with ``other``; returns the mix node."""
    targets = [present(link.to_socket) for link in links_of(output_of(node, 0))]
    mix = new_node(tree, bpy.types.ShaderNodeMixShader)
    tree.links.new(factor, input_of(mix, 0))
    tree.links.new(output_of(node, 0), input_of(mix, 1))
    tree.links.new(other, input_of(mix, 2))
    for target in targets:
        tree.links.new(output_of(mix, 0), target)
    return mix


def multiply_colour(tree: Tree, socket: Socket, factor: Sequence[float]) -> None:
    """Multiply a colour input by ``factor``, three linear values."""
    if not socket.is_linked:
        *parts, alpha = cast(Sequence[float], value_of(socket))
        set_value(socket, (*(part * value for part, value in zip(parts, factor, strict=True)), alpha))
        return
    product = new_node(tree, bpy.types.ShaderNodeVectorMath)
    product.operation = "MULTIPLY"
    tree.links.new(source_of(socket), input_of(product, 0))
    set_value(input_of(product, 1), factor)
    tree.links.new(output_of(product, 0), socket)


def square_colour(tree: Tree, socket: Socket) -> None:
    """Multiply a colour input by itself."""
    if not socket.is_linked:
        *parts, alpha = cast(Sequence[float], value_of(socket))
        set_value(socket, (*(part * part for part in parts), alpha))
        return
    source = source_of(socket)
    square = new_node(tree, bpy.types.ShaderNodeVectorMath)
    square.operation = "MULTIPLY"
    for index in (0, 1):
        tree.links.new(source, input_of(square, index))
    tree.links.new(output_of(square, 0), socket)
