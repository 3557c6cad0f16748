# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit Angles."""

from bpy.types import Context, Operator

from ..optics.angles import ANGLES


class PHOTOREAL_OT_edit_angles(Operator):
    bl_idname = "photoreal.edit_angles"
    bl_label = "Edit Angles"
    bl_description = "Put the five usual angles into the list, to change them"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        settings.angles.clear()
        for angle in ANGLES.values():
            view = settings.angles.add()
            view.name, view.fill = angle.name, angle.fill
            view.azimuth, view.elevation = angle.azimuth, angle.elevation
        settings.angle_index = 0
        return {"FINISHED"}
