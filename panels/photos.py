# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the photos, and how."""

from bpy.types import Context, Panel

from ..fal_bridge.jobs import Kind
from ..operators.new_prompt import PHOTOREAL_OT_new_prompt
from ..photo_set.choices import Engine, Fidelity
from ..window import properties
from ..window.blender_types import layout_of
from .endpoints import draw_endpoint
from .layout import SubPanel, draw_optional, draw_text


class PHOTOREAL_PT_photos(SubPanel, Panel):
    bl_label = "Photos"

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.row(align=True).prop(settings, "engine", expand=True)
        if settings.engine != Engine.FAL:
            draw_text(context, layout, "Rendered by Cycles on this machine: free and exact.")
            layout.use_property_split = True
            layout.use_property_decorate = False
            layout.prop(settings, "quality")
            draw_optional(layout, settings, "f_stop")
            layout.prop(settings, "film_look")
            return
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_endpoint(context, layout, settings, Kind.PHOTO)
        layout.prop(settings, "look")
        # Beside a label, the name of the text would not fit a sidebar of the default width.
        prompt = layout.column(align=True)
        prompt.use_property_split = False
        prompt.label(text="Prompt")
        prompt.template_ID(settings, "prompt", new=PHOTOREAL_OT_new_prompt.bl_idname)
        draw_optional(layout, settings, "seed")
        draw_optional(layout, settings, "photo_size")
        layout.prop(settings, "fidelity")
        if settings.fidelity == Fidelity.GATE:
            layout.prop(settings, "retries")
            layout.prop(settings, "lock")


class PHOTOREAL_PT_photo_options(SubPanel, Panel):
    bl_label = "More Options"
    bl_parent_id = "PHOTOREAL_PT_photos"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return properties.of_context(context).engine == Engine.FAL

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "guide")
        layout.prop(settings, "with_mask")
        layout.prop(settings, "photo_option", placeholder="name=value; name=value")
