# SPDX-License-Identifier: GPL-3.0-or-later
"""Back to Studio."""

from bpy.types import Context, Operator

from ..window import properties
from ..window.blender_types import Result, scene_of, window_of
from . import checks


class PHOTOREAL_OT_show_studio(Operator):
    bl_idname = "photoreal.show_studio"
    bl_label = "Back to Studio"
    bl_description = "Show the studio that was built for this scene, with its set"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context))

    def execute(self, context: Context) -> Result:
        studio = properties.studio_of(scene_of(context))
        if studio is None:
            return {"CANCELLED"}
        window_of(context).scene = studio
        return {"FINISHED"}
