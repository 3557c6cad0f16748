# SPDX-License-Identifier: GPL-3.0-or-later
"""Move Angle."""

from typing import Annotated

from bpy.props import EnumProperty
from bpy.types import Context, Operator

from ..window import changes, properties
from ..window.blender_types import Result, with_properties
from . import checks


@with_properties
class PHOTOREAL_OT_move_angle(Operator):
    bl_idname = "photoreal.move_angle"
    bl_label = "Move Angle"
    bl_description = "Move the selected angle in the list"
    bl_options = {"REGISTER", "UNDO"}

    direction: Annotated[
        str,
        EnumProperty(
            items=(("UP", "Up", "Towards the beginning"), ("DOWN", "Down", "Towards the end")),
            options={"HIDDEN"},
        ),
    ]

    @classmethod
    def poll(cls, context: Context) -> bool:
        few = len(properties.of_context(context).angles) < 2
        return checks.allow(cls, checks.Problem(reason="There is nothing to reorder") if few else None)

    def execute(self, context: Context) -> Result:
        settings = properties.of_context(context)
        target = settings.angle_index + (-1 if self.direction == "UP" else 1)
        if 0 <= target < len(settings.angles):
            settings.angles.move(settings.angle_index, target)
            settings.angle_index = target
        changes.notify(context)
        return {"FINISHED"}
