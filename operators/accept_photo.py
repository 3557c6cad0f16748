# SPDX-License-Identifier: GPL-3.0-or-later
"""Accept Anyway."""

from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Event

from ..background_run.set_view import SetView
from ..window import launch, runs
from ..window.blender_types import Result, scene_of, with_properties
from ..window.words import iface_
from . import checks
from .common import confirm
from .paying import FREE, PayingSetOperator, Sum


@with_properties
class PHOTOREAL_OT_accept_photo(PayingSetOperator):
    bl_idname = "photoreal.accept_photo"
    bl_label = "Accept Anyway"
    bl_description = "Accept this photo or video in spite of its verdict, and continue the set"
    bl_options = set()  # The set may buy a video now: without REGISTER, Repeat Last cannot spend again.

    name: Annotated[str, StringProperty(options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.accept(context))

    def invoke(self, context: Context, event: Event) -> Result:
        found = runs.set_of(scene_of(context))
        reason = found.reason_for(self.name) if found else ""
        cost = "" if self.sum_of(context) == FREE else self.agreed_message(context)
        message = f"{reason} {cost}".strip()
        title = iface_("Accept {name}", name=self.name)
        return confirm(self, context, event, title=title, message=message, confirm_text=iface_("Accept"))

    def sum_of(self, context: Context) -> Sum:
        found = runs.set_of(scene_of(context))
        return FREE if found and found.lacks_acceptance else super().sum_of(context)

    def message_of(self, amount: str) -> str:
        text = "What waits for it is made now, and a video by fal.ai is charged, {price}."
        return iface_(text, price=amount)

    def act(self, context: Context, found: SetView) -> Result:
        launch.resume(context, found.folder, ("--accept", self.name))
        return {"FINISHED"}
