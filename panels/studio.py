# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio panel of the sidebar tab."""

from bpy.types import Context, Panel

from ..operators import PHOTOREAL_OT_build_studio


class PHOTOREAL_PT_studio(Panel):
    bl_label = "Studio"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Photoreal"

    def draw(self, context: Context) -> None:
        settings = context.scene.photoreal
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "source")
        layout.prop(settings, "angle")
        layout.prop(settings, "resolution")
        row = layout.row()
        row.scale_y = 1.5
        row.operator(PHOTOREAL_OT_build_studio.bl_idname, icon="LIGHT_AREA")
