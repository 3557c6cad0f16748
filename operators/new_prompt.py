# SPDX-License-Identifier: GPL-3.0-or-later
"""New Prompt."""

import bpy
from bpy.types import Context, Operator


class PHOTOREAL_OT_new_prompt(Operator):
    bl_idname = "photoreal.new_prompt"
    bl_label = "New Prompt"
    bl_description = "Make a text for your own words; write them in the Text Editor"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    def execute(self, context: Context) -> set[str]:
        context.scene.photoreal.prompt = bpy.data.texts.new("Photoreal Prompt")
        return {"FINISHED"}
