# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio: lights, background, size of the pictures."""

from bpy.types import Context, Panel

from ..operators import (
    PHOTOREAL_OT_build_studio,
    PHOTOREAL_OT_remove_studio,
    PHOTOREAL_OT_render_references,
    checks,
)
from ..window.properties import PANORAMA
from .layout import SubPanel, draw_problem, draw_text


class PHOTOREAL_PT_studio(SubPanel, Panel):
    bl_label = "Studio"

    def draw(self, context: Context) -> None:
        settings = context.scene.photoreal
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "rig")
        if settings.rig == PANORAMA:
            layout.prop(settings, "panorama", text="File")
        column = layout.column(align=True)
        column.prop(settings, "rig_rotation")
        column.prop(settings, "rig_intensity")
        layout.prop(settings, "background")
        column = layout.column(align=True)
        column.prop(settings, "resolution")
        column.prop(settings, "height")
        column.prop(settings, "samples")
        row = layout.row(heading="Passes", align=True)
        row.prop(settings, "depth_pass", toggle=True)
        row.prop(settings, "normal_pass", toggle=True)
        if settings.is_studio:
            layout.operator(PHOTOREAL_OT_build_studio.bl_idname, text="Rebuild Studio", icon="LIGHT_AREA")
            layout.operator(PHOTOREAL_OT_remove_studio.bl_idname, icon="LOOP_BACK")
            if settings.home:
                draw_text(context, layout, f"The scene {settings.home.name} is as you left it.")
        else:
            layout.operator(PHOTOREAL_OT_build_studio.bl_idname, icon="LIGHT_AREA")
        if problem := checks.object_mode(context):
            draw_problem(context, layout, problem)
        layout.operator(PHOTOREAL_OT_render_references.bl_idname, icon="RENDER_STILL")
