# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the product comes from."""

from bpy.types import Context, Panel, UILayout

from ..background_run.button_command import MOST_PHOTOS, Source
from ..operators import (
    PHOTOREAL_OT_ask_price,
    PHOTOREAL_OT_generate_model,
    PHOTOREAL_OT_import_photos,
    PHOTOREAL_OT_import_product,
    PHOTOREAL_OT_remove_photo,
    checks,
)
from ..operators.generate_model import model_only
from ..window import pump as runtime
from ..window.scene_settings import settings_of
from .layout import SubPanel, draw_problem, draw_text


class PHOTOREAL_PT_source(SubPanel, Panel):
    bl_label = "Source"

    def draw(self, context: Context) -> None:
        settings = context.scene.photoreal
        layout = self.layout
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        grid.prop(settings, "source_kind", expand=True)
        match Source(settings.source_kind):
            case Source.FILE:
                layout.prop(settings, "source", text="")
                if not settings.source:
                    layout.operator(
                        PHOTOREAL_OT_import_product.bl_idname, text="Import Product", icon="IMPORT"
                    )
                    draw_text(context, layout, "Or drop a GLB file into the viewport.")
            case Source.OBJECTS:
                count = len(context.selected_objects)
                plural = "" if count == 1 else "s"
                layout.label(text=f"{count} object{plural} selected", icon="OBJECT_DATA")
            case Source.PHOTOS:
                self._draw_photos(layout, settings)
                draw_model(context, layout)
            case Source.WORDS:
                layout.prop(settings, "words", text="")
                draw_model(context, layout)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "folder", text="Save To", placeholder="automatic")

    def _draw_photos(self, layout: UILayout, settings: object) -> None:
        column = layout.column(align=True)
        for number, photo in enumerate(settings.photos):  # type: ignore[attr-defined]
            row = column.row(align=True)
            row.prop(photo, "path", text="")
            row.operator(PHOTOREAL_OT_remove_photo.bl_idname, text="", icon="X").index = number
        text = "Choose Other Photos" if len(settings.photos) else f"Choose 1-{MOST_PHOTOS} Photos"  # type: ignore[attr-defined]
        layout.operator(PHOTOREAL_OT_import_photos.bl_idname, text=text, icon="IMPORT")


def draw_model(context: Context, layout: UILayout) -> None:
    """The 3D model that fal.ai makes from photos or words, by itself."""
    settings = context.scene.photoreal
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(settings, "model_endpoint", text="Endpoint", placeholder="automatic")
    wish = model_only(settings_of(context))
    price = runtime.price_of(wish)
    text = f"Only 3D Model: {price.text}" if price else "Only 3D Model"
    layout.operator(PHOTOREAL_OT_generate_model.bl_idname, text=text, icon="MESH_MONKEY")
    if not checks.model(context) and not price:
        options = layout.operator(PHOTOREAL_OT_ask_price.bl_idname, text="Price of the Model")
        options.only_model = True
        if fault := runtime.price_fault(wish):
            draw_problem(context, layout, checks.Problem(reason=fault))
