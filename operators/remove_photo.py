# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove Photo."""

from bpy.props import IntProperty
from bpy.types import Context, Operator


class PHOTOREAL_OT_remove_photo(Operator):
    bl_idname = "photoreal.remove_photo"
    bl_label = "Remove Photo"
    bl_description = "Take this photo out of the source; the file stays"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012  Blender's own form.

    index: IntProperty(options={"HIDDEN"})  # type: ignore[valid-type]

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        settings.photos.remove(self.index)
        settings.source_kind = (
            settings.source_kind
        )  # Tells whoever listens that the price may be another one.
        return {"FINISHED"}
