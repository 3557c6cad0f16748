# SPDX-License-Identifier: GPL-3.0-or-later
"""Forget Key."""

import bpy
from bpy.types import Context, Operator

from ..window import preferences
from . import checks


class PHOTOREAL_OT_forget_key(Operator):
    bl_idname = "photoreal.forget_key"
    bl_label = "Forget Key"
    bl_description = "Take the key out of the preferences and save them, so that it is in no file any more"
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        has_key = bool(preferences.get(context).fal_key)
        return checks.allow(cls, None if has_key else checks.Problem(reason="No key is kept here"))

    def execute(self, context: Context) -> set[str]:
        preferences.get(context).fal_key = ""
        preferences.answers.key.clear()
        bpy.ops.wm.save_userpref()
        self.report({"INFO"}, "The key is forgotten")
        return {"FINISHED"}
