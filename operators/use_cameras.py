# SPDX-License-Identifier: GPL-3.0-or-later
"""Add My Cameras."""

from bpy.types import Context, Operator
from mathutils import Matrix

from ..optics.angles import Rows, direction_of, names_for_angles
from ..window import changes, properties
from ..window.blender_types import Result, scene_of
from ..window.scene_settings import cameras_of
from . import checks


def _rows(matrix: Matrix) -> Rows:
    return tuple(tuple(row) for row in matrix.row)


class PHOTOREAL_OT_use_cameras(Operator):
    bl_idname = "photoreal.use_cameras"
    bl_label = "Add My Cameras"
    bl_description = (
        "Add an angle for every camera of the scene, seen from the same direction. "
        "The product is framed for each of them"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        scene = scene_of(context)
        settings = properties.of(scene)
        if cameras_of(scene):
            return checks.allow(cls, None)
        is_of_file = settings.is_studio and not settings.is_linked
        reason = "The product's file has no camera" if is_of_file else "This scene has no camera"
        return checks.allow(cls, checks.Problem(reason=reason))

    def execute(self, context: Context) -> Result:
        settings = properties.of_context(context)
        cameras = cameras_of(scene_of(context))
        others = [view.name for view in settings.angles]
        for name, camera in zip(
            names_for_angles([one.name for one in cameras], others), cameras, strict=True
        ):
            view = settings.angles.add()
            view.name = name
            view.azimuth, view.elevation = direction_of(_rows(camera.matrix_world.normalized()))
        settings.angle_index = len(settings.angles) - 1
        changes.notify(context)
        return {"FINISHED"}
