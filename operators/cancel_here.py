# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel Here."""

from bpy.types import Context, Operator

from ..window import launch, runs
from ..window.blender_types import Result
from ..window.words import rpt_
from . import checks
from .common import refuse


class PHOTOREAL_OT_cancel_here(Operator):
    bl_idname = "photoreal.cancel_here"
    bl_label = "Stop Here"
    bl_description = (
        "Render and send nothing more; paid requests are finished and kept. "
        "Pressed again, it ends at once. The set can be resumed either way"
    )
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return checks.allow(cls, None if runs.set_run() else checks.Problem(reason="Nothing is running"))

    def execute(self, _context: Context) -> Result:
        if run := runs.set_run():
            try:
                launch.stop_here(run)
            except OSError as error:
                return refuse(self, rpt_("The run cannot be reached: {error}", error=error))
        return {"FINISHED"}
