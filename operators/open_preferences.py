# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Preferences."""

from typing import Annotated

import bpy
from bpy.props import EnumProperty
from bpy.types import Context, Operator

from ..window.blender_types import Result, with_properties
from ..window.preferences import package


@with_properties
class PHOTOREAL_OT_open_preferences(Operator):
    bl_idname = "photoreal.open_preferences"
    bl_label = "Open Preferences"
    bl_description = "Show the preferences where this is set"
    bl_options = {"INTERNAL"}

    section: Annotated[
        str,
        EnumProperty(
            items=(
                ("ADDONS", "Add-on", "Preferences of Photoreal Set"),
                ("SYSTEM", "System", "Online Access"),
            ),
            options={"HIDDEN"},
        ),
    ]

    def execute(self, _context: Context) -> Result:
        if self.section == "ADDONS":
            bpy.ops.preferences.addon_show(module=package)
        else:
            bpy.ops.screen.userpref_show(section="SYSTEM")
        return {"FINISHED"}
