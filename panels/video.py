# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes the film, and what happens in it."""

from bpy.types import Context, Panel

from ..background_run.button_command import FAL, FREE, NO_FILM
from .layout import SubPanel, draw_text


class PHOTOREAL_PT_video(SubPanel, Panel):
    bl_label = "Video"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012  Blender's own form.

    def draw(self, context: Context) -> None:
        settings = context.scene.photoreal
        layout = self.layout
        layout.row(align=True).prop(settings, "video", expand=True)
        if settings.video == FREE:
            draw_text(context, layout, "Rendered here, free: that takes a while.")
        if settings.video == NO_FILM:
            return
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "motion")
        if settings.video != FAL:
            return
        layout.prop(settings, "video_endpoint", placeholder="as in preferences")
        layout.prop(settings, "seconds")
        layout.prop(settings, "loop")
