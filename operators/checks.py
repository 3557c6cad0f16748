# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something cannot be done now, and what helps. Cheap: no disk, no network."""

import re
from dataclasses import dataclass
from enum import Enum, auto

import bpy
from bpy.types import Context, Operator

from ..background_run.button_arguments import Settings, Source
from ..background_run.run_view import RunView
from ..background_run.set_view import SetView
from ..messages.money import dollars
from ..optics.angles import is_angle_name
from ..photo_set.choices import MAX_PHOTOS, Engine
from ..window import preferences, properties, runs, studio_properties
from ..window.blender_types import scene_of
from ..window.scene_settings import cameras_of, product_objects, settings_of
from ..window.words import iface_, tip_


class Fix(Enum):
    """What helps; panels have a button for each."""

    CHOOSE_MODEL = auto()
    CHOOSE_PHOTOS = auto()
    ALLOW_ONLINE_ACCESS = auto()
    ENTER_KEY = auto()
    ASK_PRICE = auto()
    CHANGE_CEILING = auto()
    OBJECT_MODE = auto()
    CHOOSE_FOLDER = auto()
    RESUME = auto()
    RUN_DIAGNOSTICS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``reason`` is a sentence without a full stop; ``fix`` helps, where anything in Blender does.

    A reason from the catalog is translated where it is shown; one with values has been translated before.
    """

    reason: str
    fix: Fix | None = None


CEILING_EXIT_CODE, MACHINE_EXIT_CODE = 4, 3
ABOUT_A_KEY = re.compile(r"\bkey\b")


def remedies(view: RunView, found: SetView | None) -> list[Fix]:
    """What helps after a run that has failed."""
    fixes: list[Fix] = []
    if view.field == "out":
        fixes.append(Fix.CHOOSE_FOLDER)
    elif view.exit_code == CEILING_EXIT_CODE:
        fixes.append(Fix.CHANGE_CEILING)
    elif ABOUT_A_KEY.search(view.error):
        fixes.append(Fix.ENTER_KEY)
    elif view.field in ("model", "source", "files") or "does not exist" in view.error:
        fixes.append(Fix.CHOOSE_MODEL)
    elif view.exit_code is not None and (view.exit_code < 0 or view.exit_code == MACHINE_EXIT_CODE):
        fixes.append(Fix.RUN_DIAGNOSTICS)
    if found is not None and found.can_resume and found.folder == view.folder:
        fixes.append(Fix.RESUME)
    return fixes


def allow(operator: type[Operator], problem: Problem | None) -> bool:
    """What ``poll`` returns; the tooltip of a grey button says why."""
    if problem:
        operator.poll_message_set(tip_(problem.reason))
    return problem is None


def idle(_context: Context) -> Problem | None:
    """Only one set is made at a time."""
    if runs.set_run():
        return Problem(reason="A set is being made: wait for it, or stop it under Jobs")
    return None


def source(context: Context) -> Problem | None:
    """The product must be chosen."""
    settings = properties.of_context(context)
    match Source(settings.source_kind):
        case Source.FILE if not settings.source:
            return Problem(reason="Choose a GLB, glTF or .blend file", fix=Fix.CHOOSE_MODEL)
        case Source.PHOTOS if not any(photo.path for photo in settings.photos):
            return Problem(reason="Choose one to four photos", fix=Fix.CHOOSE_PHOTOS)
        case Source.PHOTOS if len(settings.photos) > MAX_PHOTOS:
            return Problem(reason=iface_("Use at most {count} photos: remove some", count=MAX_PHOTOS))
        case Source.TEXT if not settings.words.strip():
            return Problem(reason="Describe the product in the text field")
        case Source.OBJECTS if not product_objects(context):
            if settings.is_studio:
                return Problem(reason="Nothing of the product is visible in the studio")
            return Problem(reason="Select the product's objects")
    return None


def fal(context: Context, settings: Settings) -> Problem | None:
    """fal.ai needs Online Access and a key."""
    if not bpy.app.online_access:
        if bpy.app.online_access_override:
            return Problem(reason="fal.ai needs Online Access, but Blender was started with --offline-mode")
        return Problem(reason="fal.ai needs Online Access", fix=Fix.ALLOW_ONLINE_ACCESS)
    if not preferences.has_key(preferences.get(context)):
        return Problem(reason="fal.ai needs a key", fix=Fix.ENTER_KEY)
    return None


def price(_context: Context, settings: Settings, count: int = 1) -> Problem | None:
    """Nothing is bought before its price is shown. ``count``: of as many products."""
    found = runs.price_of(settings)
    if found is None:
        if runs.is_asking_price():
            return Problem(reason="Asking fal.ai for the price")
        reason = runs.price_error(settings) or "The price is not known yet"
        return Problem(reason=reason, fix=Fix.ASK_PRICE)
    found = found.times(count)
    if settings.max_cost and found.minimum > settings.max_cost:
        return Problem(
            reason=iface_(
                "It costs {price}, above the ceiling of {ceiling}",
                price=found.shown,
                ceiling=dollars(settings.max_cost),
            ),
            fix=Fix.CHANGE_CEILING,
        )
    return None


def angles(context: Context) -> Problem | None:
    """Names of angles become file names; without angles there must be a camera."""
    if properties.of_context(context).angles_from == studio_properties.CAMERAS:
        match Source(properties.of_context(context).source_kind):
            case Source.PHOTOS | Source.TEXT:
                return Problem(reason="A 3D model by fal.ai has no cameras: use the list of angles")
            case Source.OBJECTS if not cameras_of(scene_of(context)):
                return Problem(reason="This scene has no camera: add one, or use the list of angles")
        return None
    names = [view.name for view in properties.of_context(context).angles]
    for name in names:
        if not is_angle_name(name):
            text = "Rename the angle {name}: use only letters, digits, - and _"
            return Problem(reason=iface_(text, name=repr(name)))
    if len({name.casefold() for name in names}) < len(names):
        return Problem(reason="Two angles have the same name: rename one")
    return None


def catalogue(context: Context) -> Problem | None:
    """Why a catalogue of what is chosen is not possible, its price aside."""
    if problem := idle(context) or object_mode(context):
        return problem
    if properties.of_context(context).is_studio:
        return Problem(reason="This is the studio of one product: remove it first")
    return None


def generate(context: Context) -> Problem | None:
    """Why Generate Photoreal Set is not possible."""
    if problem := idle(context) or source(context) or angles(context):
        return problem
    settings = settings_of(context)
    if settings.uses_fal:
        return fal(context, settings) or price(context, settings)
    return None


def model(context: Context) -> Problem | None:
    """Why Generate 3D Model is not possible, its price aside."""
    if Source(properties.of_context(context).source_kind) not in (Source.PHOTOS, Source.TEXT):
        return Problem(reason="A 3D model is made from photos or text: choose one of these sources")
    settings = settings_of(context)
    return idle(context) or source(context) or fal(context, settings)


def the_set(context: Context) -> Problem | None:
    """The scene must have a set."""
    if runs.set_of(scene_of(context)) is None:
        return Problem(reason="This scene has no set yet")
    return None


def redo(context: Context) -> Problem | None:
    """Only photos by fal.ai can be made again: Cycles would render the same photo."""
    found = runs.set_of(scene_of(context))
    if found is None or not any(picture.engine == Engine.FAL for picture in found.pictures):
        return Problem(reason="Cycles would render the same photo again: change the settings instead")
    return idle(context) or fal(context, settings_of(context))


def accept(context: Context) -> Problem | None:
    """There must be a photo or a video that is held back."""
    found = runs.set_of(scene_of(context))
    if found is None or not (found.rejected or any(video.is_rejected for video in found.videos)):
        return Problem(reason="Nothing in this set is rejected")
    return idle(context)


def choose(context: Context) -> Problem | None:
    """A take can be chosen while no run changes the set."""
    found = runs.set_of(scene_of(context))
    if found is None:
        return the_set(context)
    if runs.is_choosing(found.folder):
        return Problem(reason="A take is being chosen")
    return idle(context)


def redo_model(context: Context) -> Problem | None:
    """Only a 3D model by fal.ai can be bought again."""
    found = runs.set_of(scene_of(context))
    if found is None or not found.is_model_bought:
        return Problem(reason="The 3D model is your own file, so there is nothing to buy again")
    return idle(context) or fal(context, settings_of(context))


def photos(context: Context) -> Problem | None:
    """The set of the scene must have a finished photo."""
    found = runs.set_of(scene_of(context))
    if found is None or not found.sheet():
        if found is not None and found.rejected:
            return Problem(reason="All photos of this set are rejected: accept them, or request others")
        return Problem(reason="This scene has no finished photo yet")
    return None


def video(context: Context) -> Problem | None:
    """The set of the scene must have a finished video."""
    found = runs.set_of(scene_of(context))
    if found is None or not found.clips():
        if found is not None and any(one.is_rejected for one in found.videos):
            return Problem(reason="The video is rejected: accept it, or request another one")
        return Problem(reason="This set has no video")
    return None


def object_mode(context: Context) -> Problem | None:
    """Scenes are built and changed in Object Mode."""
    if context.mode != "OBJECT":
        return Problem(reason="Switch to Object Mode first", fix=Fix.OBJECT_MODE)
    return None


def studio(context: Context) -> Problem | None:
    """The scene must be a studio."""
    if not properties.of_context(context).is_studio:
        return Problem(reason="Build the studio first")
    return None
