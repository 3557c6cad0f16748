# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Set."""

from pathlib import Path
from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..window import launch, properties
from ..window.blender_types import Result, with_properties
from ..window.stored_paths import stored_path
from ..window.words import rpt_
from .common import choose_files, refuse


@with_properties
class PHOTOREAL_OT_open_set(Operator):
    bl_idname = "photoreal.open_set"
    bl_label = "Open Set"
    bl_description = "Choose the folder of an existing set to see, place or resume it in this scene"
    bl_options = {"REGISTER", "UNDO"}

    directory: Annotated[str, StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})]

    def invoke(self, context: Context, _event: Event) -> Result:
        if self.directory:  # A button has named the folder.
            return self.execute(context)
        return choose_files(self, context)

    def execute(self, context: Context) -> Result:
        folder = Path(self.directory)
        if not (folder / "set.json").is_file():
            text = "{folder} contains no set. Choose the folder with set.json in it"
            return refuse(self, rpt_(text, folder=folder))
        properties.of_context(context).made_in = stored_path(folder)
        launch.look_at(folder)
        return {"FINISHED"}
