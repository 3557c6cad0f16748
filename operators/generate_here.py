# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate Photoreal Set, in the menus of objects and collections."""

from typing import Annotated

import bpy
from bpy.props import BoolProperty
from bpy.types import Context, Event, Object, Operator

from ..background_run.button_arguments import Source
from ..window import properties
from ..window.blender_types import Result, with_properties
from . import checks
from .chosen import chosen_collections, chosen_objects
from .common import refuse
from .generate_set import PHOTOREAL_OT_generate_set


@with_properties
class PHOTOREAL_OT_generate_here(Operator):
    bl_idname = "photoreal.generate_here"
    bl_label = "Generate Photoreal Set"
    bl_description = "Make a set of these objects; what fal.ai charges is asked first"
    bl_options = set()  # It may cost money: without REGISTER, Repeat Last cannot spend again.

    of_collection: Annotated[
        bool,
        BoolProperty(
            name="Of the Collection",
            description="Use all objects of the active collection instead of the selected ones",
            options={"SKIP_SAVE"},
        ),
    ]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.idle(context) or checks.object_mode(context))

    def invoke(self, context: Context, _event: Event) -> Result:
        return self._start(context, "INVOKE_DEFAULT")

    def execute(self, context: Context) -> Result:
        return self._start(context, "EXEC_DEFAULT")

    def _start(self, context: Context, way: str) -> Result:
        chosen = self._objects(context)
        if not chosen:
            return refuse(self, "There are no objects: select some, or choose a collection with objects")
        self._select(context, chosen)
        properties.of_context(context).source_kind = Source.OBJECTS
        if problem := checks.generate(context):
            return refuse(self, problem.reason)
        name = PHOTOREAL_OT_generate_set.bl_idname.removeprefix("photoreal.")
        getattr(bpy.ops.photoreal, name)(way)  # type: ignore[attr-defined]  # The stubs do not know our operators.
        return {"FINISHED"}

    def _objects(self, context: Context) -> list[Object]:
        if not self.of_collection:
            return chosen_objects(context)
        return [item for one in chosen_collections(context) for item in one.all_objects]

    def _select(self, context: Context, chosen: list[Object]) -> None:
        layer = context.view_layer
        if layer is None:
            return
        wanted = {item.name for item in chosen}
        for item in list(layer.objects):
            item.select_set(item.name in wanted and item.visible_get(), view_layer=layer)
        layer.objects.active = next((item for item in chosen if item.name in layer.objects), None)
