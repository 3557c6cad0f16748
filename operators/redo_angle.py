# SPDX-License-Identifier: GPL-3.0-or-later
"""Try Again: another photo of an angle."""

from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Event

from ..background_run.set_view import SetView
from ..messages.money import dollars
from ..window import launch, runs
from ..window.blender_types import Result, scene_of, with_properties
from . import checks
from .common import SetOperator, confirm


@with_properties
class PHOTOREAL_OT_redo_angle(SetOperator):
    bl_idname = "photoreal.redo_angle"
    bl_label = "Try Again"
    bl_description = "Have fal.ai make another photo of this angle, which is charged again"
    bl_options = set()  # It costs money: without REGISTER, Repeat Last cannot spend again.

    name: Annotated[str, StringProperty(options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.redo(context))

    def invoke(self, context: Context, event: Event) -> Result:
        found = runs.set_of(scene_of(context))
        price = next((one.price for one in found.pictures if one.name == self.name), None) if found else None
        amount = f"about {dollars(price)}" if price else "money"
        message = f"Another photo costs {amount}. A video that starts from it is made again too."
        return confirm(
            self, context, event, title=f"Try {self.name} again", message=message, confirm_text="Try Again"
        )

    def act(self, context: Context, found: SetView) -> Result:
        launch.resume(context, found.folder, ("--redo", self.name))
        return {"FINISHED"}
