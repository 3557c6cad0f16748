# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something cannot be done now, and which button mends it. Cheap: no disk, no network."""

from dataclasses import dataclass

import bpy
from bpy.types import Context, Operator

from ..background_run.button_command import FAL, MOST_PHOTOS, Settings, Source
from ..optics.angles import is_safe_name
from ..window import preferences
from ..window import pump as runtime
from ..window.properties import CAMERAS
from ..window.scene_settings import cameras_of, settings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``reason`` is a sentence; ``fix`` an operator that helps, with its settings, "" when none does."""

    reason: str
    fix: str = ""
    fix_text: str = ""
    fix_options: tuple[tuple[str, str], ...] = ()


def allow(operator: type[Operator], problem: Problem | None) -> bool:
    """What ``poll`` returns; a grey button says why."""
    if problem:
        operator.poll_message_set(problem.reason)
    return problem is None


def idle(_context: Context) -> Problem | None:
    if runtime.set_run():
        return Problem(reason="A set is being made: wait for it, or cancel it under Jobs")
    return None


def source(context: Context) -> Problem | None:
    settings = context.scene.photoreal
    match Source(settings.source_kind):
        case Source.FILE if not settings.source:
            return Problem(
                reason="Choose a GLB, glTF or .blend file",
                fix="photoreal.import_product",
                fix_text="Choose a Model …",
            )
        case Source.PHOTOS if not any(photo.path for photo in settings.photos):
            return Problem(
                reason="Choose one to four photos",
                fix="photoreal.import_photos",
                fix_text="Choose Photos …",
            )
        case Source.PHOTOS if len(settings.photos) > MOST_PHOTOS:
            return Problem(reason=f"{MOST_PHOTOS} photos are the most: take some away")
        case Source.WORDS if not settings.words.strip():
            return Problem(reason="Say in words what the product is")
        case Source.OBJECTS if not context.selected_objects:
            return Problem(reason="Select the product's objects")
    return None


def fal(context: Context, settings: Settings) -> Problem | None:
    """What stands between this user and fal.ai."""
    if not bpy.app.online_access:
        if bpy.app.online_access_override:
            return Problem(reason="fal.ai is online, and Blender was started with --offline-mode")
        return Problem(
            reason="fal.ai needs Online Access",
            fix="photoreal.open_preferences",
            fix_text="Allow Online Access …",
            fix_options=(("section", "SYSTEM"),),
        )
    if not preferences.has_key(preferences.get(context)):
        return Problem(
            reason="fal.ai needs a key",
            fix="photoreal.open_preferences",
            fix_text="Enter a Key …",
            fix_options=(("section", "ADDONS"),),
        )
    return None


def price(_context: Context, settings: Settings) -> Problem | None:
    """Nobody pays without having seen the price."""
    found = runtime.price_of(settings)
    if found is None:
        if runtime.is_asking_price():
            return Problem(reason="Asking fal.ai for the price")
        fault = runtime.price_fault(settings)
        return Problem(
            reason=fault or "The price is not known yet",
            fix="photoreal.ask_price",
            fix_text="Ask for the Price",
        )
    if settings.max_cost and found.least > settings.max_cost:
        return Problem(
            reason=f"It costs {found.text}, above the ceiling of ${settings.max_cost:.2f}",
            fix="photoreal.open_preferences",
            fix_text="Change the Ceiling …",
            fix_options=(("section", "ADDONS"),),
        )
    return None


def angles(context: Context) -> Problem | None:
    """Names of angles name files; cameras must be there."""
    if context.scene.photoreal.angles_from == CAMERAS:
        match Source(context.scene.photoreal.source_kind):
            case Source.PHOTOS | Source.WORDS:
                return Problem(reason="A 3D model by fal.ai has no cameras: take the angles from the list")
            case Source.OBJECTS if not cameras_of(context.scene):
                return Problem(reason="This scene has no camera: add one, or take the angles from the list")
        return None
    names = [view.name for view in context.scene.photoreal.angles]
    for name in names:
        if not is_safe_name(name):
            return Problem(reason=f"Rename the angle {name!r}: only letters, digits, - and _")
    if len({name.casefold() for name in names}) < len(names):
        return Problem(reason="Two angles have the same name: rename one")
    return None


def generate(context: Context) -> Problem | None:
    """What keeps the primary button grey."""
    if problem := idle(context) or source(context) or angles(context):
        return problem
    settings = settings_of(context)
    if settings.uses_fal:
        return fal(context, settings) or price(context, settings)
    return None


def model(context: Context) -> Problem | None:
    """What keeps Generate 3D Model grey."""
    if Source(context.scene.photoreal.source_kind) not in (Source.PHOTOS, Source.WORDS):
        return Problem(reason="A 3D model is made from photos or text: choose one of them as source")
    settings = settings_of(context)
    return idle(context) or source(context) or fal(context, settings)


def the_set(context: Context) -> Problem | None:
    if runtime.set_of(context.scene) is None:
        return Problem(reason="This scene has no set yet")
    return None


def redo(context: Context) -> Problem | None:
    """Cycles would render the same photo again, so only those by fal.ai can be redone."""
    found = runtime.set_of(context.scene)
    if found is None or not any(picture.engine == FAL for picture in found.pictures):
        return Problem(reason="Cycles would render the same photo again: change the settings instead")
    return idle(context) or fal(context, settings_of(context))


def redo_model(context: Context) -> Problem | None:
    found = runtime.set_of(context.scene)
    if found is None or not found.is_model_bought:
        return Problem(reason="The 3D model is your own, so there is nothing to buy again")
    return idle(context) or fal(context, settings_of(context))


def photos(context: Context) -> Problem | None:
    found = runtime.set_of(context.scene)
    if found is None or not found.sheet():
        return Problem(reason="This scene has no finished photo yet")
    return None


def object_mode(context: Context) -> Problem | None:
    if context.mode != "OBJECT":
        return Problem(
            reason="Go to Object Mode first",
            fix="object.mode_set",
            fix_text="Object Mode",
            fix_options=(("mode", "OBJECT"),),
        )
    return None


def studio(context: Context) -> Problem | None:
    if not context.scene.photoreal.is_studio:
        return Problem(reason="Build the studio first")
    return None
