# SPDX-License-Identifier: GPL-3.0-or-later
"""Place Photos."""

from bpy.types import Context

from ..background_run.set_view import SetView
from ..window.blender_types import Result, scene_of
from . import checks
from .common import SetOperator, left_out, refuse


class PHOTOREAL_OT_place_photos(SetOperator):
    bl_idname = "photoreal.place_photos"
    bl_label = "Place Photos"
    bl_description = "Place the finished photos in this scene as a contact sheet, to the right of its objects"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context) or checks.photos(context))

    def act(self, context: Context, found: SetView) -> Result:
        from ..window.placing import contact_sheet

        try:
            contact_sheet(scene_of(context), found.product, found.lasting_sheet())
        except (RuntimeError, OSError) as error:
            return refuse(self, f"A photo cannot be loaded: {str(error).strip()}")
        if words := left_out(found):
            self.report({"WARNING"}, f"The photos are placed{words}")
        return {"FINISHED"}
