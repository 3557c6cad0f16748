# SPDX-License-Identifier: GPL-3.0-or-later
"""Step Take."""

from typing import Annotated

from bpy.props import IntProperty, StringProperty
from bpy.types import Context

from ..background_run.set_view import SetView
from ..window import launch, runs
from ..window.blender_types import Result, with_properties
from .common import SetOperator


@with_properties
class PHOTOREAL_OT_step_take(SetOperator):
    bl_idname = "photoreal.step_take"
    bl_label = "Other Take"
    bl_description = "Look at another photo that was made of this angle. The set stays as it is"
    bl_options = {"INTERNAL"}

    name: Annotated[str, StringProperty(options={"HIDDEN"})]
    step: Annotated[int, IntProperty(default=1, options={"HIDDEN"})]

    def act(self, _context: Context, found: SetView) -> Result:
        picture = next((one for one in found.pictures if one.name == self.name), None)
        if picture is None or not picture.takes:
            return {"CANCELLED"}
        numbers = [take.number for take in picture.takes]
        shown = runs.shown_take(found.folder, picture)
        place = numbers.index(shown.number) if shown else 0
        number = numbers[(place + self.step) % len(numbers)]
        runs.state.shown_takes[found.folder, picture.name] = number
        launch.redraw()
        return {"FINISHED"}
