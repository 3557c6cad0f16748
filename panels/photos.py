# SPDX-License-Identifier: GPL-3.0-or-later
"""Who makes the photos, and how."""

from bpy.types import Context, Panel

from ..button_command import FAL
from ..operators import PHOTOREAL_OT_new_prompt
from .layout import SubPanel, draw_text


class PHOTOREAL_PT_photos(SubPanel, Panel):
    bl_label = "Photos"

    def draw(self, context: Context) -> None:
        settings = context.scene.photoreal
        layout = self.layout
        layout.row(align=True).prop(settings, "engine", expand=True)
        if settings.engine != FAL:
            draw_text(context, layout, "Rendered here by Cycles: free and exact.")
            layout.use_property_split = True
            layout.use_property_decorate = False
            layout.prop(settings, "quality")
            return
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "photo_endpoint", placeholder="as in preferences")
        layout.prop(settings, "look")
        layout.template_ID(settings, "prompt", new=PHOTOREAL_OT_new_prompt.bl_idname, text="Prompt")
        row = layout.row(heading="Seed", align=True)
        row.prop(settings, "use_seed", text="")
        part = row.row(align=True)
        part.active = settings.use_seed
        part.prop(settings, "seed", text="")
