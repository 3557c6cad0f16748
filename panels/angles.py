# SPDX-License-Identifier: GPL-3.0-or-later
"""The angles of the set."""

from typing import Any

from bpy.types import Context, Panel, UILayout, UIList

from ..background_run.button_arguments import Source
from ..operators import checks
from ..operators.add_angle import PHOTOREAL_OT_add_angle
from ..operators.edit_angles import PHOTOREAL_OT_edit_angles
from ..operators.frame_angle import PHOTOREAL_OT_frame_angle
from ..operators.move_angle import PHOTOREAL_OT_move_angle
from ..operators.remove_angle import PHOTOREAL_OT_remove_angle
from ..operators.step_angle import NEXT, PREVIOUS, PHOTOREAL_OT_step_angle
from ..operators.use_cameras import PHOTOREAL_OT_use_cameras
from ..optics.angles import ANGLES
from ..window import properties, studio_properties
from ..window.blender_types import layout_of, scene_of
from ..window.scene_settings import cameras_of
from ..window.words import iface_
from .layout import SubPanel, button, draw_problem, draw_text, title


class PHOTOREAL_UL_angles(UIList):
    bl_idname = "PHOTOREAL_UL_angles"

    def draw_item(
        self,
        _context: Context,
        layout: UILayout,
        _data: Any,
        item: Any,
        _icon: int | None,
        _active_data: Any,
        _active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon="CAMERA_DATA")
        facts = row.row(align=True)
        facts.alignment = "RIGHT"
        facts.label(text=f"{item.azimuth:.0f}° {item.elevation:.0f}°")


class PHOTOREAL_PT_angles(SubPanel, Panel):
    bl_label = "Angles"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.row(align=True).prop(settings, "angles_from", expand=True)
        if settings.angles_from == studio_properties.CAMERAS:
            draw_cameras(context, layout)
            draw_steps(context, layout)
            return
        if not settings.angles:
            names = ", ".join(title(name) for name in ANGLES)
            draw_text(context, layout, iface_("The five standard angles: {names}.", names=names))
            button(layout, PHOTOREAL_OT_edit_angles, icon="GREASEPENCIL")
        else:
            self._draw_list(layout, settings)
        row = layout.row()
        row.use_property_split = True
        row.use_property_decorate = False
        row.prop(settings, "lens")
        button(layout, PHOTOREAL_OT_use_cameras, icon="OUTLINER_OB_CAMERA")
        draw_steps(context, layout)

    def _draw_list(self, layout: UILayout, settings: properties.PhotorealSettings) -> None:
        row = layout.row()
        row.template_list(
            PHOTOREAL_UL_angles.bl_idname, "", settings, "angles", settings, "angle_index", rows=5
        )
        column = row.column(align=True)
        button(column, PHOTOREAL_OT_add_angle, text="", icon="ADD")
        button(column, PHOTOREAL_OT_remove_angle, text="", icon="REMOVE")
        column.separator()
        button(column, PHOTOREAL_OT_move_angle, text="", icon="TRIA_UP").direction = "UP"
        button(column, PHOTOREAL_OT_move_angle, text="", icon="TRIA_DOWN").direction = "DOWN"
        if not 0 <= settings.angle_index < len(settings.angles):
            return
        view = settings.angles[settings.angle_index]
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(view, "turn")
        column.prop(view, "lift")
        column.prop(view, "fill")


def draw_steps(context: Context, layout: UILayout) -> None:
    """Look through the cameras of the studio, one after the other."""
    if not properties.of_context(context).is_studio:
        return
    row = layout.row(align=True)
    button(row, PHOTOREAL_OT_step_angle, text="", icon="TRIA_LEFT").direction = PREVIOUS
    button(row, PHOTOREAL_OT_frame_angle, icon="VIEW_CAMERA")
    button(row, PHOTOREAL_OT_step_angle, text="", icon="TRIA_RIGHT").direction = NEXT


def draw_cameras(context: Context, layout: UILayout) -> None:
    """Which cameras are used unchanged, or why there are none."""
    if problem := checks.angles(context):
        draw_problem(context, layout, problem)
    elif Source(properties.of_context(context).source_kind) is Source.FILE:
        draw_text(context, layout, "The cameras in the product's file are used unchanged.")
    else:
        draw_text(context, layout, "These cameras are used unchanged:")
        column = layout.column(align=True)
        for camera in cameras_of(scene_of(context)):
            column.label(text=camera.name, icon="CAMERA_DATA", translate=False)
