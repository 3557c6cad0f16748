# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit Angles."""

from bpy.types import Context, Operator

from ..optics.angles import ANGLES
from ..window import changes, properties
from ..window.blender_types import Result


class PHOTOREAL_OT_edit_angles(Operator):
    bl_idname = "photoreal.edit_angles"
    bl_label = "Edit Angles"
    bl_description = "Fill the list with the five standard angles, to change them"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> Result:
        settings = properties.of_context(context)
        settings.angles.clear()
        for angle in ANGLES.values():
            view = settings.angles.add()
            view.name, view.fill = angle.name, angle.fill
            view.azimuth, view.elevation = angle.azimuth, angle.elevation
        settings.angle_index = 0
        changes.notify(context)
        return {"FINISHED"}
