# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Report."""

import bpy
from bpy.types import Context, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_open_report(Operator):
    bl_idname = "photoreal.open_report"
    bl_label = "Open Report"
    bl_description = "Show the page of this set in the web browser"
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context))

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        assert found is not None
        page = found.folder / "index.html"
        if not page.is_file():
            self.report({"ERROR"}, "The page is not written yet. It comes when the run ends")
            return {"CANCELLED"}
        bpy.ops.wm.url_open(url=page.as_uri())
        return {"FINISHED"}
