# SPDX-License-Identifier: GPL-3.0-or-later
"""Place Photos."""

from bpy.types import Context, Operator

from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_place_photos(Operator):
    bl_idname = "photoreal.place_photos"
    bl_label = "Place Photos"
    bl_description = "Put the finished photos into this scene, from the 3D cursor on, as a contact sheet"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context) or checks.photos(context))

    def execute(self, context: Context) -> set[str]:
        from ..window.placing import contact_sheet

        found = runtime.set_of(context.scene)
        assert found is not None
        try:
            contact_sheet(context.scene, found.product, found.lasting_sheet())
        except (RuntimeError, OSError) as error:
            self.report({"ERROR"}, f"A photo cannot be loaded: {str(error).strip()}")
            return {"CANCELLED"}
        return {"FINISHED"}
