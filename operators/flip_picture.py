# SPDX-License-Identifier: GPL-3.0-or-later
"""Flip Picture."""

from typing import Annotated

from bpy.props import IntProperty, StringProperty
from bpy.types import Context, Operator, SpaceImageEditor

from ..window import viewer
from ..window.blender_types import Result, with_properties
from ..window.words import rpt_
from .common import refuse


@with_properties
class PHOTOREAL_OT_flip_picture(Operator):
    bl_idname = "photoreal.flip_picture"
    bl_label = "Flip Picture"
    bl_description = "Show this picture in the same place, to compare the two"
    bl_options = {"INTERNAL"}

    name: Annotated[str, StringProperty(options={"HIDDEN"})]
    take: Annotated[int, IntProperty(default=viewer.RENDER, options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return viewer.shown_in(context.space_data) is not None

    def execute(self, context: Context) -> Result:
        shown = viewer.shown_in(context.space_data)
        known = viewer.picture_of(shown) if shown else None
        if known is None:
            return refuse(self, "The set of this picture is not open: open it in the gallery")
        found, _present = known
        picture = next((one for one in found.pictures if one.name == self.name), None)
        if picture is None:
            return {"CANCELLED"}
        area, space = context.area, context.space_data
        if area is None or not isinstance(space, SpaceImageEditor):
            return {"CANCELLED"}
        region = next(one for one in area.regions if one.type == "WINDOW")
        try:
            image = viewer.load(found, picture, self.take)
            viewer.show_in_place(space, region, image)
        except RuntimeError as error:
            return refuse(self, rpt_("The picture cannot be opened: {error}", error=str(error).strip()))
        return {"FINISHED"}
