# SPDX-License-Identifier: GPL-3.0-or-later
"""Look Through."""

from bpy.types import Context, Operator

from ..window.blender_types import Result
from . import checks
from .common import refuse


class PHOTOREAL_OT_frame_angle(Operator):
    bl_idname = "photoreal.frame_angle"
    bl_label = "Look Through"
    bl_description = "Look through the camera of the selected angle"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context) or checks.studio(context))

    def execute(self, context: Context) -> Result:
        from ..window.studio_scene import show_angle

        if not show_angle(context):
            return refuse(self, "The product is missing or hidden. Build the studio again")
        return {"FINISHED"}
