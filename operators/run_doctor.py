# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics."""

from bpy.types import Context, Operator

from ..background_run.run_view import Kind
from ..window import launch
from ..window.blender_types import Result


class PHOTOREAL_OT_run_doctor(Operator):
    bl_idname = "photoreal.run_doctor"
    bl_label = "Run Diagnostics"
    bl_description = "Check packages, Cycles devices, denoiser, key, Online Access and folders"
    bl_options = {"INTERNAL"}

    def execute(self, context: Context) -> Result:
        launch.ask_doctor(context, Kind.DOCTOR)
        return {"FINISHED"}
