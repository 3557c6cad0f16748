# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio: lights, background, size of the pictures."""

from bpy.types import Context, Panel, SpaceView3D, UILayout

from ..background_run.button_arguments import Source
from ..operators import checks
from ..operators.build_studio import PHOTOREAL_OT_build_studio
from ..operators.edit_product import PHOTOREAL_OT_edit_product
from ..operators.remove_studio import PHOTOREAL_OT_remove_studio
from ..operators.render_references import PHOTOREAL_OT_render_references
from ..operators.show_studio import PHOTOREAL_OT_show_studio
from ..window import live, properties, studio_properties
from ..window.blender_types import layout_of, scene_of
from .layout import SubPanel, button, draw_optional, draw_problem, draw_text
from .looks import draw_looks


class PHOTOREAL_PT_studio(SubPanel, Panel):
    bl_label = "Studio"

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_looks(context, layout)
        layout.prop(settings, "rig")
        if settings.rig == studio_properties.PANORAMA:
            layout.prop(settings, "panorama", text="File")
        column = layout.column(align=True)
        column.prop(settings, "rig_turn")
        column.prop(settings, "rig_intensity")
        layout.prop(settings, "background")
        if settings.is_studio:
            self._draw_studio(context, layout, settings)
        else:
            if properties.studio_of(scene_of(context)):
                button(layout, PHOTOREAL_OT_show_studio, icon="LIGHT_AREA")
            button(layout, PHOTOREAL_OT_build_studio, icon="LIGHT_AREA")
        if problem := checks.object_mode(context):
            draw_problem(context, layout, problem)

    def _draw_studio(
        self, context: Context, layout: UILayout, settings: properties.PhotorealSettings
    ) -> None:
        """How the studio is shown, which changes of it are photographed, and the way back."""
        if live.state.problem:
            draw_text(context, layout, live.state.problem, "ERROR")
        elif live.state.steps is not None:
            draw_text(context, layout, "Computing the light …", "LIGHT")
        space = context.space_data
        if isinstance(space, SpaceView3D) and space.shading:
            row = layout.row(align=True)
            row.use_property_split = False
            row.prop(space.shading, "type", text="", expand=True)
        if Source(settings.source_kind) is Source.OBJECTS:
            draw_text(
                context,
                layout,
                "Changes of the product are photographed. Lights, table and cameras follow the settings.",
            )
        else:
            draw_text(context, layout, "The photos show the file, so its objects are locked.", "LOCKED")
            row = layout.row(align=True)
            button(row, PHOTOREAL_OT_edit_product, icon="UNLOCKED")
            button(row, PHOTOREAL_OT_build_studio, text="Reload", icon="FILE_REFRESH")
        button(layout, PHOTOREAL_OT_remove_studio, icon="LOOP_BACK")


class PHOTOREAL_PT_picture(SubPanel, Panel):
    bl_label = "Picture"
    bl_parent_id = "PHOTOREAL_PT_studio"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        column.prop(settings, "resolution")
        draw_optional(column, settings, "height")
        draw_optional(column, settings, "samples")
        layout.prop(settings, "channel")
        row = layout.row(heading="Passes", align=True)
        row.prop(settings, "depth_pass", toggle=True)
        row.prop(settings, "normal_pass", toggle=True)
        button(layout, PHOTOREAL_OT_render_references, icon="RENDER_STILL")
