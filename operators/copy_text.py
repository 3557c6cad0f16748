# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy Text."""

from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Operator

from ..window.blender_types import Result, manager_of, with_properties


@with_properties
class PHOTOREAL_OT_copy_text(Operator):
    bl_idname = "photoreal.copy_text"
    bl_label = "Copy"
    bl_description = "Copy the whole text to the clipboard"
    bl_options = {"INTERNAL"}

    text: Annotated[str, StringProperty(options={"HIDDEN", "SKIP_SAVE"})]

    def execute(self, context: Context) -> Result:
        manager_of(context).clipboard = self.text
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}
