# SPDX-License-Identifier: GPL-3.0-or-later
"""Show Run."""

from pathlib import Path
from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Operator

from ..window import launch, properties
from ..window.blender_types import Result, with_properties
from ..window.stored_paths import stored_path


@with_properties
class PHOTOREAL_OT_show_run(Operator):
    bl_idname = "photoreal.show_run"
    bl_label = "Show Run"
    bl_description = (
        "Show the set that another window or a terminal is making in this scene, with its progress"
    )
    bl_options = {"REGISTER", "UNDO"}

    folder: Annotated[str, StringProperty(options={"HIDDEN"})]

    def execute(self, context: Context) -> Result:
        properties.of_context(context).made_in = stored_path(Path(self.folder))
        launch.look_at(Path(self.folder))
        launch.look_for_runs()
        return {"FINISHED"}
