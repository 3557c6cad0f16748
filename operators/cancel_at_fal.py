# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel at fal.ai."""

from pathlib import Path
from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..window import launch
from ..window.blender_types import Result, with_properties
from ..window.scene_settings import settings_of
from . import checks
from .common import confirm, refuse


@with_properties
class PHOTOREAL_OT_cancel_at_fal(Operator):
    bl_idname = "photoreal.cancel_at_fal"
    bl_label = "Cancel at fal.ai"
    bl_description = (
        "Cancel the pending requests of this set or catalog at fal.ai. Requests in the queue are not charged; "
        "requests that are running may be"
    )
    bl_options = {"INTERNAL"}

    folder: Annotated[str, StringProperty(options={"HIDDEN", "SKIP_SAVE"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.fal(context, settings_of(context)))

    def invoke(self, context: Context, event: Event) -> Result:
        message = "Requests that are already running may still be charged."
        return confirm(
            self, context, event, title=self.bl_label, message=message, confirm_text="Cancel Requests"
        )

    def execute(self, context: Context) -> Result:
        if not self.folder:
            return refuse(self, "Name the folder of a set or a catalog")
        launch.cancel_at_fal(context, Path(self.folder))
        return {"FINISHED"}
