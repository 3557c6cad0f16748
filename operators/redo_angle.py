# SPDX-License-Identifier: GPL-3.0-or-later
"""Try Again: another photo of an angle."""

from typing import Annotated

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Event

from ..background_run.set_view import SetView, Video
from ..window import launch, runs
from ..window.blender_types import Result, scene_of, with_properties
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
        photos = [one.price for one in found.remade_with(self.name)]
        if None in photos or not photos:
            return None
        return sum(price or 0.0 for price in [*photos, *(one.price for one in self._videos(found))])

    def message_of(self, amount: str) -> str:
        found = runs.set_of(scene_of(bpy.context))
        if found and len(found.remade_with(self.name)) > 1:
            return iface_("The photos of all angles and what is made from them cost {price}.", price=amount)
        if found and self._videos(found):
            return iface_("Another photo and the video made from it cost {price}.", price=amount)
        return iface_("Another photo costs {price}.", price=amount)

    def _videos(self, found: SetView) -> list[Video]:
        """The videos of fal.ai that are made again with the photo."""
        remade = {one.name for one in found.remade_with(self.name)}
        return [one for one in found.videos if one.price and not remade.isdisjoint(one.angles)]

    def act(self, context: Context, found: SetView) -> Result:
        launch.resume(context, found.folder, ("--redo", self.name))
        return {"FINISHED"}
