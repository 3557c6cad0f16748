# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu of looks."""

from bpy.types import Context, Menu, UILayout

from ..operators.default_look import PHOTOREAL_OT_default_look
from ..operators.save_look import PHOTOREAL_OT_save_look
from ..window import looks
from .layout import button

TITLE = "Looks"  # While none was chosen; Blender then shows the name of the last one.


class PHOTOREAL_MT_looks(Menu):
    bl_idname = "PHOTOREAL_MT_looks"
    bl_label = TITLE
    preset_subdir = looks.SUBDIR
    preset_operator = "script.execute_preset"
    draw = Menu.draw_preset  # type: ignore[assignment]  # As Blender's own menus do.


def draw_looks(_context: Context, layout: UILayout) -> None:
    """Choose a look, save one, remove one, or give it to new files."""
    row = layout.row(align=True)
    chosen = PHOTOREAL_MT_looks.bl_label
    row.menu(PHOTOREAL_MT_looks.bl_idname, text=chosen)
    button(row, PHOTOREAL_OT_save_look, text="", icon="ADD")
    button(row, PHOTOREAL_OT_save_look, text="", icon="REMOVE").remove_active = True  # type: ignore[attr-defined]  # Of Blender's base.
    default = button(row, PHOTOREAL_OT_default_look, text="", icon="FILE_NEW")
    default.look = "" if chosen in (TITLE, "Presets") else chosen
