# SPDX-License-Identifier: GPL-3.0-or-later
"""Try Again: another photo of an angle."""

from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Event

from ..background_run.set_view import SetView
from ..window import launch
from ..window.blender_types import Result, with_properties
from ..window.words import iface_
from . import checks
from .common import confirm
from .paying import PayingSetOperator


@with_properties
class PHOTOREAL_OT_redo_angle(PayingSetOperator):
    bl_idname = "photoreal.redo_angle"
    bl_label = "Try Again"
    bl_description = "Have fal.ai make another photo of this angle, which is charged again"
    bl_options = set()  # It costs money: without REGISTER, Repeat Last cannot spend again.

    name: Annotated[str, StringProperty(options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.redo(context))

    def invoke(self, context: Context, event: Event) -> Result:
        title = iface_("Try {name} again", name=self.name)
        return confirm(
            self, context, event, title=title, message=self.agreed_message(context), confirm_text="Try Again"
        )

    def estimate(self, found: SetView) -> float | None:
        return next((one.price for one in found.pictures if one.name == self.name), None)

    def message_of(self, amount: str) -> str:
        text = "Another photo costs {price}. A video that starts from it is made again too."
        return iface_(text, price=amount)

    def act(self, context: Context, found: SetView) -> Result:
        launch.resume(context, found.folder, ("--redo", self.name))
        return {"FINISHED"}
