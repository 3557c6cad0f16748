# SPDX-License-Identifier: GPL-3.0-or-later
"""Forget Key."""

import bpy
from bpy.types import Context, Operator

from ..window import preferences
from ..window.blender_types import Result
from . import checks


class PHOTOREAL_OT_forget_key(Operator):
    bl_idname = "photoreal.forget_key"
    bl_label = "Forget Key"
    bl_description = "Delete the key from the preferences and save them, so that no file contains it any more"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        has_key = bool(preferences.get(context).fal_key)
        return checks.allow(cls, None if has_key else checks.Problem(reason="No key is stored here"))

    def execute(self, context: Context) -> Result:
        preferences.get(context).fal_key = ""
        preferences.answers.key.clear()
        bpy.ops.wm.save_userpref()
        self.report({"INFO"}, "The key was deleted")
        return {"FINISHED"}
