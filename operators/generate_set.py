# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate Photoreal Set: the primary button."""

from pathlib import Path

from bpy.types import Context

from ..background_run.button_arguments import Settings
from ..window import launch, preferences, runs
from ..window.blender_types import Result
from ..window.scene_settings import settings_of
from ..window.words import iface_, rpt_
from . import checks
from .common import refuse
from .paying import FREE, PayingOperator, Sum


def missing_file(settings: Settings) -> str:
    """A sentence about the first source file that does not exist, or ""."""
    for name in settings.files:
        if not Path(name).is_file():
            return rpt_("{name} does not exist. Choose another file", name=name)
    return ""


class PHOTOREAL_OT_generate_set(PayingOperator):
    bl_idname = "photoreal.generate_set"
    bl_label = "Generate Photoreal Set"
    bl_description = (
        "Make a set of this product in a background Blender while you keep working. "
        "The button shows what fal.ai charges"
    )
    bl_options = set()  # It may cost money: without REGISTER, Repeat Last cannot spend again.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.generate(context))

    def sum_of(self, context: Context) -> Sum:
        settings = settings_of(context)
        price = runs.price_of(settings) if settings.uses_fal else None
        return Sum(price.text, price.shown) if price else FREE

    def message_of(self, amount: str) -> str:
        return iface_("fal.ai makes this set for {price}.", price=amount)

    def pay(self, context: Context) -> Result:
        settings = settings_of(context)
        if settings.uses_fal and runs.price_of(settings) is None:
            return refuse(self, "The price is not known yet: ask for it")
        if sentence := missing_file(settings):
            return refuse(self, sentence)
        places = preferences.get(context).place_when_done
        try:
            launch.start_set(context, settings, places=places)
        except (OSError, RuntimeError) as error:
            return refuse(self, rpt_("The selection could not be written: {error}", error=error))
        self.report({"INFO"}, "The set is being made; the Jobs panel shows its progress")
        return {"FINISHED"}
