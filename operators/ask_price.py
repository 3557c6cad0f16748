# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask for the Price."""

from typing import Annotated

from bpy.props import BoolProperty
from bpy.types import Context, Operator

from ..window import launch
from ..window.blender_types import Result, with_properties
from ..window.scene_settings import settings_of
from . import checks
from .generate_model import model_only


@with_properties
class PHOTOREAL_OT_ask_price(Operator):
    bl_idname = "photoreal.ask_price"
    bl_label = "Ask for the Price"
    bl_description = "Ask fal.ai what these settings cost with your account, free of charge"
    bl_options = {"INTERNAL"}

    only_model: Annotated[bool, BoolProperty(options={"HIDDEN", "SKIP_SAVE"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        settings = settings_of(context)
        if not settings.uses_fal:
            return checks.allow(cls, checks.Problem(reason="Cycles is free"))
        return checks.allow(cls, checks.source(context) or checks.fal(context, settings))

    def execute(self, context: Context) -> Result:
        settings = settings_of(context)
        launch.ask_price(context, model_only(settings) if self.only_model else settings)
        return {"FINISHED"}
