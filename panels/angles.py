# SPDX-License-Identifier: GPL-3.0-or-later
"""The angles of the set."""

from typing import Any

from bpy.types import Context, Panel, UILayout, UIList

from ..background_run.button_command import Source
from ..operators import (
    PHOTOREAL_OT_add_angle,
    PHOTOREAL_OT_edit_angles,
    PHOTOREAL_OT_frame_angle,
    PHOTOREAL_OT_move_angle,
    PHOTOREAL_OT_remove_angle,
    PHOTOREAL_OT_use_cameras,
    checks,
)
from ..optics.angles import ANGLES
from ..window.properties import CAMERAS
from ..window.scene_settings import cameras_of
from .layout import SubPanel, draw_problem, draw_text, title


class PHOTOREAL_UL_angles(UIList):
    bl_idname = "PHOTOREAL_UL_angles"

    def draw_item(
        self,
        _context: Context,
        layout: UILayout,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        _index: int = 0,
        _flag: int = 0,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon="CAMERA_DATA")
        facts = row.row(align=True)
        facts.alignment = "RIGHT"
        facts.label(text=f"{item.azimuth:.0f}° {item.elevation:.0f}°")


class PHOTOREAL_PT_angles(SubPanel, Panel):
    bl_label = "Angles"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012  Blender's own form.

    def draw(self, context: Context) -> None:
        settings = context.scene.photoreal
        layout = self.layout
        layout.row(align=True).prop(settings, "angles_from", expand=True)
        if settings.angles_from == CAMERAS:
            draw_cameras(context, layout)
            return
        if not settings.angles:
            names = ", ".join(title(name) for name in ANGLES)
            draw_text(context, layout, f"The usual five: {names}.")
            layout.operator(PHOTOREAL_OT_edit_angles.bl_idname, icon="GREASEPENCIL")
        else:
            self._draw_list(layout, settings)
        row = layout.row()
        row.use_property_split = True
        row.use_property_decorate = False
        row.prop(settings, "lens")
        layout.operator(PHOTOREAL_OT_use_cameras.bl_idname, icon="OUTLINER_OB_CAMERA")
        layout.operator(PHOTOREAL_OT_frame_angle.bl_idname, icon="VIEW_CAMERA")

    def _draw_list(self, layout: UILayout, settings: Any) -> None:
        row = layout.row()
        row.template_list(
            PHOTOREAL_UL_angles.bl_idname, "", settings, "angles", settings, "angle_index", rows=5
        )
        column = row.column(align=True)
        column.operator(PHOTOREAL_OT_add_angle.bl_idname, text="", icon="ADD")
        column.operator(PHOTOREAL_OT_remove_angle.bl_idname, text="", icon="REMOVE")
        column.separator()
        for direction, icon in (("UP", "TRIA_UP"), ("DOWN", "TRIA_DOWN")):
            column.operator(PHOTOREAL_OT_move_angle.bl_idname, text="", icon=icon).direction = direction
        if not 0 <= settings.angle_index < len(settings.angles):
            return
        view = settings.angles[settings.angle_index]
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(view, "azimuth")
        column.prop(view, "elevation")
        column.prop(view, "fill")


def draw_cameras(context: Context, layout: UILayout) -> None:
    """Which cameras are used as they stand, or why there are none."""
    if problem := checks.angles(context):
        draw_problem(context, layout, problem)
    elif Source(context.scene.photoreal.source_kind) is Source.FILE:
        draw_text(context, layout, "The cameras in the product's file, exactly as they stand.")
    else:
        draw_text(context, layout, "Exactly as they stand beside the selection:")
        column = layout.column(align=True)
        for camera in cameras_of(context.scene):
            column.label(text=camera.name, icon="CAMERA_DATA")
