# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel Here."""

from bpy.types import Context, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_cancel_here(Operator):
    bl_idname = "photoreal.cancel_here"
    bl_label = "Stop Here"
    bl_description = (
        "Render and send nothing more; what is already paid is finished and kept. "
        "Pressed again: leave at once. The set can be resumed either way"
    )
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return checks.allow(cls, None if runtime.set_run() else checks.Problem(reason="Nothing is running"))

    def execute(self, _context: Context) -> set[str]:
        if run := runtime.set_run():
            runtime.stop_here(run)
        return {"FINISHED"}
