# SPDX-License-Identifier: GPL-3.0-or-later
"""Build Studio."""

from dataclasses import replace
from pathlib import Path

import bpy
from bpy.types import Context, Operator

from ..gltf.findings import terminal_lines
from ..messages.errors import PhotorealError
from ..optics.angles import ANGLES, HERO, Angle
from ..optics.rig_choice import chosen_rig
from ..optics.sizes import MIN_SIDE, Size
from ..window import properties
from ..window.scene_settings import settings_of
from . import checks


def chosen_angle(scene: bpy.types.Scene) -> Angle:
    """The chosen angle of the list, or the hero while the list has none."""
    settings = scene.photoreal
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


def show_studio(operator: Operator, context: Context) -> set[str]:
    """Build the studio for the scene's source file and show it in this window."""
    from ..optics.rigs import rig_of
    from ..studio.preview import pose_studio, remember_standing, remove_studio_scene
    from ..studio.session import build_session

    scene = context.scene
    home = scene.photoreal.home if scene.photoreal.is_studio else scene
    path = Path(bpy.path.abspath(scene.photoreal.source))
    if not path.is_file():
        operator.report({"ERROR"}, f"{path} does not exist. Choose another file")
        return {"CANCELLED"}
    settings = scene.photoreal
    size = Size(settings.resolution, max(settings.height or settings.resolution, MIN_SIDE))
    angle = chosen_angle(scene)
    try:
        light = chosen_rig(
            settings_of(context).rig,
            rotation=settings.rig_rotation,
            intensity=settings.rig_intensity,
        )
        # A close-up looks for its place with renders, which would hold up the window.
        session = build_session(path, ANGLES[HERO] if angle.is_close_up else angle, resolution=size)
        session.light(rig_of(light))
    except PhotorealError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    for text in terminal_lines(session.product.triage):
        operator.report({"WARNING"}, text)
    remember_standing(session.product)
    if angle.is_close_up:
        pose_studio(session.scene, angle)
    studio = session.scene
    properties.copy_settings(scene.photoreal, studio.photoreal)
    studio.photoreal.is_studio = True
    studio.photoreal.home = home
    context.window.scene = studio
    for item in studio.objects:  # Its importer selects; outlines would cover the product.
        item.select_set(False)
    if scene.photoreal.is_studio:
        for window in context.window_manager.windows:
            if window.scene == scene:
                window.scene = studio
        remove_studio_scene(scene)
    look_through_camera(context)
    return {"FINISHED"}


def look_through_camera(context: Context) -> None:
    """Show the camera's view in the 3D viewports of this window, if there are any."""
    for area in context.window.screen.areas:
        if area.type == "VIEW_3D":
            area.spaces.active.region_3d.view_perspective = "CAMERA"


class PHOTOREAL_OT_build_studio(Operator):
    bl_idname = "photoreal.build_studio"
    bl_label = "Build Studio"
    bl_description = (
        "Put the model into a photo studio in a scene of its own: lights, ground and a framed camera"
    )
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        problem = checks.object_mode(context)
        settings = context.scene.photoreal
        if not problem and (settings.source_kind != "FILE" or not settings.source):
            problem = checks.Problem(reason="Choose a GLB or glTF file as source")
        if not problem and settings.source.lower().endswith(".blend"):
            problem = checks.Problem(reason="The studio shows GLB and glTF files: open the .blend itself")
        return checks.allow(cls, problem)

    def execute(self, context: Context) -> set[str]:
        return show_studio(self, context)
