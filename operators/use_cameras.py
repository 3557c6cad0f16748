# SPDX-License-Identifier: GPL-3.0-or-later
"""Add My Cameras."""

from bpy.types import Context, Operator

from ..optics.angles import direction_of, safe_names
from ..window.scene_settings import cameras_of
from . import checks


class PHOTOREAL_OT_use_cameras(Operator):
    bl_idname = "photoreal.use_cameras"
    bl_label = "Add My Cameras"
    bl_description = (
        "Add an angle for every camera of the scene, from the side that it looks from. "
        "The framing is solved anew for each"
    )
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        has_camera = bool(cameras_of(context.scene))
        return checks.allow(cls, None if has_camera else checks.Problem(reason="This scene has no camera"))

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        cameras = cameras_of(context.scene)
        others = [view.name for view in settings.angles]
        for name, camera in zip(safe_names([one.name for one in cameras], others), cameras, strict=True):
            view = settings.angles.add()
            view.name = name
            view.azimuth, view.elevation = direction_of(camera.matrix_world.normalized())
        settings.angle_index = len(settings.angles) - 1
        return {"FINISHED"}
