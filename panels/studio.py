# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio: lights, background, size of the pictures."""

from bpy.types import Context, Panel

from ..operators import checks
from ..operators.build_studio import PHOTOREAL_OT_build_studio
from ..operators.remove_studio import PHOTOREAL_OT_remove_studio
from ..operators.render_references import PHOTOREAL_OT_render_references
from ..window import properties, studio_properties
from ..window.blender_types import layout_of
from .layout import SubPanel, button, draw_problem, draw_text


class PHOTOREAL_PT_studio(SubPanel, Panel):
    bl_label = "Studio"

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "rig")
        if settings.rig == studio_properties.PANORAMA:
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
            button(layout, PHOTOREAL_OT_build_studio, text="Rebuild Studio", icon="LIGHT_AREA")
            button(layout, PHOTOREAL_OT_remove_studio, icon="LOOP_BACK")
            if settings.home:
                draw_text(context, layout, f"Your scene {settings.home.name} is unchanged.")
        else:
            button(layout, PHOTOREAL_OT_build_studio, icon="LIGHT_AREA")
        if problem := checks.object_mode(context):
            draw_problem(context, layout, problem)
        button(layout, PHOTOREAL_OT_render_references, icon="RENDER_STILL")
