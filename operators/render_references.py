# SPDX-License-Identifier: GPL-3.0-or-later
"""Render References."""

from dataclasses import replace

from bpy.types import Context, Operator

from ..background_run.button_command import FREE, NO_FILM, Source
from ..window import pump as runtime
from ..window.scene_settings import settings_of
from . import checks
from .generate_set import missing_file


class PHOTOREAL_OT_render_references(Operator):
    bl_idname = "photoreal.render_references"
    bl_label = "Render References"
    bl_description = (
        "Render every angle with Cycles, free: references, masks and photos. "
        "Photos by fal.ai can follow in the same folder and keep the references"
    )
    bl_options = set()  # noqa: RUF012  It starts a process: Repeat Last would start another one.

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.idle(context) or checks.source(context)
        if not problem and Source(context.scene.photoreal.source_kind) in (Source.PHOTOS, Source.WORDS):
            problem = checks.Problem(reason="There is no 3D model yet: Generate 3D Model makes it")
        return checks.allow(cls, problem)

    def execute(self, context: Context) -> set[str]:
        settings = replace(settings_of(context), engine=FREE, video=NO_FILM)
        if sentence := missing_file(settings):
            self.report({"ERROR"}, sentence)
            return {"CANCELLED"}
        try:
            runtime.start_set(context, settings, places=False)
        except (OSError, RuntimeError) as error:
            self.report({"ERROR"}, f"The selection could not be written: {error}")
            return {"CANCELLED"}
        return {"FINISHED"}
