# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove Angle."""

from bpy.types import Context, Operator

from ..window import changes, properties
from ..window.blender_types import Result
from . import checks


class PHOTOREAL_OT_remove_angle(Operator):
    bl_idname = "photoreal.remove_angle"
    bl_label = "Remove Angle"
    bl_description = "Remove the selected angle from the list; an empty list means the five standard angles"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        is_empty = not properties.of_context(context).angles
        return checks.allow(cls, checks.Problem(reason="The list is empty") if is_empty else None)

    def execute(self, context: Context) -> Result:
        settings = properties.of_context(context)
        settings.angles.remove(settings.angle_index)
        settings.angle_index = max(0, min(settings.angle_index, len(settings.angles) - 1))
        changes.notify(context)
        return {"FINISHED"}
