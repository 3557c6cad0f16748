# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy Text."""

from bpy.props import StringProperty
from bpy.types import Context, Operator


class PHOTOREAL_OT_copy_text(Operator):
    bl_idname = "photoreal.copy_text"
    bl_label = "Copy"
    bl_description = "Copy the whole text to the clipboard"
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    text: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: Context) -> set[str]:
        context.window_manager.clipboard = self.text
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}
