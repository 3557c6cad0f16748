# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve Uncertain Request."""

import time
from typing import Annotated

from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy.types import Context, Event, OperatorProperties

from ..background_run.set_view import SetView
from ..messages.moments import clock_time
from ..window import launch, runs
from ..window.blender_types import Result, layout_of, manager_of, scene_of, with_properties
from ..window.words import iface_, rpt_, tip_
from . import checks
from .common import refuse
from .paying import FREE, PayingSetOperator, Sum

RESEND, FORGET = "resend", "forget"  # Options of ``resume``.
DECISIONS = (
    (RESEND, "Send Again", "Send the request again. If fal.ai has received the first one, both are charged"),
    (FORGET, "Do Without", "Continue without this result"),
)


@with_properties
class PHOTOREAL_OT_resolve_uncertain(PayingSetOperator):
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
        return tip_(next((text for name, _label, text in DECISIONS if name == chosen), cls.bl_description))

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.idle(context) or checks.the_set(context))

    def invoke(self, context: Context, _event: Event) -> Result:
        self.price = self.sum_of(context).agreed
        if self.decision == FORGET:
            return self.execute(context)
        return manager_of(context).invoke_props_dialog(
            self, width=460, title="Send Again", confirm_text="Send Again"
        )

    def draw(self, context: Context) -> None:
        column = layout_of(self).column()
        found = runs.set_of(scene_of(context))
        if found and (moment := self._wait_until(found)):
            text = "It may still be running until {time}. If you send it again, both may be charged."
            column.label(text=iface_(text, time=clock_time(moment)), icon="ERROR")
        else:
            column.label(text="If fal.ai has received the first request, both are charged.", icon="ERROR")
        column.label(text=self.message_of(self.sum_of(context).shown))
        column.label(text="Resume looks for it again, free of charge.")
        column.prop(self, "is_not_in_dashboard")

    def sum_of(self, context: Context) -> Sum:
        return super().sum_of(context) if self.decision == RESEND else FREE

    def message_of(self, amount: str) -> str:
        return iface_("Sending it again costs {price}.", price=amount)

    def act(self, context: Context, found: SetView) -> Result:
        if self.decision == RESEND and not self.is_not_in_dashboard and (moment := self._wait_until(found)):
            text = "It may still be running until {time}. Resume to look for it, or check your fal.ai dashboard first"
            return refuse(self, rpt_(text, time=clock_time(moment)))
        stated = ("--not-in-dashboard",) if self.is_not_in_dashboard and self.decision == RESEND else ()
        launch.resume(context, found.folder, (f"--{self.decision}", self.key, *stated))
        return {"FINISHED"}

    def _wait_until(self, found: SetView) -> float:
        """Until when the request may be running at fal.ai, in seconds since 1970; 0 when that has passed."""
        held = next((one for one in found.held if one.key == self.key), None)
        return held.resend_at if held is not None and time.time() < held.resend_at else 0.0
