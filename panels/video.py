# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the video, and what happens in it; the spin."""

from bpy.types import Context, Panel

from ..fal_bridge.jobs import Kind
from ..photo_set.choices import FROM_RENDER_ENDPOINT, NO_VIDEO, Engine
from ..window import properties
from ..window.blender_types import layout_of
from ..window.words import iface_
from .endpoints import draw_endpoint
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
        draw_optional(layout, settings, "seconds")
        if settings.video != Engine.FAL:
            return
        draw_endpoint(context, layout, settings, Kind.VIDEO)
        if FROM_RENDER_ENDPOINT not in settings.video_endpoint:
            text = "Recommended: {endpoint} turns a render of your model into footage and keeps its shape."
            draw_text(context, layout, iface_(text, endpoint=FROM_RENDER_ENDPOINT))
        layout.prop(settings, "loop")


class PHOTOREAL_PT_video_options(SubPanel, Panel):
    bl_label = "More Options"
    bl_parent_id = "PHOTOREAL_PT_video"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return properties.of_context(context).video == Engine.FAL

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "video_option", placeholder="resolution=1080P")
