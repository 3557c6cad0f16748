# SPDX-License-Identifier: GPL-3.0-or-later
"""Save Look and Remove Look, with Blender's own presets."""

from bl_operators.presets import AddPresetBase
from bpy.types import Operator

from ..window import looks


class PHOTOREAL_OT_save_look(AddPresetBase, Operator):  # type: ignore[misc]  # Blender's own base has no types.
    bl_idname = "photoreal.save_look"
    bl_label = "Save Look"
    bl_description = (
        "Save lights, background, quality, lens, angles and channel as a look, or remove the last one chosen"
    )
    preset_menu = "PHOTOREAL_MT_looks"
    preset_subdir = looks.SUBDIR
    preset_defines = ("settings = bpy.context.scene.photoreal",)
    preset_values = ("settings.angles", *(f"settings.{name}" for name in looks.VALUES))
