# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve Uncertain Request."""

import time

from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy.types import Context, Event, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_resolve_uncertain(Operator):
    bl_idname = "photoreal.resolve_uncertain"
    bl_label = "Resolve Uncertain Request"
    bl_description = "Decide about a request whose answer was lost"
    bl_options = set()  # noqa: RUF012  It may cost money: without REGISTER, Repeat Last cannot spend again.

    key: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    decision: EnumProperty(
        items=(
            (
                "resend",
                "Send Again",
                "Send the request again. If fal.ai has received the first one, both are charged",
            ),
            ("forget", "Do Without", "Continue without this result"),
        ),
        options={"HIDDEN"},
    )  # type: ignore[valid-type]
    is_not_in_dashboard: BoolProperty(
        name="My fal.ai dashboard does not show it",
        description="You have looked at the requests in your fal.ai dashboard",
        options={"SKIP_SAVE"},
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
        if self._is_early(context):
            return context.window_manager.invoke_props_dialog(
                self, width=420, title="Send Again", confirm_text="Send Again"
            )
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Send Again",
            message="If fal.ai has received the first one, both are charged.",
            confirm_text="Send Again",
        )

    def draw(self, _context: Context) -> None:
        column = self.layout.column()
        column.label(text="It may still be running, so sending it again may be charged twice.", icon="ERROR")
        column.label(text="Resume looks for it again, free of charge.")
        column.prop(self, "is_not_in_dashboard")

    def execute(self, context: Context) -> set[str]:
        if self.decision == "resend" and not self.is_not_in_dashboard and self._is_early(context):
            self.report(
                {"ERROR"},
                "It may still be running. Resume to look for it, or look at your fal.ai dashboard first",
            )
            return {"CANCELLED"}
        found = runtime.set_of(context.scene)
        if found:
            stated = ("--not-in-dashboard",) if self.is_not_in_dashboard and self.decision == "resend" else ()
            runtime.resume(context, found.folder, (f"--{self.decision}", self.key, *stated))
        return {"FINISHED"}

    def _is_early(self, context: Context) -> bool:
        """Whether the request may still be running at fal.ai."""
        found = runtime.set_of(context.scene)
        held = next((one for one in found.held if one.key == self.key), None) if found else None
        return held is not None and time.time() < held.resend_at
