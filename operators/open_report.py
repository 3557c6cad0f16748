# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Report."""

import bpy
from bpy.types import Context

from ..background_run.set_view import SetView
from ..window.blender_types import Result
from . import checks
from .common import SetOperator, refuse


class PHOTOREAL_OT_open_report(SetOperator):
    bl_idname = "photoreal.open_report"
    bl_label = "Open Report"
    bl_description = "Show the report of this set in the web browser"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context))

    def act(self, context: Context, found: SetView) -> Result:
        page = found.folder / "index.html"
        if not page.is_file():
            return refuse(self, "The report is written when the run ends. Try again then")
        bpy.ops.wm.url_open(url=page.as_uri())
        return {"FINISHED"}
