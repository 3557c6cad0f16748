# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove Studio."""

import bpy
from bpy.types import Context, Operator

from ..window import properties
from . import checks


class PHOTOREAL_OT_remove_studio(Operator):
    bl_idname = "photoreal.remove_studio"
    bl_label = "Remove Studio"
    bl_description = (
        "Go back to your scene and take the studio away with everything it brought; your own data stays"
    )
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.object_mode(context) or checks.studio(context))

    def execute(self, context: Context) -> set[str]:
        from ..studio.preview import remove_studio_scene

        studio = context.scene
        others = [scene for scene in bpy.data.scenes if scene != studio]
        home = studio.photoreal.home or next(
            (scene for scene in others if not scene.photoreal.is_studio), None
        )
        if home is None:
            home = bpy.data.scenes.new("Scene")  # The artist deleted the one it was built from.
        properties.copy_settings(studio.photoreal, home.photoreal)
        for window in context.window_manager.windows:
            if window.scene == studio:
                window.scene = home
                for area in window.screen.areas:
                    if area.type == "VIEW_3D" and area.spaces.active.region_3d.view_perspective == "CAMERA":
                        area.spaces.active.region_3d.view_perspective = "PERSP"
        remove_studio_scene(studio)
        return {"FINISHED"}
