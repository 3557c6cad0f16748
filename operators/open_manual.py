# SPDX-License-Identifier: GPL-3.0-or-later
"""Help: the manual in the web browser."""

import bpy
from bpy.types import Context, Operator

from ..window import manual
from ..window.blender_types import Result


class PHOTOREAL_OT_open_manual(Operator):
    bl_idname = "photoreal.open_manual"
    bl_label = "Photoreal Set Manual"
    bl_description = "Open the manual of Photoreal Set in the web browser. For a single button, choose Online Manual in its context menu"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Context) -> Result:
        bpy.ops.wm.url_open(url=manual.address(manual.GUIDE))
        return {"FINISHED"}
