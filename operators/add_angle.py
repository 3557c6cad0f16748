# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Angle."""

from bpy.types import Context, Operator


def free_name(settings: object, wanted: str) -> str:
    """``wanted``, or with a number when the list has it already: names name files."""
    taken = {view.name for view in settings.angles}  # type: ignore[attr-defined]
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


class PHOTOREAL_OT_add_angle(Operator):
    bl_idname = "photoreal.add_angle"
    bl_label = "Add Angle"
    bl_description = "Add an angle to the list"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.photoreal
        name = free_name(settings, "angle")
        settings.angles.add().name = name
        settings.angle_index = len(settings.angles) - 1
        return {"FINISHED"}
