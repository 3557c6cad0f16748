# SPDX-License-Identifier: GPL-3.0-or-later
"""Build Studio."""

from bpy.types import Context, Operator

from ..background_run.button_arguments import Source
from ..messages.errors import PhotorealError
from ..window import properties
from ..window.blender_types import Result
from . import checks
from .common import refuse


def build_and_report(operator: Operator, context: Context) -> Result:
    """Show the studio; report what is wrong with the model, or why there is no studio."""
    from ..window.studio_scene import show_studio

    try:
        problems = show_studio(context)
    except PhotorealError as error:
        return refuse(operator, str(error))
    for text in problems:
        operator.report({"WARNING"}, text)
    return {"FINISHED"}


class PHOTOREAL_OT_build_studio(Operator):
    bl_idname = "photoreal.build_studio"
    bl_label = "Build Studio"
    bl_description = "Show the product in a photo studio in a separate scene: as it will be photographed, with a camera for every angle"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.object_mode(context)
        settings = properties.of_context(context)
        kind = Source(settings.source_kind)
        if not problem and kind in (Source.PHOTOS, Source.TEXT):
            problem = checks.Problem(reason="There is no 3D model yet: generate it first")
        problem = problem or checks.source(context)
        if not problem and kind is Source.FILE and settings.source.lower().endswith(".blend"):
            problem = checks.Problem(
                reason="The studio shows only GLB and glTF files: open the .blend file itself"
            )
        return checks.allow(cls, problem)

    def execute(self, context: Context) -> Result:
        return build_and_report(self, context)
