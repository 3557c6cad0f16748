# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Folder."""

import bpy
from bpy.types import Context

from ..background_run.set_view import SetView
from ..window.blender_types import Result
from . import checks
from .common import SetOperator


class PHOTOREAL_OT_open_folder(SetOperator):
    bl_idname = "photoreal.open_folder"
    bl_label = "Open Folder"
    bl_description = "Show the set folder in the file browser of your system"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context))

    def act(self, context: Context, found: SetView) -> Result:
        bpy.ops.wm.path_open(filepath=str(found.folder))
        return {"FINISHED"}
