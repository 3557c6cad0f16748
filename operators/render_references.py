# SPDX-License-Identifier: GPL-3.0-or-later
"""Render References."""

from dataclasses import replace

from bpy.types import Context, Operator

from ..background_run.button_arguments import Source
from ..photo_set.choices import NO_VIDEO, Engine
from ..window import launch, properties
from ..window.blender_types import Result
from ..window.scene_settings import settings_of
from ..window.words import rpt_
from . import checks
from .common import refuse
from .generate_set import missing_file


class PHOTOREAL_OT_render_references(Operator):
    bl_idname = "photoreal.render_references"
    bl_label = "Render References"
    bl_description = (
        "Render every angle with Cycles, free of charge: references, masks and photos. "
        "Photos by fal.ai can be added in the same folder and use the same references"
    )
    bl_options = set()  # It starts a process: Repeat Last would start another one.

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.idle(context) or checks.source(context)
        if not problem and Source(properties.of_context(context).source_kind) in (Source.PHOTOS, Source.TEXT):
            problem = checks.Problem(reason="There is no 3D model yet: generate it first")
        return checks.allow(cls, problem)

    def execute(self, context: Context) -> Result:
        settings = replace(settings_of(context), engine=Engine.CYCLES, video=NO_VIDEO)
        if sentence := missing_file(settings):
            return refuse(self, sentence)
        try:
            launch.start_set(context, settings, places=False)
        except (OSError, RuntimeError) as error:
            return refuse(self, rpt_("The selection could not be written: {error}", error=error))
        return {"FINISHED"}
