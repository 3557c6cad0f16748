# SPDX-License-Identifier: GPL-3.0-or-later
"""Move Angle."""

from bpy.props import EnumProperty
from bpy.types import Context, Operator

from . import checks


class PHOTOREAL_OT_move_angle(Operator):
    bl_idname = "photoreal.move_angle"
    bl_label = "Move Angle"
    bl_description = "Move the chosen angle in the list"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    direction: EnumProperty(
        items=(("UP", "Up", "Towards the beginning"), ("DOWN", "Down", "Towards the end")),
        options={"HIDDEN"},
    )  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: Context) -> bool:
        few = len(context.scene.photoreal.angles) < 2
        return checks.allow(cls, checks.Problem(reason="There is nothing to reorder") if few else None)

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        target = settings.angle_index + (-1 if self.direction == "UP" else 1)
        if 0 <= target < len(settings.angles):
            settings.angles.move(settings.angle_index, target)
            settings.angle_index = target
        return {"FINISHED"}
