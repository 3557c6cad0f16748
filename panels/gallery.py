# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished pictures, each beside its render, and what can be done with the set."""

from bpy.types import Context, Panel, UILayout

from ..background_run.set_view import Video
from ..operators.accept_photo import PHOTOREAL_OT_accept_photo
from ..operators.export_set import PHOTOREAL_OT_export_set
from ..operators.open_folder import PHOTOREAL_OT_open_folder
from ..operators.open_report import PHOTOREAL_OT_open_report
from ..operators.open_set import PHOTOREAL_OT_open_set
from ..operators.place_photos import PHOTOREAL_OT_place_photos
from ..operators.place_video import PHOTOREAL_OT_place_video
from ..operators.redo_model import PHOTOREAL_OT_redo_model
from ..window import runs
from ..window.blender_types import layout_of, scene_of
from .layout import SubPanel, button, draw_error, draw_text, title
from .takes import draw_picture, verdict_icon

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
                draw_picture(context, layout, found, picture)
        if error := runs.choosing_error(found.folder):
            draw_error(context, layout, error)
        for video in found.videos:
            draw_video(context, layout, video)
        draw_actions(layout)


def draw_video(context: Context, layout: UILayout, video: Video) -> None:
    """The state of a video, and what the comparison with the product has found."""
    row = layout.row(align=True)
    row.label(text=f"{title(video.motion)} video: {video.state}", icon="FILE_MOVIE")
    if video.verdict:
        row.label(text="", icon=verdict_icon(video.verdict, is_rejected=video.is_rejected))
    if video.is_rejected:
        draw_text(context, layout, f"Rejected: {video.reason}", "ERROR")
        button(layout, PHOTOREAL_OT_accept_photo, icon="CHECKMARK").name = video.motion
    elif video.verdict == "look":
        draw_text(context, layout, f"Look at this video: {video.reason}", "VIEWZOOM")


def draw_actions(layout: UILayout) -> None:
    """What can be done with a set."""
    column = layout.column(align=True)
    row = column.row(align=True)
    button(row, PHOTOREAL_OT_place_photos, icon="IMAGE_REFERENCE")
    button(row, PHOTOREAL_OT_place_photos, text="", icon="ADD").as_new = True
    button(row, PHOTOREAL_OT_place_photos, text="", icon="PIVOT_CURSOR").at_cursor = True
    button(column, PHOTOREAL_OT_place_video, icon="SEQ_SEQUENCER")
    row = layout.row(align=True)
    button(row, PHOTOREAL_OT_open_report, text="Report", icon="URL")
    button(row, PHOTOREAL_OT_open_folder, text="Folder", icon="FILE_FOLDER")
    row = layout.row(align=True)
    button(row, PHOTOREAL_OT_export_set, icon="EXPORT")
    button(row, PHOTOREAL_OT_open_set, text="Other Set", icon="FILE_FOLDER")
