# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate 3D Model."""

from dataclasses import replace

from bpy.types import Context

from ..background_run.button_arguments import Settings, View
from ..optics.angles import ANGLES, HERO
from ..photo_set.choices import NO_VIDEO, Engine
from ..window import launch, runs
from ..window.blender_types import Result
from ..window.scene_settings import settings_of
from ..window.words import iface_
from . import checks
from .common import refuse
from .generate_set import missing_file
from .paying import FREE, PayingOperator, Sum

PREVIEW_RESOLUTION = 512  # Pixels.


def model_only(settings: Settings) -> Settings:
    """Settings of a set that pays for the 3D model and nothing else, with one small render of it."""
    hero = ANGLES[HERO]
    view = View(name=hero.name, azimuth=hero.azimuth, elevation=hero.elevation, fill=hero.fill)
    return replace(
        settings,
        engine=Engine.CYCLES,
        video=NO_VIDEO,
        views=(view,),
        cameras=None,
        width=PREVIEW_RESOLUTION,
        height=0,
        samples=0,
    )


class PHOTOREAL_OT_generate_model(PayingOperator):
    bl_idname = "photoreal.generate_model"
    bl_label = "Generate 3D Model"
    bl_description = (
        "Have fal.ai make the 3D model from the photos or the text, and render one picture of it. "
        "A set generated afterwards uses this model without paying again"
    )
    bl_options = set()  # It costs money: without REGISTER, Repeat Last cannot spend again.

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.model(context)
        if not problem:
            problem = checks.price(context, model_only(settings_of(context)))
        return checks.allow(cls, problem)

    def sum_of(self, context: Context) -> Sum:
        price = runs.price_of(model_only(settings_of(context)))
        return Sum(price.text, price.shown) if price else FREE

    def message_of(self, amount: str) -> str:
        return iface_("fal.ai makes the model for {price}.", price=amount)

    def pay(self, context: Context) -> Result:
        settings = model_only(settings_of(context))
        if runs.price_of(settings) is None:
            return refuse(self, "The price is not known yet: ask for it")
        if sentence := missing_file(settings):
            return refuse(self, sentence)
        launch.start_set(context, settings, places=False)
        return {"FINISHED"}
