# SPDX-License-Identifier: GPL-3.0-or-later
"""Test Key."""

from bpy.types import Context, Operator

from ..background_run.run_view import Kind
from ..window import launch
from ..window.blender_types import Result
from ..window.scene_settings import settings_of
from . import checks


class PHOTOREAL_OT_test_key(Operator):
    bl_idname = "photoreal.test_key"
    bl_label = "Test Key"
    bl_description = "Ask fal.ai whether it accepts the key and what the key may do, free of charge"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.fal(context, settings_of(context)))

    def execute(self, context: Context) -> Result:
        launch.ask_doctor(context, Kind.KEY)
        return {"FINISHED"}
