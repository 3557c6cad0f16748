# SPDX-License-Identifier: GPL-3.0-or-later
"""Redo Angle."""

from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_redo_angle(Operator):
    bl_idname = "photoreal.redo_angle"
    bl_label = "Redo"
    bl_description = "Have fal.ai make another photo of this angle; it is paid again"
    bl_options = set()  # noqa: RUF012  It costs money: without REGISTER, Repeat Last cannot spend again.

    name: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.redo(context))

    def invoke(self, context: Context, event: Event) -> set[str]:
        found = runtime.set_of(context.scene)
        price = next((one.price for one in found.pictures if one.name == self.name), None) if found else None
        amount = f"about ${price:.3g}" if price else "money"
        message = f"Another photo costs {amount}. A film that starts from it is made again too."
        return context.window_manager.invoke_confirm(
            self, event, title=f"Redo {self.name}", message=message, confirm_text="Redo"
        )

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        if found:
            runtime.resume(context, found.folder, ("--redo", self.name))
        return {"FINISHED"}
