# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio as a scene beside the artist's own. Imports numpy, which Blender's window needs for nothing else."""

from dataclasses import replace
from pathlib import Path

import bpy

from ..background_run.setting_words import with_words
from ..gltf.choices import ModelOptions, surroundings
from ..gltf.findings import terminal_findings
from ..messages.errors import InputError
from ..optics.angles import ANGLES, HERO, Angle
from ..optics.rig_choice import chosen_rig
from ..optics.rigs import rig_of
from ..optics.sizes import MIN_SIDE, Size
from ..studio.preview import pose_studio, remember_standing, remove_studio_scene
from ..studio.session import Session, build_session
from . import properties, screen
from .blender_types import manager_of, scene_of, window_of
from .scene_settings import settings_of


def chosen_angle(scene: bpy.types.Scene) -> Angle:
    """The selected angle of the list, or the hero while the list is empty."""
    settings = properties.of(scene)
    if 0 <= settings.angle_index < len(settings.angles):
        view = settings.angles[settings.angle_index]
        return Angle(
            name=view.name,
            azimuth=view.azimuth,
            elevation=view.elevation,
            fill=view.fill,
            lens_mm=settings.lens,
        )
    return replace(ANGLES[HERO], lens_mm=settings.lens)


def show_studio(context: bpy.types.Context) -> list[str]:
    """Build the studio for the scene's source file and show it in this window. What is wrong with the model.

    A studio that is shown already is replaced. Raises PhotorealError when the file or the light cannot be used.
    """
    scene = scene_of(context)
    settings = properties.of(scene)
    path = Path(bpy.path.abspath(settings.source))
    if not path.is_file():
        raise InputError(f"{path} does not exist.", hint="Choose another file.")
    session = _lit_session(context, path)
    studio = session.scene
    properties.copy_settings(settings, properties.of(studio))
    properties.of(studio).is_studio = True
    properties.of(studio).home = settings.home if settings.is_studio else scene
    window_of(context).scene = studio
    for item in studio.objects:  # The importer selects them; outlines would cover the product.
        item.select_set(False)
    if settings.is_studio:
        _replace_in_windows(context, scene, studio)
        remove_studio_scene(scene)
    look_through_camera(context)
    found = terminal_findings(session.product.triage)
    return [with_words(item.text, item.setting, item.value) for item in found]


def _lit_session(context: bpy.types.Context, path: Path) -> Session:
    scene = scene_of(context)
    settings, angle = properties.of(scene), chosen_angle(scene)
    size = Size(settings.resolution, max(settings.height or settings.resolution, MIN_SIDE))
    chosen = settings_of(context)
    options = ModelOptions(pose=chosen.pose, without=surroundings(",".join(chosen.without)))
    light = chosen_rig(chosen.rig, rotation=settings.rig_rotation, intensity=settings.rig_intensity)
    # A close-up is found by rendering, which would block the window.
    session = build_session(
        path, ANGLES[HERO] if angle.is_close_up else angle, resolution=size, options=options
    )
    session.light(rig_of(light))
    remember_standing(session.product)
    if angle.is_close_up:
        pose_studio(session.scene, angle)
    return session


def show_angle(context: bpy.types.Context) -> bool:
    """Frame the product for the selected angle; False when the studio's product or camera is missing."""
    scene = scene_of(context)
    is_posed = pose_studio(scene, chosen_angle(scene))
    if is_posed:
        look_through_camera(context)
    return is_posed


def leave_studio(context: bpy.types.Context) -> None:
    """Show the artist's scene again, with the settings made in the studio, and remove the studio."""
    studio = scene_of(context)
    others = [scene for scene in bpy.data.scenes if scene != studio]
    home = properties.of(studio).home or next(
        (scene for scene in others if not properties.of(scene).is_studio), None
    )
    if home is None:
        home = bpy.data.scenes.new("Scene")  # The artist has deleted the one that it was built for.
    properties.copy_settings(properties.of(studio), properties.of(home))
    for window in _replace_in_windows(context, studio, home):
        screen.set_view(window, "PERSP", instead_of="CAMERA")
    remove_studio_scene(studio)


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
