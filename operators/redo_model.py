# SPDX-License-Identifier: GPL-3.0-or-later
"""Another 3D Model."""

from bpy.types import Context, Event, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_redo_model(Operator):
    bl_idname = "photoreal.redo_model"
    bl_label = "Another 3D Model"
    bl_description = (
        "Have fal.ai make another 3D model, when this one is damaged, lost or not liked; "
        "it is paid again, and all pictures are made anew from it"
    )
    bl_options = set()  # noqa: RUF012  It costs money: without REGISTER, Repeat Last cannot spend again.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.redo_model(context))

    def invoke(self, context: Context, event: Event) -> set[str]:
        found = runtime.set_of(context.scene)
        amount = f"about ${found.model_price:.3g}" if found and found.model_price else "money"
        message = f"It costs {amount}. What fal.ai makes from it, photos and film, is paid again too."
        return context.window_manager.invoke_confirm(
            self, event, title=self.bl_label, message=message, confirm_text="Buy"
        )

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        if found:
            runtime.resume(context, found.folder, ("--redo", "model"))
        return {"FINISHED"}
