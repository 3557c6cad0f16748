# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose Folder."""

from pathlib import Path
from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..window import properties
from ..window.blender_types import Result, with_properties
from ..window.stored_paths import stored_path
from .common import choose_files


@with_properties
class PHOTOREAL_OT_choose_folder(Operator):
    bl_idname = "photoreal.choose_folder"
    bl_label = "Choose Folder"
    bl_description = "Choose the folder that the set of this scene is saved to"
    bl_options = {"REGISTER", "UNDO"}

    directory: Annotated[str, StringProperty(subtype="DIR_PATH")]

    def invoke(self, context: Context, _event: Event) -> Result:
        return choose_files(self, context)

    def execute(self, context: Context) -> Result:
        properties.of_context(context).folder = stored_path(Path(self.directory))
        return {"FINISHED"}
