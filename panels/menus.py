# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry in Blender's Render menu."""

import bpy
from bpy.types import Context, Menu

from ..operators.build_studio import PHOTOREAL_OT_build_studio
from ..operators.generate_set import PHOTOREAL_OT_generate_set
from ..operators.import_product import PHOTOREAL_OT_import_product
from ..operators.open_report import PHOTOREAL_OT_open_report
from ..operators.place_photos import PHOTOREAL_OT_place_photos
from ..operators.remove_studio import PHOTOREAL_OT_remove_studio
from ..operators.render_references import PHOTOREAL_OT_render_references
from ..window.blender_types import layout_of
from .layout import button


class PHOTOREAL_MT_render(Menu):
    bl_idname = "PHOTOREAL_MT_render"
    bl_label = "Photoreal Set"

    def draw(self, _context: Context) -> None:
        layout = layout_of(self)
        layout.operator_context = "INVOKE_DEFAULT"
        button(layout, PHOTOREAL_OT_import_product, text="Import Product", icon="IMPORT")
        button(layout, PHOTOREAL_OT_build_studio, icon="LIGHT_AREA")
        button(layout, PHOTOREAL_OT_remove_studio, icon="LOOP_BACK")
        layout.separator()
        button(layout, PHOTOREAL_OT_render_references, icon="RENDER_STILL")
        button(layout, PHOTOREAL_OT_generate_set, icon="CAMERA_DATA")
        layout.separator()
        button(layout, PHOTOREAL_OT_place_photos, icon="IMAGE_REFERENCE")
        button(layout, PHOTOREAL_OT_open_report, icon="URL")


def draw_entry(self: Menu, _context: Context) -> None:
    """What is appended to the Render menu."""
    layout = layout_of(self)
    layout.separator()
    layout.menu(PHOTOREAL_MT_render.bl_idname, icon="CAMERA_DATA")


def attach() -> None:
    bpy.types.TOPBAR_MT_render.append(draw_entry)


def detach() -> None:
    bpy.types.TOPBAR_MT_render.remove(draw_entry)
