# SPDX-License-Identifier: GPL-3.0-or-later
"""Another 3D Model."""

from bpy.types import Context, Event

from ..background_run.set_view import SetView
from ..messages.money import dollars
from ..window import launch, runs
from ..window.blender_types import Result, scene_of
from . import checks
from .common import SetOperator, confirm


class PHOTOREAL_OT_redo_model(SetOperator):
    bl_idname = "photoreal.redo_model"
    bl_label = "Another 3D Model"
    bl_description = (
        "Have fal.ai make another 3D model, for one that is damaged, lost or not what you want. "
        "It is charged again, and all pictures are made again from it"
    )
    bl_options = set()  # It costs money: without REGISTER, Repeat Last cannot spend again.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.redo_model(context))

    def invoke(self, context: Context, event: Event) -> Result:
        found = runs.set_of(scene_of(context))
        amount = f"about {dollars(found.model_price)}" if found and found.model_price else "money"
        message = f"It costs {amount}. Photos and video that fal.ai makes from it are charged again too."
        return confirm(self, context, event, title=self.bl_label, message=message, confirm_text="Buy")

    def act(self, context: Context, found: SetView) -> Result:
        launch.resume(context, found.folder, ("--redo", "model"))
        return {"FINISHED"}
