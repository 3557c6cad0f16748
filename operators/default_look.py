# SPDX-License-Identifier: GPL-3.0-or-later
"""Use for New Files."""

from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Operator

from ..window import preferences
from ..window.blender_types import Result, with_properties
from ..window.words import rpt_


@with_properties
class PHOTOREAL_OT_default_look(Operator):
    bl_idname = "photoreal.default_look"
    bl_label = "Use for New Files"
    bl_description = "Give every new file the look that was chosen last"
    bl_options = {"INTERNAL"}

    look: Annotated[str, StringProperty(options={"HIDDEN"})]

    def execute(self, context: Context) -> Result:
        preferences.get(context).default_look = self.look
        if self.look:
            self.report({"INFO"}, rpt_("New files have the look {look}", look=rpt_(self.look)))
        else:
            self.report({"INFO"}, rpt_("New files have no look"))
        return {"FINISHED"}
