# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Preferences."""

import bpy
from bpy.props import EnumProperty
from bpy.types import Context, Operator

from ..window.preferences import package


class PHOTOREAL_OT_open_preferences(Operator):
    bl_idname = "photoreal.open_preferences"
    bl_label = "Open Preferences"
    bl_description = "Show the preferences where this is set"
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    section: EnumProperty(
        items=(("ADDONS", "Add-on", "Those of Photoreal Set"), ("SYSTEM", "System", "Online Access")),
        options={"HIDDEN"},
    )  # type: ignore[valid-type]

    def execute(self, _context: Context) -> set[str]:
        if self.section == "ADDONS":
            bpy.ops.preferences.addon_show(module=package)
        else:
            bpy.ops.screen.userpref_show(section="SYSTEM")
        return {"FINISHED"}
