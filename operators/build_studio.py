# SPDX-License-Identifier: GPL-3.0-or-later
"""Build Studio."""

from pathlib import Path

import bpy
from bpy.types import Context, Operator

from ..angles import ANGLES
from ..errors import PhotorealError
from ..studio.session import build_session


class PHOTOREAL_OT_build_studio(Operator):
    bl_idname = "photoreal.build_studio"
    bl_label = "Build Studio"
    bl_description = (
        "Put the model into a photo studio in a scene of its own: lights, ground and a framed camera"
    )
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    @classmethod
    def poll(cls, context: Context) -> bool:
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the edit mode first")
            return False
        if not context.scene.photoreal.source:
            cls.poll_message_set("Choose a GLB or glTF file first")
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        path = Path(bpy.path.abspath(settings.source))
        if not path.is_file():
            self.report({"ERROR"}, f"{path} does not exist. Choose another file")
            return {"CANCELLED"}
        try:
            session = build_session(path, ANGLES[settings.angle], resolution=settings.resolution)
        except PhotorealError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for fault in session.product.faults:
            self.report({"WARNING"}, fault)
        session.scene.photoreal.source = settings.source
        session.scene.photoreal.angle = settings.angle
        context.window.scene = session.scene
        return {"FINISHED"}
