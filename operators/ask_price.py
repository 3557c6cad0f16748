# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask for the Price."""

from bpy.props import BoolProperty
from bpy.types import Context, Operator

from ..window import pump as runtime
from ..window.scene_settings import settings_of
from . import checks
from .generate_model import model_only


class PHOTOREAL_OT_ask_price(Operator):
    bl_idname = "photoreal.ask_price"
    bl_label = "Ask for the Price"
    bl_description = "Ask fal.ai what these settings cost your account; this is free"
    bl_options = {"INTERNAL"}  # noqa: RUF012  Blender's own form.

    only_model: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: Context) -> bool:
        settings = settings_of(context)
        if not settings.uses_fal:
            return checks.allow(cls, checks.Problem(reason="Cycles is free"))
        return checks.allow(cls, checks.source(context) or checks.fal(context, settings))

    def execute(self, context: Context) -> set[str]:
        settings = settings_of(context)
        runtime.ask_price(context, model_only(settings) if self.only_model else settings)
        return {"FINISHED"}
