# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Angle."""

from bpy.types import Context, Operator

from ..window import changes, properties
from ..window.blender_types import Result


def free_name(settings: properties.PhotorealSettings, wanted: str) -> str:
    """``wanted``, with a number when the list has it already: names name files."""
    taken = {view.name for view in settings.angles}
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


class PHOTOREAL_OT_add_angle(Operator):
    bl_idname = "photoreal.add_angle"
    bl_label = "Add Angle"
    bl_description = "Add an angle to the list"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> Result:
        settings = properties.of_context(context)
        name = free_name(settings, "angle")
        settings.angles.add().name = name
        settings.angle_index = len(settings.angles) - 1
        changes.notify(context)
        return {"FINISHED"}
