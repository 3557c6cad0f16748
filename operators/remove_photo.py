# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove Photo."""

from typing import Annotated

from bpy.props import IntProperty
from bpy.types import Context, Operator

from ..window import changes, properties
from ..window.blender_types import Result, with_properties


@with_properties
class PHOTOREAL_OT_remove_photo(Operator):
    bl_idname = "photoreal.remove_photo"
    bl_label = "Remove Photo"
    bl_description = "Remove this photo from the source; the file stays"
    bl_options = {"INTERNAL", "UNDO"}

    index: Annotated[int, IntProperty(options={"HIDDEN"})]

    def execute(self, context: Context) -> Result:
        properties.of_context(context).photos.remove(self.index)
        changes.notify(context)
        return {"FINISHED"}
