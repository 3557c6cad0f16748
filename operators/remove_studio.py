# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove Studio."""

from bpy.types import Context, Operator

from ..window.blender_types import Result
from . import checks


class PHOTOREAL_OT_remove_studio(Operator):
    bl_idname = "photoreal.remove_studio"
    bl_label = "Remove Studio"
    bl_description = (
        "Return to your scene and remove the studio with everything that came with it; your own data stays"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context) or checks.studio(context))

    def execute(self, context: Context) -> Result:
        from ..window.studio_scene import leave_studio

        leave_studio(context)
        return {"FINISHED"}
