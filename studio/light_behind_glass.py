# SPDX-License-Identifier: GPL-3.0-or-later
"""What is visible straight through glass: the light of the studio, nothing, or the ground alone.

A ray goes straight through glass when it was only refracted on its way from the camera and still has about the direction
in which the camera looks: there the ground is. All other rays find the light of the studio, so that the rims of thick
glass shine.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import bpy

from .blender import input_of, links_of, new_node, output_of, present, sampled, set_value, source_of
from .shader_nodes import Socket, Tree

# Degrees from the axis of the camera: up to the first the ground fills the view, from the second on the studio does.
# The largest angle of a normal lens is 25; the lights behind a product begin at about 40.
GROUND_ENDS, STUDIO_BEGINS = 30.0, 45.0


class LightBehindGlass:
    """Nodes in the world, between its light map and ``background``."""

    def __init__(self, world: bpy.types.World, background: bpy.types.ShaderNodeBackground) -> None:
        self._world = world
        self._tree: Tree = present(world.node_tree)
        self._strength, self._colour = (input_of(background, name) for name in ("Strength", "Color"))
        self._straight = _is_straight(self._tree)
        self._other = new_node(self._tree, bpy.types.ShaderNodeMath)
        self._other.operation = "SUBTRACT"
        set_value(input_of(self._other, 0), 1.0)
        self._tree.links.new(self._straight, input_of(self._other, 1))

    def show(self, is_shown: bool) -> None:
        """Choose whether the light map is visible straight through glass; if not, nothing is."""
        for link in links_of(self._strength):
            self._tree.links.remove(link)
        if not is_shown:
            self._tree.links.new(output_of(self._other, 0), self._strength)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Replace the light map by white that is visible straight through glass only."""
        light_map, is_shown = source_of(self._colour), not self._strength.is_linked
        with ExitStack() as undo:
            undo.callback(self.show, is_shown)
            undo.callback(self._tree.links.new, light_map, self._colour)
            self._tree.links.remove(links_of(self._colour)[0])
            set_value(self._colour, (1.0, 1.0, 1.0, 1.0))
            self._tree.links.new(self._straight, self._strength)
            # Surfaces do not look for this light, so only refracted rays find it.
            undo.enter_context(sampled(self._world, "NONE"))
            yield


def _is_straight(tree: Tree) -> Socket:
    """1 for rays that go straight through glass, 0 for others.

    A surface that looks for the light map does so with a ray of no kind, which counts as another.
    """
    path = new_node(tree, bpy.types.ShaderNodeLightPath)
    share = _times(tree, output_of(path, "Is Transmission Ray"), _towards_ground(tree))
    for name in ("Is Diffuse Ray", "Diffuse Depth", "Glossy Depth"):
        is_zero = new_node(tree, bpy.types.ShaderNodeMath)
        is_zero.operation = "LESS_THAN"
        tree.links.new(output_of(path, name), input_of(is_zero, 0))
        set_value(input_of(is_zero, 1), 0.5)
        share = _times(tree, share, output_of(is_zero, 0))
    return share


def _towards_ground(tree: Tree) -> Socket:
    """1 for rays along the axis of the camera, 0 for those far from it."""
    direction = new_node(tree, bpy.types.ShaderNodeTexCoord)
    unit = new_node(tree, bpy.types.ShaderNodeVectorMath)
    unit.operation = "NORMALIZE"
    tree.links.new(output_of(direction, "Camera"), input_of(unit, 0))
    split = new_node(tree, bpy.types.ShaderNodeSeparateXYZ)
    tree.links.new(output_of(unit, 0), input_of(split, 0))
    share = new_node(tree, bpy.types.ShaderNodeMapRange)
    share.interpolation_type = "SMOOTHSTEP"
    tree.links.new(output_of(split, "Z"), input_of(share, "Value"))
    set_value(input_of(share, "From Min"), math.cos(math.radians(STUDIO_BEGINS)))
    set_value(input_of(share, "From Max"), math.cos(math.radians(GROUND_ENDS)))
    return output_of(share, "Result")


def _times(tree: Tree, first: Socket, second: Socket) -> Socket:
    product = new_node(tree, bpy.types.ShaderNodeMath)
    product.operation = "MULTIPLY"
    tree.links.new(first, input_of(product, 0))
    tree.links.new(second, input_of(product, 1))
    return output_of(product, 0)
