# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished pictures, each beside its render."""

from typing import TYPE_CHECKING

from bpy.types import Context, Panel, UILayout

from ..background_run.set_view import Picture
from ..messages.money import dollars
from ..operators.accept_photo import PHOTOREAL_OT_accept_photo
from ..operators.export_set import PHOTOREAL_OT_export_set
from ..operators.open_folder import PHOTOREAL_OT_open_folder
from ..operators.open_report import PHOTOREAL_OT_open_report
from ..operators.open_set import PHOTOREAL_OT_open_set
from ..operators.place_photos import PHOTOREAL_OT_place_photos
from ..operators.place_video import PHOTOREAL_OT_place_video
from ..operators.redo_angle import PHOTOREAL_OT_redo_angle
from ..operators.redo_model import PHOTOREAL_OT_redo_model
from ..photo_set.choices import Engine
from ..window import runs
from ..window.blender_types import layout_of, scene_of
from .layout import SubPanel, button, draw_text, title

if TYPE_CHECKING:  # Only the stubs have this module.
    from bpy.stub_internal.rna_enums import IconItems

ICON_SCALE = 4.6  # Two pictures fill a sidebar of the default width.
VERDICT_ICONS: "dict[str, IconItems]" = {
    "accept": "CHECKMARK",
    "accepted": "CHECKMARK",
    "look": "VIEWZOOM",
    "realign": "ERROR",
    "retry": "ERROR",
    "reject": "ERROR",
}
MAX_PROBLEMS = 3  # Of the model; the report has all of them.


class PHOTOREAL_PT_gallery(SubPanel, Panel):
    bl_label = "Gallery"

    def draw(self, context: Context) -> None:
        layout = layout_of(self)
        found = runs.set_of(scene_of(context))
        if found is None:
            draw_text(context, layout, "Finished photos are shown here.")
            button(layout, PHOTOREAL_OT_open_set, icon="FILE_FOLDER")
            return
        layout.label(text=found.product, icon="RENDER_RESULT")
        for problem in found.problems[:MAX_PROBLEMS]:
            draw_text(context, layout, problem, "ERROR")
        if (more := len(found.problems) - MAX_PROBLEMS) > 0:
            draw_text(context, layout, f"{more} more problems of the model: see the report.", "INFO")
        if found.is_model_bought:
            button(layout, PHOTOREAL_OT_redo_model, icon="FILE_REFRESH")
        for picture in found.pictures:
            if picture.render or picture.photo:
                draw_picture(context, layout, picture)
        for video in found.videos:
            layout.label(text=f"{title(video.motion)} video: {video.state}", icon="FILE_MOVIE")
        draw_actions(layout)


def draw_actions(layout: UILayout) -> None:
    """What can be done with a set."""
    column = layout.column(align=True)
    button(column, PHOTOREAL_OT_place_photos, icon="IMAGE_REFERENCE")
    button(column, PHOTOREAL_OT_place_video, icon="SEQ_SEQUENCER")
    row = layout.row(align=True)
    button(row, PHOTOREAL_OT_open_report, text="Report", icon="URL")
    button(row, PHOTOREAL_OT_open_folder, text="Folder", icon="FILE_FOLDER")
    row = layout.row(align=True)
    button(row, PHOTOREAL_OT_export_set, icon="EXPORT")
    button(row, PHOTOREAL_OT_open_set, text="Other Set", icon="FILE_FOLDER")


def draw_picture(context: Context, layout: UILayout, picture: Picture) -> None:
    """Render and photo side by side, to compare them."""
    box = layout.box().column(align=True)
    head = box.row()
    head.label(text=title(picture.name))
    facts = head.row()
    facts.alignment = "RIGHT"
    price = dollars(picture.price) if picture.price else ""
    facts.label(
        text=price, icon="CANCEL" if picture.is_rejected else VERDICT_ICONS.get(picture.verdict, "NONE")
    )
    if picture.engine == Engine.FAL and not picture.is_rejected:
        button(facts, PHOTOREAL_OT_redo_angle, text="", icon="FILE_REFRESH").name = picture.name
    pair = box.row(align=True)
    for path in (picture.render, picture.photo):
        cell = pair.column(align=True)
        if icon := runs.icon_of(path, picture.stamp):
            cell.template_icon(icon_value=icon, scale=ICON_SCALE)
        else:
            cell.label(text=picture.state if path is picture.photo else "", icon="IMAGE_DATA")
    if picture.is_rejected:
        draw_text(context, box, f"Rejected: {picture.reason}", "ERROR")
        row = box.row(align=True)
        button(row, PHOTOREAL_OT_redo_angle, icon="FILE_REFRESH").name = picture.name
        button(row, PHOTOREAL_OT_accept_photo, icon="CHECKMARK").name = picture.name
    elif picture.verdict == "look":
        draw_text(context, box, f"Look at this photo: {picture.reason}", "VIEWZOOM")
