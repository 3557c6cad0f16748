# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate Set of Each: a small catalogue from the scene."""

from typing import Annotated

from bpy.props import BoolProperty
from bpy.types import Context

from ..background_run.button_arguments import Settings, Source
from ..background_run.price_book import Price
from ..window import launch, properties, runs, scene_catalogue, studio_properties
from ..window.blender_types import Result, with_properties
from ..window.scene_catalogue import Item
from ..window.scene_settings import settings_of
from ..window.words import iface_, rpt_
from . import checks
from .chosen import chosen_collections, chosen_objects
from .common import refuse
from .paying import FREE, PayingOperator, Sum


@with_properties
class PHOTOREAL_OT_generate_catalogue(PayingOperator):
    bl_idname = "photoreal.generate_catalogue"
    bl_label = "Generate Set of Each"
    bl_description = (
        "Make a catalog: each selected collection, or each selected object with its children, is a product with a set of "
        "its own. What fal.ai charges for all of them is asked first"
    )
    bl_options = set()  # It may cost money: without REGISTER, Repeat Last cannot spend again.

    of_collections: Annotated[
        bool,
        BoolProperty(
            name="Of Collections",
            description="Each selected collection is a product, instead of each selected object",
            options={"SKIP_SAVE"},
        ),
    ]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.catalogue(context))

    def sum_of(self, context: Context) -> Sum:
        price = self._price(context)
        return Sum(price.text, price.shown) if price else FREE

    def message_of(self, amount: str) -> str:
        return iface_("fal.ai makes the sets of these products for {price}.", price=amount)

    def pay(self, context: Context) -> Result:
        items, settings = self._items(context), _settings_of(context)
        if not items:
            return refuse(
                self, "There is nothing to photograph: select objects or collections with visible objects"
            )
        if problem := _problem(context, settings, len(items)):
            if problem.fix is checks.Fix.ASK_PRICE:
                launch.ask_price(context, settings)
                return refuse(self, "fal.ai is asked for the price: choose this again in a moment")
            return refuse(self, problem.reason)
        try:
            scene_catalogue.start_catalogue(context, settings, items)
        except (OSError, RuntimeError) as error:
            return refuse(self, rpt_("A product could not be written: {error}", error=error))
        text = "The sets of {count} products are being made; Jobs shows their progress"
        self.report({"INFO"}, rpt_(text, count=len(items)))
        return {"FINISHED"}

    def _price(self, context: Context) -> Price | None:
        """The price of all sets; ``None`` when they are free, or it is not known."""
        settings = _settings_of(context)
        price = runs.price_of(settings) if settings.uses_fal else None
        return price.times(len(self._items(context))) if price else None

    def _items(self, context: Context) -> list[Item]:
        if self.of_collections:
            return scene_catalogue.items_of_collections(chosen_collections(context))
        return scene_catalogue.items_of_objects(chosen_objects(context))


def _settings_of(context: Context) -> Settings:
    return settings_of(context, Source.OBJECTS)


def _problem(context: Context, settings: Settings, count: int) -> checks.Problem | None:
    """Why these sets cannot be made."""
    if properties.of_context(context).angles_from == studio_properties.CAMERAS:
        if not settings.cameras:
            return checks.Problem(reason="This scene has no camera: add one, or use the list of angles")
    elif problem := checks.angles(context):
        return problem
    if settings.uses_fal:
        return checks.fal(context, settings) or checks.price(context, settings, count)
    return None
