# SPDX-License-Identifier: GPL-3.0-or-later
"""Build Studio."""

from bpy.types import Context, Operator

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
    bl_description = (
        "Show the model in a photo studio in a separate scene: lights, ground and a framed camera"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.object_mode(context)
        settings = properties.of_context(context)
        if not problem and (settings.source_kind != "FILE" or not settings.source):
            problem = checks.Problem(reason="Choose a GLB or glTF file as source")
        if not problem and settings.source.lower().endswith(".blend"):
            problem = checks.Problem(
                reason="The studio shows only GLB and glTF files: open the .blend file itself"
            )
        return checks.allow(cls, problem)

    def execute(self, context: Context) -> Result:
        return build_and_report(self, context)
