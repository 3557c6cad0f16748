# SPDX-License-Identifier: GPL-3.0-or-later
"""Resume Set."""

from bpy.types import Context

from ..background_run.set_view import SetView
from ..window import launch
from ..window.blender_types import Result
from ..window.translations import CONTEXT
from ..window.words import iface_
from . import checks
from .paying import PayingSetOperator


class PHOTOREAL_OT_resume_set(PayingSetOperator):
    bl_idname = "photoreal.resume_set"
    bl_label = "Resume"
    bl_translation_context = CONTEXT
    bl_description = (
        "Continue the set where it ended: finished pictures are kept, "
        "and paid results are fetched without paying again"
    )
    bl_options = set()  # It may cost money: without REGISTER, Repeat Last cannot spend again.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.idle(context) or checks.the_set(context))

    def estimate(self, found: SetView) -> float | None:
        """The photos that are missing, each for what the others cost."""
        known = [one.price for one in found.pictures if one.price]
        missing = sum(1 for one in found.pictures if one.photo is None)
        return max(known) * missing if known and missing else None

    def message_of(self, amount: str) -> str:
        text = "What is missing is made at fal.ai, {price}. What was paid for is fetched free of charge."
        return iface_(text, price=amount)

    def act(self, context: Context, found: SetView) -> Result:
        launch.resume(context, found.folder)
        return {"FINISHED"}
