# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose Endpoint."""

from typing import Annotated

from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Operator, OperatorProperties

from ..fal_bridge.endpoints.menu import CHOICES
from ..window import preferences, properties
from ..window.blender_types import Result, with_properties
from ..window.words import tip_


@with_properties
class PHOTOREAL_OT_choose_endpoint(Operator):
    bl_idname = "photoreal.choose_endpoint"
    bl_label = "Choose Endpoint"
    bl_description = "Use this model at fal.ai"
    bl_options = {"INTERNAL", "UNDO"}

    kind: Annotated[str, StringProperty(options={"HIDDEN"})]
    endpoint: Annotated[str, StringProperty(options={"HIDDEN"})]
    of_preferences: Annotated[bool, BoolProperty(options={"HIDDEN", "SKIP_SAVE"})]

    @classmethod
    def description(cls, _context: Context, options: OperatorProperties) -> str:
        chosen = getattr(options, "endpoint", "")
        found = next((one for one in CHOICES if one.id == chosen), None)
        if found is None and getattr(options, "of_preferences", False):
            return "Use the recommended endpoint"
        if found is None:
            return tip_("Use the endpoint of the preferences, or the recommended one")
        text = "{endpoint}: {purpose}. List price: {price}"
        return tip_(text, endpoint=found.id, purpose=tip_(found.line), price=found.shown_price)

    def execute(self, context: Context) -> Result:
        if self.of_preferences:
            setattr(preferences.get(context), f"{self.kind}_endpoint", self.endpoint)
            if context.preferences:
                context.preferences.is_dirty = True  # Blender saves them when it ends.
        else:
            setattr(properties.of_context(context), f"{self.kind}_endpoint", self.endpoint)
        return {"FINISHED"}
