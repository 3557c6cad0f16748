# SPDX-License-Identifier: GPL-3.0-or-later
"""New Prompt."""

import bpy
from bpy.types import Context, Operator

from ..window import properties
from ..window.blender_types import Result


class PHOTOREAL_OT_new_prompt(Operator):
    bl_idname = "photoreal.new_prompt"
    bl_label = "New Prompt"
    bl_description = "Add a text data-block for your prompt, to edit in the Text Editor"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> Result:
        properties.of_context(context).prompt = bpy.data.texts.new("Photoreal Prompt")
        return {"FINISHED"}
