# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of the product."""

from bpy.types import Context, Panel, UILayout

from ..background_run.button_arguments import Source
from ..background_run.setting_words import LEAVE_OUT
from ..fal_bridge.jobs import Kind
from ..gltf.choices import Surrounding
from ..operators import checks
from ..operators.ask_price import PHOTOREAL_OT_ask_price
from ..operators.generate_model import PHOTOREAL_OT_generate_model, model_only
from ..operators.import_photos import PHOTOREAL_OT_import_photos
from ..operators.remove_photo import PHOTOREAL_OT_remove_photo
from ..photo_set.choices import MAX_PHOTOS
from ..window import properties, runs, studio_properties
from ..window.blender_types import layout_of
from ..window.scene_settings import product_objects, settings_of
from ..window.words import iface_
from .endpoints import draw_endpoint
from .layout import SubPanel, button, draw_problem, draw_text


class PHOTOREAL_PT_source(SubPanel, Panel):
    bl_label = "Source"

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        grid.prop(settings, "source_kind", expand=True)
        match Source(settings.source_kind):
            case Source.FILE:
                layout.prop(settings, "source", text="")
                if not settings.source:
                    draw_text(context, layout, "Or drop a GLB file into the viewport.")
            case Source.OBJECTS:
                count = len(product_objects(context))
                layout.label(text=count_text(count, in_studio=settings.is_studio), icon="OBJECT_DATA")
            case Source.PHOTOS:
                self._draw_photos(layout, settings)
                draw_model(context, layout)
            case Source.TEXT:
                layout.prop(settings, "words", text="")
                draw_model(context, layout)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "folder", text="Save To", placeholder=iface_("automatic"))

    def _draw_photos(self, layout: UILayout, settings: properties.PhotorealSettings) -> None:
        column = layout.column(align=True)
        for number, photo in enumerate(settings.photos):
            row = column.row(align=True)
            row.prop(photo, "path", text="")
            button(row, PHOTOREAL_OT_remove_photo, text="", icon="X").index = number
        text = (
            "Choose Other Photos"
            if len(settings.photos)
            else iface_("Choose 1-{count} Photos", count=MAX_PHOTOS)
        )
        button(layout, PHOTOREAL_OT_import_photos, text=text, icon="IMPORT")


class PHOTOREAL_PT_model_options(SubPanel, Panel):
    """The variants and the pose of the model, and what is left out of it."""

    bl_label = "Model Options"
    bl_parent_id = "PHOTOREAL_PT_source"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        settings = properties.of_context(context)
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        if Source(settings.source_kind) is Source.FILE:
            layout.prop(settings, "variant", placeholder=iface_("default materials"))
            layout.prop(settings, "pose")
            if settings.pose == studio_properties.SECONDS:
                layout.prop(settings, "pose_seconds")
        column = layout.column(heading=LEAVE_OUT)
        for kind in Surrounding:
            column.prop(settings, f"without_{kind.value}")


def count_text(count: int, *, in_studio: bool) -> str:
    """How many objects are the product."""
    if in_studio:
        return (
            iface_("1 object in the studio")
            if count == 1
            else iface_("{count} objects in the studio", count=count)
        )
    return iface_("1 object selected") if count == 1 else iface_("{count} objects selected", count=count)


def draw_model(context: Context, layout: UILayout) -> None:
    """The button that buys only the 3D model from photos or text, with its price."""
    settings = properties.of_context(context)
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    draw_endpoint(context, column, settings, Kind.MODEL)
    only_model = model_only(settings_of(context))
    price = runs.price_of(only_model)
    text = iface_("Only 3D Model: {price}", price=price.shown) if price else "Only 3D Model"
    pressed = button(layout, PHOTOREAL_OT_generate_model, text=text, icon="MESH_MONKEY")
    pressed.price = price.text if price else ""
    if not checks.model(context) and not price:
        button(layout, PHOTOREAL_OT_ask_price, text="Price of the Model").only_model = True
        if error := runs.price_error(only_model):
            draw_problem(context, layout, checks.Problem(reason=error))
