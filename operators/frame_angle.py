# SPDX-License-Identifier: GPL-3.0-or-later
"""Look Through."""

from bpy.types import Context, Operator

from . import checks
from .build_studio import chosen_angle, look_through_camera


class PHOTOREAL_OT_frame_angle(Operator):
    bl_idname = "photoreal.frame_angle"
    bl_label = "Look Through"
    bl_description = "Frame the product for the chosen angle and look through the studio's camera"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context) or checks.studio(context))

    def execute(self, context: Context) -> set[str]:
        from ..studio.preview import pose_studio

        if not pose_studio(context.scene, chosen_angle(context.scene)):
            self.report({"ERROR"}, "The studio's product or camera is gone. Build the studio again")
            return {"CANCELLED"}
        look_through_camera(context)
        return {"FINISHED"}
