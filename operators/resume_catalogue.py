# SPDX-License-Identifier: GPL-3.0-or-later
"""Resume Catalogue."""

from pathlib import Path
from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context

from ..background_run.button_arguments import Source
from ..catalogue.glance import is_catalogue
from ..window import runs, scene_catalogue
from ..window.blender_types import Result, with_properties
from ..window.scene_settings import settings_of
from ..window.words import iface_, rpt_
from . import checks
from .common import refuse
from .paying import FREE, PayingOperator, Sum, at_most


@with_properties
class PHOTOREAL_OT_resume_catalogue(PayingOperator):
    bl_idname = "photoreal.resume_catalogue"
    bl_label = "Resume Catalog"
    bl_description = (
        "Continue the catalog where it ended: finished sets are kept, "
        "and paid results are fetched without paying again"
    )
    bl_options = set()  # It may cost money: without REGISTER, Repeat Last cannot spend again.

    folder: Annotated[str, StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.idle(context))

    def sum_of(self, context: Context) -> Sum:
        return at_most(context) if self._may_cost_money() else FREE

    def message_of(self, amount: str) -> str:
        text = "What is missing is made, {price}. What was paid for is fetched free of charge."
        return iface_(text, price=amount)

    def pay(self, context: Context) -> Result:
        folder = Path(self.folder)
        if not self.folder or not is_catalogue(folder):
            return refuse(self, rpt_("{folder} is not the folder of a catalog", folder=self.folder))
        settings = settings_of(context, Source.OBJECTS)
        scene_catalogue.resume_catalogue(context, folder, settings, pays=self._may_cost_money())
        return {"FINISHED"}

    def _may_cost_money(self) -> bool:
        """False only for a catalogue that this window has started, without anything by fal.ai."""
        known = [run for run in runs.state.runs if str(run.view.folder) == self.folder]
        return known[-1].pays if known else True
