# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished pictures, each beside its render, and what can be done with the set."""

from bpy.types import Context, Panel, UILayout

from ..background_run.set_view import Video
from ..operators.accept_photo import PHOTOREAL_OT_accept_photo
from ..operators.export_set import PHOTOREAL_OT_export_set
from ..operators.mark_asset import PHOTOREAL_OT_mark_asset
from ..operators.open_folder import PHOTOREAL_OT_open_folder
from ..operators.open_report import PHOTOREAL_OT_open_report
from ..operators.open_set import PHOTOREAL_OT_open_set
from ..operators.place_photos import PHOTOREAL_OT_place_photos
from ..operators.place_video import PHOTOREAL_OT_place_video
from ..operators.redo_model import PHOTOREAL_OT_redo_model
from ..window import properties, runs
from ..window.blender_types import layout_of, scene_of
from ..window.labels import label_of
from ..window.words import iface_
from .layout import SubPanel, button, draw_error, draw_request, draw_text
from .takes import draw_picture, verdict_icon

MAX_PROBLEMS = 3  # Of the model; the report has all of them.


class PHOTOREAL_PT_gallery(SubPanel, Panel):
    bl_label = "Gallery"

    def draw(self, context: Context) -> None:
        layout = layout_of(self)
        found = runs.set_of(scene_of(context))
        if found is None:
            if properties.studio_of(scene_of(context)):
                draw_text(context, layout, "Photos made in the studio are in the studio's gallery.")
            else:
                draw_text(context, layout, "Finished photos are shown here.")
            button(layout, PHOTOREAL_OT_open_set, icon="FILE_FOLDER")
            return
        layout.label(text=found.product, icon="RENDER_RESULT", translate=False)
        for problem in found.problems[:MAX_PROBLEMS]:
            draw_text(context, layout, problem, "ERROR")
        if (more := len(found.problems) - MAX_PROBLEMS) > 0:
            draw_text(context, layout, more_problems(more), "INFO")
        if found.is_model_bought:
            row = layout.row(align=True)
            button(row, PHOTOREAL_OT_redo_model, icon="FILE_REFRESH")
            draw_request(row, found.model.request_id)
        for picture in found.pictures:
            if picture.render or picture.photo:
                draw_picture(context, layout, found, picture)
        if error := runs.choosing_error(found.folder):
            draw_error(context, layout, error)
        for video in found.videos:
            draw_video(context, layout, video)
        draw_actions(layout)


def more_problems(count: int) -> str:
    """How many problems of the model only the report shows."""
    if count == 1:
        return iface_("1 more problem of the model: see the report.")
    return iface_("{count} more problems of the model: see the report.", count=count)


def draw_video(context: Context, layout: UILayout, video: Video) -> None:
    """The state of a video, and what the comparison with the product has found."""
    motion, state = iface_(label_of(video.motion)), iface_(video.state)
    row = layout.row(align=True)
    row.label(text=iface_("{motion} video: {state}", motion=motion, state=state), icon="FILE_MOVIE")
    if video.verdict:
        row.label(text="", icon=verdict_icon(video.verdict, is_rejected=video.is_rejected))
    draw_request(row, video.request_id)
    if video.is_rejected:
        draw_text(context, layout, iface_("Rejected: {reason}", reason=video.reason), "ERROR")
        button(layout, PHOTOREAL_OT_accept_photo, icon="CHECKMARK").name = video.motion
    elif video.verdict == "look":
        text = iface_("Look at this video: {reason}", reason=video.reason)
        draw_text(context, layout, text, "VIEWZOOM")


def draw_actions(layout: UILayout) -> None:
    """What can be done with a set."""
    layout.separator(type="LINE")
    column = layout.column(align=True)
    row = column.row(align=True)
    button(row, PHOTOREAL_OT_place_photos, icon="IMAGE_REFERENCE")
    button(row, PHOTOREAL_OT_place_photos, text="", icon="ADD").as_new = True
    button(row, PHOTOREAL_OT_place_photos, text="", icon="PIVOT_CURSOR").at_cursor = True
    button(column, PHOTOREAL_OT_place_video, icon="SEQ_SEQUENCER")
    row = layout.row(align=True)
    button(row, PHOTOREAL_OT_open_report, text="Report", icon="URL")
    button(row, PHOTOREAL_OT_open_folder, text="Folder", icon="FILE_FOLDER")
    button(layout, PHOTOREAL_OT_mark_asset, icon="ASSET_MANAGER")
    row = layout.row(align=True)
    button(row, PHOTOREAL_OT_export_set, icon="EXPORT")
    button(row, PHOTOREAL_OT_open_set, text="Other Set", icon="FILE_FOLDER")
