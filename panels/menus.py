# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry in Blender's Render menu."""

import bpy
from bpy.types import Context, Menu

from ..operators import (
    PHOTOREAL_OT_build_studio,
    PHOTOREAL_OT_generate_set,
    PHOTOREAL_OT_import_product,
    PHOTOREAL_OT_open_report,
    PHOTOREAL_OT_place_photos,
    PHOTOREAL_OT_remove_studio,
    PHOTOREAL_OT_render_references,
)


class PHOTOREAL_MT_render(Menu):
    bl_idname = "PHOTOREAL_MT_render"
    bl_label = "Photoreal Set"

    def draw(self, _context: Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator(PHOTOREAL_OT_import_product.bl_idname, text="Import Product", icon="IMPORT")
        layout.operator(PHOTOREAL_OT_build_studio.bl_idname, icon="LIGHT_AREA")
        layout.operator(PHOTOREAL_OT_remove_studio.bl_idname, icon="LOOP_BACK")
        layout.separator()
        layout.operator(PHOTOREAL_OT_render_references.bl_idname, icon="RENDER_STILL")
        layout.operator(PHOTOREAL_OT_generate_set.bl_idname, icon="CAMERA_DATA")
        layout.separator()
        layout.operator(PHOTOREAL_OT_place_photos.bl_idname, icon="IMAGE_REFERENCE")
        layout.operator(PHOTOREAL_OT_open_report.bl_idname, icon="URL")


def draw_entry(self: Menu, _context: Context) -> None:
    self.layout.separator()
    self.layout.menu(PHOTOREAL_MT_render.bl_idname, icon="CAMERA_DATA")


def attach() -> None:
    bpy.types.TOPBAR_MT_render.append(draw_entry)


def detach() -> None:
    bpy.types.TOPBAR_MT_render.remove(draw_entry)
