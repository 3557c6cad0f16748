# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Folder."""

import bpy
from bpy.types import Context, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_open_folder(Operator):
    bl_idname = "photoreal.open_folder"
    bl_label = "Open Folder"
    bl_description = "Show the set folder in the file browser of your system"
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context))

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        assert found is not None
        bpy.ops.wm.path_open(filepath=str(found.folder))
        return {"FINISHED"}
