# SPDX-License-Identifier: GPL-3.0-or-later
"""Show Result."""

from bpy.types import Context, Operator

from ..window import launch, runs, screen, sheets
from ..window.blender_types import Result, scene_of, window_of
from ..window.sheet_places import box_of_pictures
from .common import refuse


class PHOTOREAL_OT_show_result(Operator):
    bl_idname = "photoreal.show_result"
    bl_label = "Show Result"
    bl_description = "Frame the photos of the finished set in the viewport, and close this notice"
    bl_options = {"INTERNAL"}

    def execute(self, context: Context) -> Result:
        scene = scene_of(context)
        run = runs.ended_run(scene)
        if run is None or run.view.folder is None:
            return {"CANCELLED"}
        found = sheets.sheets_of(runs.scene_of_run(run) or scene, run.view.folder)
        if not found:
            return refuse(self, "Its photos are not placed in this file: press Place Photos in the gallery")
        run.is_seen = True
        window = window_of(context)
        window.scene = sheets.sheet_scene(runs.scene_of_run(run) or scene)
        box = box_of_pictures(found[-1].objects)
        screen.frame_from_front(window, box.low, box.high)
        launch.redraw()
        return {"FINISHED"}
