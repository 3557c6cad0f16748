# SPDX-License-Identifier: GPL-3.0-or-later
"""Open Picture."""

from typing import Annotated

from bpy.props import IntProperty, StringProperty
from bpy.types import Context

from ..background_run.set_view import SetView
from ..window import viewer
from ..window.blender_types import Result, with_properties
from ..window.words import rpt_
from . import checks
from .common import SetOperator, refuse


@with_properties
class PHOTOREAL_OT_open_picture(SetOperator):
    bl_idname = "photoreal.open_picture"
    bl_label = "Open Picture"
    bl_description = (
        "Show this picture large in an Image Editor, where you can switch between render and takes in place"
    )
    bl_options = {"INTERNAL"}

    name: Annotated[str, StringProperty(options={"HIDDEN"})]
    take: Annotated[int, IntProperty(default=viewer.RENDER, options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context))

    def act(self, context: Context, found: SetView) -> Result:
        picture = next((one for one in found.pictures if one.name == self.name), None)
        if picture is None:
            return {"CANCELLED"}
        try:
            viewer.show(context, viewer.load(found, picture, self.take))
        except RuntimeError as error:
            return refuse(self, rpt_("The picture cannot be opened: {error}", error=str(error).strip()))
        return {"FINISHED"}
