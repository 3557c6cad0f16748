# SPDX-License-Identifier: GPL-3.0-or-later
"""Send to Compositor."""

from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context

from ..background_run.set_view import SetView
from ..window.blender_types import Result, scene_of, with_properties
from ..window.sheets import sheet_scene
from ..window.words import iface_, rpt_
from . import checks
from .common import SetOperator, refuse

INCOMPLETE = (
    "The nodes are in the compositor, without: {missing}. Turn on Depth and Normal under Studio, Picture, and generate the "
    "set again to get them"
)


@with_properties
class PHOTOREAL_OT_to_compositor(SetOperator):
    bl_idname = "photoreal.to_compositor"
    bl_label = "Send to Compositor"
    bl_description = (
        "Add the photo, render, mask, depth and normal of this angle to the compositor of your scene, as nodes in a frame. "
        "Your own nodes stay as they are"
    )
    bl_options = {"REGISTER", "UNDO"}

    name: Annotated[
        str,
        StringProperty(name="Angle", description="The angle whose pictures are added", options={"HIDDEN"}),
    ]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context))

    def act(self, context: Context, found: SetView) -> Result:
        from ..window import compositing  # It imports numpy.

        picture = next((one for one in found.pictures if one.name == self.name), None)
        if picture is None or not (picture.render or picture.photo):
            return refuse(self, rpt_("The angle {name} has no picture yet", name=repr(self.name)))
        scene = sheet_scene(scene_of(context))
        try:
            handed = compositing.hand_over(scene, found, picture)
        except (RuntimeError, OSError) as error:
            return refuse(self, rpt_("A picture cannot be loaded: {error}", error=str(error).strip()))
        if {"depth", "normal"} & set(handed.missing):
            missing = ", ".join(iface_(name.capitalize()) for name in handed.missing)
            self.report({"WARNING"}, rpt_(INCOMPLETE, missing=missing))
        elif handed.is_new:
            self.report(
                {"INFO"}, rpt_("The nodes are in the compositor of the scene {scene}", scene=scene.name)
            )
        else:
            text = "The nodes in the compositor of the scene {scene} have the present pictures"
            self.report({"INFO"}, rpt_(text, scene=scene.name))
        return {"FINISHED"}
