# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Set."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..window import pump as runtime


class PHOTOREAL_OT_open_set(Operator):
    bl_idname = "photoreal.open_set"
    bl_label = "Open Set"
    bl_description = "Choose the folder of a set that is there, to see, place or resume it in this scene"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    directory: StringProperty(subtype="DIR_PATH")  # type: ignore[valid-type]

    def invoke(self, context: Context, _event: Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        folder = Path(self.directory)
        if not (folder / "set.json").is_file():
            self.report({"ERROR"}, f"{folder} holds no set. Choose the folder that has set.json in it")
            return {"CANCELLED"}
        context.scene.photoreal.made_in = bpy.path.relpath(str(folder)) if bpy.data.filepath else str(folder)
        runtime.look_at(folder)
        return {"FINISHED"}
