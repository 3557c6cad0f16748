# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the studio in the window. It only shows the shadow of the product, without an edge."""

from typing import Any

import bpy
from mathutils import Matrix

from ..optics.shadow import SHADOW_SPAN
from . import compat
from .blender import custom_property, input_of, move_to, new_node, output_of, set_value
from .preview_light import PART
from .rig import PREFIX, Stand

TABLE = "table"  # Value of ``PART``.
FADE_FROM = (
    0.4  # The shadow fades out over the rest of the way to the edge: further out, photos have none either.
)


def set_table(holder: bpy.types.Collection, stand: Stand) -> None:
    """Put the table of ``holder`` below a product. It is as small as the shadow, so that *View All* frames the product."""
    table = next((item for item in holder.objects if custom_property(item, PART) == TABLE), None)
    if table is None:
        table = _new_table()
        holder.objects.link(table)
    move_to(table, Matrix.Translation(stand.origin) @ Matrix.Scale(stand.scale, 4))


def _new_table() -> bpy.types.Object:
    mesh = bpy.data.meshes.new(f"{PREFIX} Table")
    side = SHADOW_SPAN / 2.0
    corners = [(-side, -side, 0), (side, -side, 0), (side, side, 0), (-side, side, 0)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    mesh.materials.append(_fading_material(side))
    table = bpy.data.objects.new(mesh.name, mesh)
    marked: Any = table
    marked[PART] = TABLE
    table.hide_select = table.is_shadow_catcher = True
    # The light of the map comes from below too, as in the photos.
    table.visible_diffuse = table.visible_glossy = table.visible_transmission = False
    table.visible_shadow = False
    return table


def _fading_material(side: float) -> bpy.types.Material:
    """A surface that becomes transparent towards a circle of radius ``side``, and with it its shadow.

    Only Cycles has shadows on a transparent film: without Cycles the surface cannot be seen at all.
    """
    material = bpy.data.materials.new(f"{PREFIX} Table")
    material.diffuse_color = (1.0, 1.0, 1.0, 0.0)  # Of *Solid*.
    tree = compat.empty_tree(material)
    place = new_node(tree, bpy.types.ShaderNodeTexCoord)
    distance = new_node(tree, bpy.types.ShaderNodeVectorMath)
    distance.operation = "LENGTH"
    share = new_node(tree, bpy.types.ShaderNodeMapRange)
    share.interpolation_type = "SMOOTHSTEP"
    set_value(input_of(share, "From Min"), side * FADE_FROM)
    set_value(input_of(share, "From Max"), side)
    mix = new_node(tree, bpy.types.ShaderNodeMixShader)
    shown = new_node(tree, bpy.types.ShaderNodeBsdfDiffuse)
    clear = new_node(tree, bpy.types.ShaderNodeBsdfTransparent)
    output, without = (new_node(tree, bpy.types.ShaderNodeOutputMaterial) for _engine in range(2))
    output.target, without.target = "CYCLES", "EEVEE"
    for source, name, target, key in (
        (place, "Object", distance, 0),
        (distance, "Value", share, "Value"),
        (share, "Result", mix, 0),
        (shown, 0, mix, 1),
        (clear, 0, mix, 2),
        (mix, 0, output, "Surface"),
        (clear, 0, without, "Surface"),
    ):
        tree.links.new(output_of(source, name), input_of(target, key))
    return material
