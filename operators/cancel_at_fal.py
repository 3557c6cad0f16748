# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel at fal.ai."""

from bpy.types import Context, Event

from ..background_run.set_view import SetView
from ..window import launch
from ..window.blender_types import Result
from ..window.scene_settings import settings_of
from . import checks
from .common import SetOperator, confirm


class PHOTOREAL_OT_cancel_at_fal(SetOperator):
    bl_idname = "photoreal.cancel_at_fal"
    bl_label = "Cancel at fal.ai"
    bl_description = (
        "Cancel the pending requests of this set at fal.ai. Requests in the queue are not charged; "
        "requests that are running may be"
    )
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.the_set(context) or checks.fal(context, settings_of(context)))

    def invoke(self, context: Context, event: Event) -> Result:
        message = "Requests that are already running may still be charged."
        return confirm(
            self, context, event, title=self.bl_label, message=message, confirm_text="Cancel Requests"
        )

    def act(self, context: Context, found: SetView) -> Result:
        launch.cancel_at_fal(context, found.folder)
        return {"FINISHED"}
