# SPDX-License-Identifier: GPL-3.0-or-later
"""Use My Cameras."""

import math
import re

from bpy.types import Context, Operator
from mathutils import Vector

from ..angles import is_safe_name
from . import checks
from .add_angle import free_name


def file_name(name: str) -> str:
    """A name for an angle: what files of every system can be called."""
    kept = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:40]
    return kept if is_safe_name(kept) else f"camera-{kept}".rstrip("-")[:40]


class PHOTOREAL_OT_use_cameras(Operator):
    bl_idname = "photoreal.use_cameras"
    bl_label = "Use My Cameras"
    bl_description = (
        "Add an angle for every camera of the scene: where it stands around what it looks at. "
        "The framing is solved anew for each"
    )
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        has_camera = any(item.type == "CAMERA" for item in context.scene.objects)
        return checks.allow(cls, None if has_camera else checks.Problem(reason="This scene has no camera"))

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        for item in context.scene.objects:
            if item.type != "CAMERA":
                continue
            backward = item.matrix_world.to_3x3() @ Vector((0.0, 0.0, 1.0))
            name = free_name(settings, file_name(item.name))
            view = settings.angles.add()
            view.name = name
            view.azimuth = math.degrees(math.atan2(backward.x, -backward.y)) % 360.0
            view.elevation = math.degrees(math.asin(max(-1.0, min(1.0, backward.normalized().z))))
        settings.angle_index = len(settings.angles) - 1
        return {"FINISHED"}
