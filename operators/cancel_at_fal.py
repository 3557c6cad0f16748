# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel at fal.ai."""

from bpy.types import Context, Event, Operator

from ..window import pump as runtime
from ..window.scene_settings import settings_of
from . import checks


class PHOTOREAL_OT_cancel_at_fal(Operator):
    bl_idname = "photoreal.cancel_at_fal"
    bl_label = "Cancel at fal.ai"
    bl_description = (
        "Cancel at fal.ai what was sent and has not ended. What waits there is not charged; "
        "what runs already may be"
    )
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context) or checks.fal(context, settings_of(context)))

    def invoke(self, context: Context, event: Event) -> set[str]:
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Cancel at fal.ai",
            message="Requests that run already may still be charged.",
            confirm_text="Cancel Them",
        )

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        if found:
            runtime.cancel_at_fal(context, found.folder)
        return {"FINISHED"}
