# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve Uncertain Request."""

import time
from typing import Annotated

from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy.types import Context, Event, OperatorProperties

from ..background_run.set_view import SetView
from ..window import launch, runs
from ..window.blender_types import Result, layout_of, manager_of, scene_of, with_properties
from . import checks
from .common import SetOperator, confirm, refuse

RESEND, FORGET = "resend", "forget"  # Options of ``resume``.
DECISIONS = (
    (RESEND, "Send Again", "Send the request again. If fal.ai has received the first one, both are charged"),
    (FORGET, "Do Without", "Continue without this result"),
)


@with_properties
class PHOTOREAL_OT_resolve_uncertain(SetOperator):
    bl_idname = "photoreal.resolve_uncertain"
    bl_label = "Resolve Uncertain Request"
    bl_description = "Decide about a request whose answer was lost"
    bl_options = set()  # It may cost money: without REGISTER, Repeat Last cannot spend again.

    key: Annotated[str, StringProperty(options={"HIDDEN"})]
    decision: Annotated[str, EnumProperty(items=DECISIONS, options={"HIDDEN"})]
    is_not_in_dashboard: Annotated[
        bool,
        BoolProperty(
            name="My fal.ai dashboard does not show it",
            description="You have checked the requests in your fal.ai dashboard",
            options={"SKIP_SAVE"},
        ),
    ]

    @classmethod
    def description(cls, _context: Context, options: OperatorProperties) -> str:
        chosen = getattr(options, "decision", "")
        return next((text for name, _label, text in DECISIONS if name == chosen), cls.bl_description)

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.idle(context) or checks.the_set(context))

    def invoke(self, context: Context, event: Event) -> Result:
        if self.decision == FORGET:
            return self.execute(context)
        found = runs.set_of(scene_of(context))
        if found and self._is_early(found):
            return manager_of(context).invoke_props_dialog(
                self, width=420, title="Send Again", confirm_text="Send Again"
            )
        message = "If fal.ai has received the first one, both are charged."
        return confirm(self, context, event, title="Send Again", message=message, confirm_text="Send Again")

    def draw(self, _context: Context) -> None:
        column = layout_of(self).column()
        column.label(text="It may still be running, so sending it again may be charged twice.", icon="ERROR")
        column.label(text="Resume looks for it again, free of charge.")
        column.prop(self, "is_not_in_dashboard")

    def act(self, context: Context, found: SetView) -> Result:
        if self.decision == RESEND and not self.is_not_in_dashboard and self._is_early(found):
            return refuse(
                self, "It may still be running. Resume to look for it, or check your fal.ai dashboard first"
            )
        stated = ("--not-in-dashboard",) if self.is_not_in_dashboard and self.decision == RESEND else ()
        launch.resume(context, found.folder, (f"--{self.decision}", self.key, *stated))
        return {"FINISHED"}

    def _is_early(self, found: SetView) -> bool:
        """Whether the request may still be running at fal.ai."""
        held = next((one for one in found.held if one.key == self.key), None)
        return held is not None and time.time() < held.resend_at
