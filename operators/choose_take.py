# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose Take."""

from typing import Annotated

from bpy.props import IntProperty, StringProperty
from bpy.types import Context

from ..background_run.set_view import SetView
from ..window import launch
from ..window.blender_types import Result, with_properties
from . import checks
from .common import SetOperator


@with_properties
class PHOTOREAL_OT_choose_take(SetOperator):
    bl_idname = "photoreal.choose_take"
    bl_label = "Use This Take"
    bl_description = (
        "Show this photo in the set from now on, free of charge; the other takes are kept. "
        "A picture that is placed in the scene stays until you press Place Photos"
    )
    bl_options = {"INTERNAL"}

    name: Annotated[str, StringProperty(options={"HIDDEN"})]
    number: Annotated[int, IntProperty(options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.choose(context))

    def act(self, context: Context, found: SetView) -> Result:
        launch.choose_take(context, found.folder, self.name, self.number)
        return {"FINISHED"}
