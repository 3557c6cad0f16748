# SPDX-License-Identifier: GPL-3.0-or-later
"""Resume Set."""

from bpy.types import Context, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_resume_set(Operator):
    bl_idname = "photoreal.resume_set"
    bl_label = "Resume"
    bl_description = (
        "Go on where the set ended: what is there is kept, what was paid is fetched and not paid again"
    )
    bl_options = set()  # noqa: RUF012  It may cost money: without REGISTER, Repeat Last cannot spend again.

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.idle(context) or checks.the_set(context)
        return checks.allow(cls, problem)

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        if found:
            runtime.resume(context, found.folder)
        return {"FINISHED"}
