# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run stands: its bar, its end, its error with what helps. Shared by the head of the tab and the status bar."""

from pathlib import Path

import bpy
from bpy.types import Context, Header, UILayout

from ..background_run.run_view import Kind, RunView
from ..background_run.set_view import SetView
from ..messages.money import dollars
from ..operators import checks
from ..operators.cancel_here import PHOTOREAL_OT_cancel_here
from ..operators.close_notice import PHOTOREAL_OT_close_notice
from ..operators.open_results import PHOTOREAL_OT_open_results
from ..operators.resume_catalogue import PHOTOREAL_OT_resume_catalogue
from ..operators.show_result import PHOTOREAL_OT_show_result
from ..operators.show_run import PHOTOREAL_OT_show_run
from ..photo_set.living_run import KnownRun
from ..window import runs
from ..window.blender_types import layout_of, scene_of
from ..window.words import iface_
from .layout import button, draw_error, draw_fix, draw_text, title

STATUS_WIDTH = 12.0  # Of the bar in the status bar, in units of Blender's interface.
MAX_ELSEWHERE = 2  # Runs of other windows in the head of the tab.


def draw_running(context: Context, layout: UILayout, run: runs.Run) -> None:
    """The whole run as one bar, what is being made, and how to stop it."""
    view = run.view
    column = layout.column(align=True)
    column.progress(text=bar_text(view), factor=view.share, translate=False)
    draw_text(context, column, title(view.doing))
    if run.home and not runs.is_home(run.home, scene_of(context)):
        draw_text(context, column, iface_("For {place}.", place=place_of(run.home)), "INFO")
    if view.note:
        draw_text(context, column, view.note, "INFO")
    text = "End Now" if view.is_stopping else "Stop Here"
    button(layout, PHOTOREAL_OT_cancel_here, text=text, icon="CANCEL")


def bar_text(view: RunView) -> str:
    """How much of a run is done, and the remaining time or else the number of finished pictures."""
    return f"{view.share:.0%}, {view.left or view.done}".removesuffix(", ")


def place_of(home: runs.Home) -> str:
    """The scene of a run in words, with its file when that is not open."""
    if home.file != bpy.data.filepath or home.load != runs.state.loads:
        return Path(home.file).name or iface_("a file that was not saved")
    return iface_("the scene {scene}", scene=home.scene_name)


def draw_ended(context: Context, layout: UILayout, run: runs.Run, found: SetView | None) -> None:
    """How the last run ended, with what helps. It stays until the artist closes it."""
    view = run.view
    is_good = view.state == "done" and not view.error
    paid = view.paid if view.kind is Kind.CATALOGUE else found.spent if found else 0.0
    cost = f", {dollars(paid)}" if is_good and paid else ""
    column = layout.column(align=True)
    row = column.row(align=True)
    text = f"{view.product or iface_('The set')}: {view.outcome}{cost}"
    row.label(text=text, icon="CHECKMARK" if is_good else "ERROR", translate=False)
    button(row, PHOTOREAL_OT_close_notice, text="", icon="X")
    if view.kind is Kind.CATALOGUE:
        draw_ended_catalogue(context, column, view)
        return
    if is_good:
        button(column, PHOTOREAL_OT_show_result, text="Show", icon="VIEWZOOM")
    elif error := error_of(view, found):
        draw_error(context, column, error)
    for fix in [] if is_good else checks.remedies(view, found):
        draw_fix(layout, fix)


def draw_ended_catalogue(context: Context, column: UILayout, view: RunView) -> None:
    """What can be done with a catalogue that has ended."""
    if view.error:
        draw_error(context, column, view.error)
    if view.folder is None:
        return
    button(column, PHOTOREAL_OT_open_results, icon="URL").folder = str(view.folder)
    if view.state != "done":
        button(column, PHOTOREAL_OT_resume_catalogue, icon="PLAY").folder = str(view.folder)


def error_of(view: RunView, found: SetView | None) -> str:
    """The error of the run as a whole, or else the last one of its pictures."""
    errors = [row.error for row in view.rows.values() if row.error]
    return view.error or (found.error if found else "") or (errors[-1] if errors else "")


def draw_elsewhere(context: Context, layout: UILayout, found: list[KnownRun]) -> None:
    """Living runs that no scene of this file has, each with a button that shows it here."""
    for run in found[:MAX_ELSEWHERE]:
        row = layout.split(factor=0.68, align=True)
        row.label(text=iface_("Running: {name}", name=run.folder.name), icon="TIME", translate=False)
        button(row, PHOTOREAL_OT_show_run, text="Show").folder = str(run.folder)
    if (more := len(found) - MAX_ELSEWHERE) > 0:
        text = "1 more run on this machine." if more == 1 else "{count} more runs on this machine."
        draw_text(context, layout, iface_(text, count=more), "TIME")


def draw_status(self: Header, _context: Context) -> None:
    """The running set in Blender's status bar, beside what Blender shows there."""
    if (run := runs.set_run()) is None:
        return
    row = layout_of(self).row(align=True)
    row.label(text=f"Photoreal Set: {title(run.view.doing)}", translate=False)
    bar = row.row()
    bar.ui_units_x = STATUS_WIDTH
    bar.progress(text=bar_text(run.view), factor=run.view.share, translate=False)


def attach() -> None:
    bpy.types.STATUSBAR_HT_header.append(draw_status)


def detach() -> None:
    bpy.types.STATUSBAR_HT_header.remove(draw_status)
