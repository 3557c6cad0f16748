# SPDX-License-Identifier: GPL-3.0-or-later
"""Place Photos."""

from typing import Annotated

from bpy.props import BoolProperty
from bpy.types import Context, OperatorProperties

from ..background_run.set_view import SetView
from ..window import sheets
from ..window.blender_types import Result, scene_of, with_properties
from ..window.words import rpt_, tip_
from . import checks
from .common import SetOperator, left_out, refuse


@with_properties
class PHOTOREAL_OT_place_photos(SetOperator):
    bl_idname = "photoreal.place_photos"
    bl_label = "Place Photos"
    bl_description = (
        "Show the chosen photos in your scene as a contact sheet, beside its objects where there is room. "
        "A sheet of this set that is there already shows them instead"
    )
    bl_options = {"REGISTER", "UNDO"}

    as_new: Annotated[
        bool,
        BoolProperty(
            name="New Sheet",
            description="Keep the sheet that is there, and add another",
            options={"SKIP_SAVE"},
        ),
    ]
    at_cursor: Annotated[
        bool,
        BoolProperty(
            name="At 3D Cursor",
            description="Add a sheet whose lower left corner is the 3D cursor",
            options={"SKIP_SAVE"},
        ),
    ]

    @classmethod
    def description(cls, _context: Context, options: OperatorProperties) -> str:
        if getattr(options, "at_cursor", False):
            return tip_("Add a contact sheet whose lower left corner is the 3D cursor")
        if getattr(options, "as_new", False):
            return tip_("Add another contact sheet, and keep the one that is there")
        return tip_(cls.bl_description)

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context) or checks.photos(context))

    def act(self, context: Context, found: SetView) -> Result:
        try:
            placed = sheets.place(
                scene_of(context),
                found,
                replaces=not self.as_new,
                at_cursor=self.at_cursor,
                as_new=self.as_new,
            )
        except (RuntimeError, OSError) as error:
            return refuse(self, rpt_("A photo cannot be loaded: {error}", error=str(error).strip()))
        if words := left_out(found):
            self.report({"WARNING"}, f"{rpt_('The photos are placed')}. {words}")
        elif not placed.changed:
            self.report({"INFO"}, "The sheet shows these photos already")
        return {"FINISHED"}
