# SPDX-License-Identifier: GPL-3.0-or-later
"""Close Notice."""

from bpy.types import Context, Operator

from ..window import launch, runs
from ..window.blender_types import Result, scene_of


class PHOTOREAL_OT_close_notice(Operator):
    bl_idname = "photoreal.close_notice"
    bl_label = "Close Notice"
    bl_description = "Close this notice about the last run. Jobs still shows how it ended"
    bl_options = {"INTERNAL"}

    def execute(self, context: Context) -> Result:
        if run := runs.ended_run(scene_of(context)):
            run.is_seen = True
            launch.redraw()
        return {"FINISHED"}
