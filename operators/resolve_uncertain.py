# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve Uncertain Request."""

from bpy.props import EnumProperty, StringProperty
from bpy.types import Context, Event, Operator

from .. import runtime
from . import checks


class PHOTOREAL_OT_resolve_uncertain(Operator):
    bl_idname = "photoreal.resolve_uncertain"
    bl_label = "Resolve Uncertain Request"
    bl_description = "Decide about a request whose answer was lost, after a look into your fal.ai dashboard"
    bl_options = set()  # noqa: RUF012  It may cost money: without REGISTER, Repeat Last cannot spend again.

    key: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    decision: EnumProperty(
        items=(
            (
                "resend",
                "Send Again",
                "It is not in your fal.ai dashboard: send it once more. If it is, it is paid twice",
            ),
            ("forget", "Do Without", "Go on without this result"),
        ),
        options={"HIDDEN"},
    )  # type: ignore[valid-type]

    @classmethod
    def description(cls, _context: Context, options: "PHOTOREAL_OT_resolve_uncertain") -> str:
        return next(
            item.description
            for item in cls.bl_rna.properties["decision"].enum_items
            if item.identifier == options.decision
        )

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.idle(context) or checks.the_set(context))

    def invoke(self, context: Context, event: Event) -> set[str]:
        if self.decision == "forget":
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Send Again",
            message="If fal.ai has received the first one, both are charged.",
            confirm_text="Send Again",
        )

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        if found:
            runtime.resume(context, found.folder, (f"--{self.decision}", self.key))
        return {"FINISHED"}
