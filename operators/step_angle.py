# SPDX-License-Identifier: GPL-3.0-or-later
"""Next Angle and Previous Angle."""

from typing import Annotated

from bpy.props import EnumProperty
from bpy.types import Context, Operator, OperatorProperties

from ..window.blender_types import Result, with_properties
from ..window.words import tip_
from . import checks
from .common import refuse

NEXT, PREVIOUS = "NEXT", "PREVIOUS"


@with_properties
class PHOTOREAL_OT_step_angle(Operator):
    bl_idname = "photoreal.step_angle"
    bl_label = "Next Angle"
    bl_description = "Look through the camera of the next angle"
    bl_options = {"REGISTER", "UNDO"}

    direction: Annotated[
        str,
        EnumProperty(
            name="Direction",
            description="Which way to go through the list of angles",
            items=((NEXT, "Next", "The next angle"), (PREVIOUS, "Previous", "The previous angle")),
            default=NEXT,
        ),
    ]

    @classmethod
    def description(cls, _context: Context, options: OperatorProperties) -> str:
        is_back = getattr(options, "direction", NEXT) == PREVIOUS
        return tip_("Look through the camera of the previous angle" if is_back else cls.bl_description)

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.studio(context))

    def execute(self, context: Context) -> Result:
        from ..window.studio_scene import step_angle

        name = step_angle(context, 1 if self.direction == NEXT else -1)
        if not name:
            return refuse(self, "The studio has no cameras. Build it again")
        self.report({"INFO"}, name)
        return {"FINISHED"}
