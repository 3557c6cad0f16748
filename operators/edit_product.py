# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit Product."""

from bpy.types import Context, Operator

from ..background_run.button_arguments import Source
from ..window import properties
from ..window.blender_types import Result
from . import checks


class PHOTOREAL_OT_edit_product(Operator):
    bl_idname = "photoreal.edit_product"
    bl_label = "Edit Product"
    bl_description = (
        "Unlock the objects in the studio and make them the source, so that the photos show your changes. "
        "Without it the photos show the file"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.object_mode(context) or checks.studio(context)
        if not problem and Source(properties.of_context(context).source_kind) is Source.OBJECTS:
            problem = checks.Problem(reason="The product can be edited already")
        return checks.allow(cls, problem)

    def execute(self, context: Context) -> Result:
        from ..window.studio_scene import edit_product

        edit_product(context)
        return {"FINISHED"}
