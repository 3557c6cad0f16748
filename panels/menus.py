# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in Blender's menus: *Render*, and the context menus of objects and collections."""

from typing import Any

import bpy
from bpy.types import Context, Menu

from ..operators.build_studio import PHOTOREAL_OT_build_studio
from ..operators.chosen import chosen_collections, chosen_objects
from ..operators.generate_catalogue import PHOTOREAL_OT_generate_catalogue
from ..operators.generate_here import PHOTOREAL_OT_generate_here
from ..operators.generate_set import PHOTOREAL_OT_generate_set
from ..operators.import_product import PHOTOREAL_OT_import_product
from ..operators.mark_asset import COLLECTION, OBJECTS, PHOTOREAL_OT_mark_asset
from ..operators.open_manual import PHOTOREAL_OT_open_manual
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
        layout.separator()
        button(layout, PHOTOREAL_OT_open_manual, icon="HELP")


def draw_entry(self: Menu, _context: Context) -> None:
    """What is appended to the Render menu."""
    layout = layout_of(self)
    layout.separator()
    layout.menu(PHOTOREAL_MT_render.bl_idname, icon="CAMERA_DATA")


def draw_object_entry(self: Menu, context: Context) -> None:
    """What is appended to the context menus of objects."""
    layout = layout_of(self)
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    button(layout, PHOTOREAL_OT_generate_here, icon="CAMERA_DATA")
    button(layout, PHOTOREAL_OT_mark_asset, icon="ASSET_MANAGER").of = OBJECTS
    if len(chosen_objects(context)) > 1:
        button(layout, PHOTOREAL_OT_generate_catalogue, text="Generate Set of Each Object", icon="PRESET")


def draw_collection_entry(self: Menu, context: Context) -> None:
    """What is appended to the context menu of collections in the Outliner."""
    layout = layout_of(self)
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    button(layout, PHOTOREAL_OT_generate_here, icon="CAMERA_DATA").of_collection = True
    button(layout, PHOTOREAL_OT_mark_asset, icon="ASSET_MANAGER").of = COLLECTION
    if len(chosen_collections(context)) > 1:
        options = button(
            layout, PHOTOREAL_OT_generate_catalogue, text="Generate Set of Each Collection", icon="PRESET"
        )
        options.of_collections = True


def draw_help_entry(self: Menu, _context: Context) -> None:
    """What is appended to the Help menu."""
    layout = layout_of(self)
    layout.separator()
    button(layout, PHOTOREAL_OT_open_manual, icon="HELP")


# Of ``bpy.types``, with what is appended.
ENTRIES: tuple[tuple[str, Any], ...] = (
    ("TOPBAR_MT_render", draw_entry),
    ("TOPBAR_MT_help", draw_help_entry),
    ("VIEW3D_MT_object_context_menu", draw_object_entry),
    ("OUTLINER_MT_object", draw_object_entry),
    ("OUTLINER_MT_collection", draw_collection_entry),
)


def attach() -> None:
    for name, draw in ENTRIES:
        getattr(bpy.types, name).append(draw)


def detach() -> None:
    for name, draw in ENTRIES:
        getattr(bpy.types, name).remove(draw)
