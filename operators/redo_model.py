# SPDX-License-Identifier: GPL-3.0-or-later
"""Another 3D Model."""

from bpy.types import Context, Event

from ..background_run.set_view import SetView
from ..window import launch
from ..window.blender_types import Result
from ..window.words import iface_
from . import checks
from .common import confirm
from .paying import PayingSetOperator


class PHOTOREAL_OT_redo_model(PayingSetOperator):
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
        message = self.agreed_message(context)
        return confirm(self, context, event, title=self.bl_label, message=message, confirm_text="Buy")

    def estimate(self, found: SetView) -> float | None:
        return found.model_price

    def message_of(self, amount: str) -> str:
        text = "It costs {price}. Photos and video that fal.ai makes from it are charged again too."
        return iface_(text, price=amount)

    def act(self, context: Context, found: SetView) -> Result:
        launch.resume(context, found.folder, ("--redo", "model"))
        return {"FINISHED"}
