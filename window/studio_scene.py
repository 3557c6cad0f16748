# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio as a scene beside the artist's own. Imports numpy, which Blender's window needs for nothing else."""

from collections.abc import Callable
from pathlib import Path

import bpy

from ..background_run.button_arguments import Source
from ..background_run.setting_words import with_words
from ..gltf.choices import ModelOptions, surroundings
from ..gltf.findings import terminal_findings
from ..messages.errors import InputError
from ..studio import preview
from ..studio.product import import_product
from ..studio.studio_removal import remove_studio_scene
from . import live, preferences, properties, runs, screen
from .blender_types import manager_of, scene_of, window_of
from .scene_settings import product_name, product_objects, settings_of, studio_product
from .words import rpt_

SCENE = "Photoreal Studio"
PRODUCT = "Photoreal Product"
NO_AXES = 0.0001  # Of the product's empties, in meters: their axes would be lines across the picture.


def show_studio(context: bpy.types.Context) -> list[str]:
    """Build the studio for the scene's file or selection and show it in this window. What is wrong with the model.

    A studio that the scene is, or has already, is replaced. Raises PhotorealError when the file or the light cannot be
    used; the scene is then shown as before.
    """
    scene = scene_of(context)
    settings = properties.of(scene)
    is_linked = Source(settings.source_kind) is Source.OBJECTS
    if is_linked and settings.is_studio:
        preview.forget_measures(scene)
        live.follow(scene)
        return []
    fill = _link_selection if is_linked else _import_file
    old = scene if settings.is_studio else properties.studio_of(scene)
    studio, problems = _new_studio(context, scene, fill)
    if old is not None:
        _remove_studio(context, old, studio)
    look_through_camera(context)
    return problems


def _new_studio(
    context: bpy.types.Context,
    scene: bpy.types.Scene,
    fill: Callable[[bpy.types.Context, bpy.types.Scene, bpy.types.Scene], list[str]],
) -> tuple[bpy.types.Scene, list[str]]:
    """A studio whose product comes from ``fill``, shown in the window."""
    settings, window = properties.of(scene), window_of(context)
    name = product_name(context)
    studio = bpy.data.scenes.new(SCENE)
    try:
        problems = fill(context, scene, studio)
        window.scene = studio
        product = studio_product(studio)
        if product is None:
            raise InputError(rpt_("The product could not be shown."), hint=rpt_("Choose another one."))
        preview.set_up(studio, product)
        shown = properties.of(studio)
        properties.copy_settings(settings, shown)
        shown.home = settings.home if settings.is_studio else scene
        shown.studio_name = name
        shown.is_linked = Source(settings.source_kind) is Source.OBJECTS
        shown.is_studio = True  # From now on it follows its settings.
        if not live.show_first(studio):
            raise InputError(rpt_("Nothing of the product is visible."), hint=rpt_("Select its meshes."))
    except BaseException:
        window.scene = scene
        remove_studio_scene(studio, set())
        raise
    _set_active(studio, product)
    before = screen.show_studio_view(window, preferences.get(context).studio_shading)
    shown.view_before = settings.view_before if settings.is_studio else before
    return studio, problems


def _import_file(context: bpy.types.Context, scene: bpy.types.Scene, studio: bpy.types.Scene) -> list[str]:
    """Import the scene's source file into the studio. It is locked: the photos show the file."""
    path = Path(bpy.path.abspath(properties.of(scene).source))
    if not path.is_file():
        raise InputError(rpt_("{path} does not exist.", path=path), hint=rpt_("Choose another file."))
    chosen = settings_of(context)
    options = ModelOptions(pose=chosen.pose, without=surroundings(",".join(chosen.without)))
    window_of(context).scene = studio  # The importer uses the scene of the window.
    product = import_product(path, studio, options=options)
    preview.mark_product(product.collection)
    for item in list(product.collection.all_objects):  # Blender makes this list again when one is locked.
        item.hide_select = True
        item.empty_display_size = NO_AXES
    found = terminal_findings(product.triage)
    return [with_words(item.text, item.setting, item.value) for item in found]


def _link_selection(context: bpy.types.Context, scene: bpy.types.Scene, studio: bpy.types.Scene) -> list[str]:
    """Show the selected objects and their children themselves in the studio, where they are."""
    product = bpy.data.collections.new(PRODUCT)
    preview.mark_product(product)
    studio.collection.children.link(product)
    for item in product_objects(context):
        for one in (item, *item.children_recursive):
            if one.name not in product.objects:
                product.objects.link(one)
    studio.unit_settings.scale_length = scene.unit_settings.scale_length
    studio.frame_current = scene.frame_current
    window_of(context).scene = studio
    studio.view_layers[0].update()
    return []


def _set_active(studio: bpy.types.Scene, product: bpy.types.Collection) -> None:
    """What the artist adds to the studio becomes part of the product."""
    layer = studio.view_layers[0]
    layer.objects.active = None
    for item in list(product.all_objects):
        item.select_set(False, view_layer=layer)  # Outlines would cover the product.
    children = layer.layer_collection.children
    layer.active_layer_collection = next(one for one in children if one.collection == product)


def edit_product(context: bpy.types.Context) -> None:
    """From now on the objects in the studio are the source, and can be selected and changed."""
    settings = properties.of_context(context)
    product = studio_product(scene_of(context))
    for item in list(product.all_objects) if product else ():
        item.hide_select = False
    settings.source_kind = Source.OBJECTS


def show_angle(context: bpy.types.Context) -> bool:
    """Look through the camera of the selected angle; False when the studio's product is missing."""
    if not live.follow(scene_of(context)):
        return False
    look_through_camera(context)
    return True


def step_angle(context: bpy.types.Context, step: int) -> str:
    """Look through the camera ``step`` places further in the list; the name of its angle, "" without a camera."""
    scene = scene_of(context)
    cameras = preview.cameras_in(scene)
    if not cameras:
        return ""
    now = cameras.index(scene.camera) if scene.camera in cameras else -step
    scene.camera = cameras[(now + step) % len(cameras)]
    name = preview.angle_name(scene.camera)
    settings = properties.of(scene)
    names = [view.name for view in settings.angles]
    if name in names:
        settings.angle_index = names.index(name)
    live.follow(scene)
    look_through_camera(context)
    return name


def leave_studio(context: bpy.types.Context) -> None:
    """Show the artist's scene again, with the settings made in the studio, and remove the studio."""
    studio = scene_of(context)
    settings = properties.of(studio)
    others = [scene for scene in bpy.data.scenes if scene != studio]
    home = settings.home or next((scene for scene in others if not properties.of(scene).is_studio), None)
    if home is None:
        home = bpy.data.scenes.new("Scene")  # The artist has deleted the one that it was built for.
    settings.is_studio = False  # It no longer follows its settings.
    properties.copy_settings(settings, properties.of(home))
    view = settings.view_before
    for window in _remove_studio(context, studio, home):
        screen.set_view(window, "PERSP", instead_of="CAMERA")
        screen.leave_studio_view(window, view)


def _remove_studio(
    context: bpy.types.Context, studio: bpy.types.Scene, heir: bpy.types.Scene
) -> list[bpy.types.Window]:
    """Remove a studio. ``heir`` gets its windows, which are returned, and its runs; the artist's objects stay."""
    settings, other = properties.of(studio), properties.of(heir)
    home = other.home if other.is_studio else heir
    kept = _brought_home(studio, home) if settings.is_linked and home else set()
    runs.hand_over(studio, heir)
    changed = _replace_in_windows(context, studio, heir)
    remove_studio_scene(studio, kept)
    return changed


def _brought_home(studio: bpy.types.Scene, home: bpy.types.Scene) -> set[bpy.types.Object]:
    """The artist's own objects. Those that are only in the studio move to ``home``."""
    product = studio_product(studio)
    kept = set(product.all_objects) if product else set()
    for item in kept:
        if set(item.users_scene) <= {studio}:
            home.collection.objects.link(item)
    return kept


def look_through_camera(context: bpy.types.Context) -> None:
    """Show the camera's view in the 3D viewports of this window."""
    screen.set_view(window_of(context), "CAMERA")


def _replace_in_windows(
    context: bpy.types.Context, old: bpy.types.Scene, new: bpy.types.Scene
) -> list[bpy.types.Window]:
    """Show ``new`` in every window that shows ``old``; those windows."""
    changed = [window for window in manager_of(context).windows if window.scene == old]
    for window in changed:
        window.scene = new
    return changed
