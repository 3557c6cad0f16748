# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures depth and normals of the surface that a camera sees, with Cycles and one ray per pixel."""

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import compat, one_sided
from .blender import input_of, new_node, output_of, set_value

MATERIAL = "Photoreal Surface"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The surface at the middle of each pixel. Row 0 on top.

    ``depth``: float32 (h, w), along the axis of the camera, in the units of its matrix; infinite where there is no
    surface. ``normal``: float32 (h, w, 3) in camera space, x right, y up, z towards the camera; (0, 0, 1) where there is
    no surface.
    """

    depth: NDArray[np.float32]
    normal: NDArray[np.float32]


def measuring_material() -> bpy.types.Material:
    """A material that emits (x + 1) / 2 and (y + 1) / 2 of the normal in camera space, and the depth.

    It is transparent where a camera sees a one-sided face from behind.
    """
    made = bpy.data.materials.get(MATERIAL)
    if made is not None:
        return made
    made = bpy.data.materials.new(MATERIAL)
    tree = compat.empty_tree(made)
    geometry = new_node(tree, bpy.types.ShaderNodeNewGeometry)
    is_one_sided = new_node(tree, bpy.types.ShaderNodeAttribute)
    is_one_sided.attribute_name = one_sided.ATTRIBUTE
    is_hidden = new_node(tree, bpy.types.ShaderNodeMath)
    is_hidden.operation = "MULTIPLY"
    output = new_node(tree, bpy.types.ShaderNodeOutputMaterial)
    tree.links.new(output_of(geometry, "Backfacing"), input_of(is_hidden, 0))
    tree.links.new(output_of(is_one_sided, 2), input_of(is_hidden, 1))
    surface = input_of(output, "Surface")
    one_sided.see_through(tree, output_of(is_hidden, 0), _emission(tree, geometry), surface)
    return made


def _emission(tree: bpy.types.NodeTree, geometry: bpy.types.Node) -> bpy.types.NodeSocket:
    """The shader of ``measuring_material`` where it is opaque."""
    to_camera = new_node(tree, bpy.types.ShaderNodeVectorTransform)
    to_camera.vector_type, to_camera.convert_from, to_camera.convert_to = "NORMAL", "WORLD", "CAMERA"
    halved = new_node(tree, bpy.types.ShaderNodeVectorMath)
    halved.operation = "MULTIPLY_ADD"
    for number in (1, 2):
        set_value(input_of(halved, number), (0.5, 0.5, 0.5))
    split = new_node(tree, bpy.types.ShaderNodeSeparateXYZ)
    camera = new_node(tree, bpy.types.ShaderNodeCameraData)
    joined = new_node(tree, bpy.types.ShaderNodeCombineXYZ)
    emission = new_node(tree, bpy.types.ShaderNodeEmission)
    for source, target in (
        (output_of(geometry, "Normal"), input_of(to_camera, "Vector")),  # Not its first input in Blender 5.3.
        (output_of(to_camera, 0), input_of(halved, 0)),
        (output_of(halved, 0), input_of(split, 0)),
        (output_of(split, 0), input_of(joined, 0)),
        (output_of(split, 1), input_of(joined, 1)),
        (output_of(camera, "View Z Depth"), input_of(joined, 2)),
        (output_of(joined, 0), input_of(emission, "Color")),
    ):
        tree.links.new(source, target)
    return output_of(emission, 0)


def surface_from(picture: NDArray[Any]) -> Surface:
    """The surface in a render of the measuring material, float32 (h, w, 4)."""
    is_seen = picture[..., 3] > 0.0
    across, up = (picture[..., axis] * 2.0 - 1.0 for axis in (0, 1))
    towards = np.sqrt(np.clip(1.0 - across**2 - up**2, 0.0, None))
    normal = np.stack((across, up, towards), axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return Surface(
        depth=np.where(is_seen, picture[..., 2], np.inf).astype(np.float32),
        normal=np.where(is_seen[..., None], normal, (0.0, 0.0, 1.0)).astype(np.float32),
    )
