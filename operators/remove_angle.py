# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove Angle."""

from bpy.types import Context, Operator

from . import checks


class PHOTOREAL_OT_remove_angle(Operator):
    bl_idname = "photoreal.remove_angle"
    bl_label = "Remove Angle"
    bl_description = "Take the chosen angle out of the list; an empty list means the five usual angles"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        is_empty = not context.scene.photoreal.angles
        return checks.allow(cls, checks.Problem(reason="The list is empty") if is_empty else None)

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        settings.angles.remove(settings.angle_index)
        settings.angle_index = max(0, min(settings.angle_index, len(settings.angles) - 1))
        return {"FINISHED"}
