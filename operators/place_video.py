# SPDX-License-Identifier: GPL-3.0-or-later
"""Place Video."""

from bpy.types import Context

from ..background_run.set_view import SetView
from ..window.blender_types import Result, scene_of
from ..window.words import rpt_
from . import checks
from .common import SetOperator, refuse


class PHOTOREAL_OT_place_video(SetOperator):
    bl_idname = "photoreal.place_video"
    bl_label = "Video to Sequencer"
    bl_description = "Add the video to this scene's video sequencer, starting at the current frame"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.video(context))

    def act(self, context: Context, found: SetView) -> Result:
        from ..window.place_video import place_video

        try:
            for motion, path in found.clips():
                place_video(scene_of(context), path, f"{found.product} {motion}")
        except RuntimeError as error:
            return refuse(self, rpt_("The video cannot be loaded: {error}", error=str(error).strip()))
        return {"FINISHED"}
