# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the video, and what happens in it; the spin."""

from bpy.types import Context, Panel

from ..photo_set.choices import FROM_RENDER_ENDPOINT, NO_VIDEO, Engine
from ..window import properties
from ..window.blender_types import layout_of
from .layout import SubPanel, draw_optional, draw_text


class PHOTOREAL_PT_video(SubPanel, Panel):
    bl_label = "Video"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        self._draw_video(context, settings)
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_optional(layout, settings, "spin")

    def _draw_video(self, context: Context, settings: properties.PhotorealSettings) -> None:
        layout = layout_of(self)
        layout.row(align=True).prop(settings, "video", expand=True)
        if settings.video == Engine.CYCLES:
            draw_text(context, layout, "Rendered by Cycles on this machine: free, but slow.")
        if settings.video == NO_VIDEO:
            return
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "motion")
        layout.prop(settings, "seconds")
        if settings.video != Engine.FAL:
            return
        layout.prop(settings, "video_endpoint", placeholder="as in preferences")
        if FROM_RENDER_ENDPOINT not in settings.video_endpoint:
            text = f"Recommended: {FROM_RENDER_ENDPOINT} turns a render of your model into footage and keeps its shape."
            draw_text(context, layout, text)
        layout.prop(settings, "loop")
