# SPDX-License-Identifier: GPL-3.0-or-later
"""Show Run."""

from pathlib import Path
from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Operator

from ..window import launch, properties, runs
from ..window.blender_types import Result, scene_of, with_properties
from ..window.stored_paths import stored_path


@with_properties
class PHOTOREAL_OT_show_run(Operator):
    bl_idname = "photoreal.show_run"
    bl_label = "Show Run"
    bl_description = (
        "Show the set or catalog that another window or a terminal is making in this scene, with its progress"
    )
    bl_options = {"REGISTER", "UNDO"}

    folder: Annotated[str, StringProperty(options={"HIDDEN"})]

    def execute(self, context: Context) -> Result:
        folder = Path(self.folder)
        if not any(run.folder == folder and run.is_catalogue for run in runs.state.elsewhere):
            # The scene keeps its set when the run has ended.
            properties.of_context(context).made_in = stored_path(folder)
            launch.look_at(folder)
        runs.state.wanted[folder] = runs.home_of(scene_of(context))
        launch.look_for_runs()
        return {"FINISHED"}
