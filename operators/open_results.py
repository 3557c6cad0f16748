# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Results."""

from pathlib import Path
from typing import Annotated

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Operator

from ..window.blender_types import Result, with_properties
from .common import refuse


@with_properties
class PHOTOREAL_OT_open_results(Operator):
    bl_idname = "photoreal.open_results"
    bl_label = "Open Results"
    bl_description = "Show the page with all products of the catalog in the web browser"
    bl_options = {"INTERNAL"}

    folder: Annotated[str, StringProperty(options={"HIDDEN", "SKIP_SAVE"})]

    def execute(self, _context: Context) -> Result:
        page = Path(self.folder) / "index.html"
        if not page.is_file():
            return refuse(self, "The results are written when the run ends. Try again then")
        bpy.ops.wm.url_open(url=page.as_uri())
        return {"FINISHED"}
