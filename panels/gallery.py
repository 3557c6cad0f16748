# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished pictures, each beside its render."""

from bpy.types import Context, Panel, UILayout

from ..background_run.button_command import FAL
from ..background_run.set_view import Picture
from ..operators import (
    PHOTOREAL_OT_export_set,
    PHOTOREAL_OT_open_folder,
    PHOTOREAL_OT_open_report,
    PHOTOREAL_OT_open_set,
    PHOTOREAL_OT_place_film,
    PHOTOREAL_OT_place_photos,
    PHOTOREAL_OT_redo_angle,
    PHOTOREAL_OT_redo_model,
)
from ..window import pump as runtime
from .layout import SubPanel, draw_text, title

ICON_SCALE = 4.6
MOST_FAULTS = 3  # Of the model; the report has all.


class PHOTOREAL_PT_gallery(SubPanel, Panel):
    bl_label = "Gallery"

    def draw(self, context: Context) -> None:
        layout = self.layout
        found = runtime.set_of(context.scene)
        if found is None:
            draw_text(context, layout, "Finished photos will be here.")
            layout.operator(PHOTOREAL_OT_open_set.bl_idname, icon="FILE_FOLDER")
            return
        layout.label(text=found.product, icon="RENDER_RESULT")
        for fault in found.faults[:MOST_FAULTS]:
            draw_text(context, layout, fault, "ERROR")
        if (more := len(found.faults) - MOST_FAULTS) > 0:
            draw_text(context, layout, f"And {more} more about the model: see the report.", "INFO")
        if found.is_model_bought:
            layout.operator(PHOTOREAL_OT_redo_model.bl_idname, icon="FILE_REFRESH")
        for picture in found.pictures:
            if picture.render or picture.photo:
                draw_picture(layout, picture)
        for film in found.films:
            layout.label(text=f"{title(film.motion)} film: {film.state}", icon="FILE_MOVIE")
        column = layout.column(align=True)
        column.operator(PHOTOREAL_OT_place_photos.bl_idname, icon="IMAGE_REFERENCE")
        column.operator(PHOTOREAL_OT_place_film.bl_idname, icon="SEQ_SEQUENCER")
        row = layout.row(align=True)
        row.operator(PHOTOREAL_OT_open_report.bl_idname, text="Report", icon="URL")
        row.operator(PHOTOREAL_OT_open_folder.bl_idname, text="Folder", icon="FILE_FOLDER")
        row = layout.row(align=True)
        row.operator(PHOTOREAL_OT_export_set.bl_idname, icon="EXPORT")
        row.operator(PHOTOREAL_OT_open_set.bl_idname, text="Other Set", icon="FILE_FOLDER")


def draw_picture(layout: UILayout, picture: Picture) -> None:
    """Render and photo side by side, as a pair to compare."""
    box = layout.box().column(align=True)
    head = box.row()
    head.label(text=title(picture.name))
    facts = head.row()
    facts.alignment = "RIGHT"
    price = f"${picture.price:.3g}" if picture.price else ""
    facts.label(text=" ".join(filter(None, (picture.fidelity, price))))
    if picture.engine == FAL:
        facts.operator(PHOTOREAL_OT_redo_angle.bl_idname, text="", icon="FILE_REFRESH").name = picture.name
    pair = box.row(align=True)
    for path in (picture.render, picture.photo):
        cell = pair.column(align=True)
        if icon := runtime.icon_of(path, picture.stamp):
            cell.template_icon(icon_value=icon, scale=ICON_SCALE)
        else:
            cell.label(text=picture.state if path is picture.photo else "", icon="IMAGE_DATA")
