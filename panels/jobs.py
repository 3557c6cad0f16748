# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of the set, angle by angle, and what can be done about it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from bpy.types import Context, Panel, UILayout

from ..background_run.run_rows import AT_FAL, Row
from ..background_run.run_view import OUTCOMES, Kind, RunView, label_words
from ..background_run.set_view import SetView
from ..catalogue.glance import CatalogueView
from ..messages.money import dollars
from ..messages.progress import clock
from ..operators.cancel_at_fal import PHOTOREAL_OT_cancel_at_fal
from ..operators.open_set import PHOTOREAL_OT_open_set
from ..operators.resolve_uncertain import PHOTOREAL_OT_resolve_uncertain
from ..operators.resume_catalogue import PHOTOREAL_OT_resume_catalogue
from ..operators.resume_set import PHOTOREAL_OT_resume_set
from ..operators.view_request import PHOTOREAL_OT_view_request
from ..window import runs
from ..window.blender_types import layout_of, scene_of
from ..window.words import iface_
from .layout import SubPanel, button, draw_error, draw_request, draw_text, row_title, title
from .progress import error_of

if TYPE_CHECKING:  # Only the stubs name the icons.
    from bpy.stub_internal.rna_enums import IconItems

ICONS: "dict[str, IconItems]" = {
    "working": "PLAY",
    "done": "CHECKMARK",
    "rendered": "RENDER_RESULT",
    "failed": "ERROR",
    "uncertain": "QUESTION",
    "cancelled": "CANCEL",
    "stopped": "PAUSE",
    "queued": "SORTTIME",
}


MAX_ROWS = 40

# States that would not fit a bar together with the time.
SHORT = {
    "photographing": "photo",
    "rendering": "render",
    "rendering passes": "passes",
    "measuring light": "light",
}


class PHOTOREAL_PT_jobs(SubPanel, Panel):
    bl_label = "Jobs"

    def draw(self, context: Context) -> None:
        layout = layout_of(self)
        run = runs.run_of(scene_of(context))
        found = runs.set_of(scene_of(context))
        elsewhere = runs.run_elsewhere(scene_of(context))
        # What the head of the tab shows of the last run is not repeated here.
        ended = None if runs.set_run() else runs.ended_run(scene_of(context))
        told = error_of(ended.view, found) if ended else ""
        if run is not None:
            draw_run(context, layout, run.view, found, told)
        elif found is not None:
            draw_head(layout, iface_(OUTCOMES.get(found.state, found.state)), found.state, spent(found))
        elif elsewhere is not None and elsewhere.home:
            doing = elsewhere.view.doing or elsewhere.view.outcome
            text = iface_("In the scene {scene}: {doing}.", scene=elsewhere.home.scene_name, doing=doing)
            draw_text(context, layout, text)
        else:
            draw_text(context, layout, "Nothing has been started in this scene yet.")
        if any(one and runs.waits_to_place(one) for one in (run, elsewhere)):
            draw_text(
                context,
                layout,
                "The photos are placed in the scene as soon as you are in Object Mode.",
                "INFO",
            )
        catalogue = runs.catalogue_of(run)
        if run is None or run.view.is_over:
            if run is not None and catalogue is not None:
                draw_after_catalogue(context, layout, run.view, catalogue, is_in_head=ended is not None)
            if found is not None:
                draw_after(context, layout, found, told, is_in_head=ended is not None)
        folders = (found.folder if found else None, run.view.folder if run else None)
        if cancelling := runs.cancel_run(*folders):
            draw_cancelling(context, layout, cancelling.view)


def draw_run(context: Context, layout: UILayout, view: RunView, found: SetView | None, told: str) -> None:
    """One run: a head, a line for each angle, warnings and errors, except the one that was ``told``."""
    is_catalogue = view.kind is Kind.CATALOGUE
    paid = (dollars(view.paid) if view.paid else "") if is_catalogue else spent(found)
    facts = f"{paid}  {clock(view.elapsed)}"
    if view.is_over:
        draw_head(layout, view.outcome, view.state, facts)
    else:
        draw_head(layout, iface_("stopping" if view.is_stopping else view.state), "working", facts)
        if view.note:
            draw_text(context, layout, view.note, "INFO")
    draw_rows(context, layout, view, found, told)
    if view.error and view.error != told:
        draw_error(context, layout, view.error)
    if view.folder and not view.is_over and any(row.state in AT_FAL for row in view.rows.values()):
        button(layout, PHOTOREAL_OT_cancel_at_fal, icon="X").folder = str(view.folder)


def draw_rows(context: Context, layout: UILayout, view: RunView, found: SetView | None, told: str) -> None:
    """A line for each angle with its error, except the one that was ``told``, and the last warnings."""
    column = layout.column(align=True)
    now = time.monotonic()
    rows = shown_rows(list(view.rows.values()))
    for row in rows:
        draw_row(column, row, now)
        # Uncertain requests are listed below, with what can be done about them.
        if row.error and row.error != told and not (row.state == "uncertain" and found and found.held):
            draw_error(context, column, row.error)
    if (more := len(view.rows) - len(rows)) > 0:
        text = "1 more product." if more == 1 else "{count} more products."
        draw_text(context, column, iface_(text, count=more))
    shown = {row.error for row in view.rows.values()}
    for text in [text for text in view.warnings if text not in shown][-3:]:
        draw_text(context, layout, text, "ERROR")


def shown_rows(rows: list[Row]) -> list[Row]:
    """All lines, or of a large catalogue the last ones that are being made or have an error."""
    return rows if len(rows) <= MAX_ROWS else [row for row in rows if row.is_busy or row.error][-MAX_ROWS:]


def draw_head(layout: UILayout, text: str, state: str, facts: str) -> None:
    """The state, with numbers at the right."""
    head = layout.row()
    head.label(text=title(text), icon=ICONS.get(state, "INFO"), translate=False)
    right = head.row()
    right.alignment = "RIGHT"
    right.label(text=facts, translate=False)


def spent(found: SetView | None) -> str:
    """What a set has cost; "" when it was free."""
    return dollars(found.spent) if found and found.spent else ""


def draw_row(layout: UILayout, row: Row, now: float) -> None:
    """An angle: its name, its state or progress bar, its time."""
    whole = layout.row(align=True)
    line = whole.split(factor=0.54, align=True)
    icon = ICONS.get(row.state, "PLAY" if row.is_busy else "DOT")
    line.label(text=row_title(row.name), icon=icon, translate=False)
    text = iface_(SHORT.get(row.state, row.state))
    if row.queue_position and row.state == "queued":
        text = iface_(
            "{count} ahead", count=row.queue_position
        )  # In the queue, as the icon says; longer text would not fit.
    elapsed = row.elapsed(now)
    if row.factor is not None:
        line.progress(text=f"{text} {clock(elapsed)}", factor=row.factor, translate=False)
    else:
        shows_time = elapsed >= 1.0 and row.state != "rendered"
        line.label(text=f"{text} {clock(elapsed)}" if shows_time else text, translate=False)
    draw_request(whole, row.request_id)
    if row.folder:
        button(whole, PHOTOREAL_OT_open_set, text="", icon="FILE_FOLDER").directory = row.folder


def draw_after(context: Context, layout: UILayout, found: SetView, told: str, *, is_in_head: bool) -> None:
    """What can be done with a set that is not complete. ``is_in_head``: the head of the tab resumes it."""
    if not found.can_resume:
        return
    if found.error and found.error != told:
        draw_error(context, layout, found.error)
    for held in found.held:
        column = layout.column(align=True)
        text = iface_(
            "{what}: the request was sent and its answer was lost, so it may be charged. "
            "Resume looks for it again, free of charge.",
            what=title(label_words(held.label)),
        )
        draw_text(context, column, text, "QUESTION")
        buttons = column.row(align=True)
        for decision, text in (("resend", "Send Again"), ("forget", "Do Without")):
            options = button(buttons, PHOTOREAL_OT_resolve_uncertain, text=text)
            options.key, options.decision = held.key, decision
        button(buttons, PHOTOREAL_OT_view_request, text="", icon="URL").request_id = held.request_id
    if not is_in_head:
        button(layout, PHOTOREAL_OT_resume_set, icon="PLAY")
    draw_pending(context, layout, found.folder, found.pending)


def draw_after_catalogue(
    context: Context, layout: UILayout, view: RunView, found: CatalogueView, *, is_in_head: bool
) -> None:
    """What can be done with a catalogue that has ended. ``is_in_head``: the head of the tab resumes it."""
    if view.state != "done" and not is_in_head:
        button(layout, PHOTOREAL_OT_resume_catalogue, icon="PLAY").folder = str(found.folder)
    draw_pending(context, layout, found.folder, found.pending)


def draw_pending(context: Context, layout: UILayout, folder: Path, count: int) -> None:
    """The requests that a run has left at fal.ai, and the button that cancels them; nothing without any."""
    if not count:
        return
    one = "1 request is still at fal.ai. Resume fetches its result."
    text = one if count == 1 else "{count} requests are still at fal.ai. Resume fetches their results."
    column = layout.column(align=True)
    draw_text(context, column, iface_(text, count=count), "INFO")
    button(column, PHOTOREAL_OT_cancel_at_fal, icon="X").folder = str(folder)


def draw_cancelling(context: Context, layout: UILayout, view: RunView) -> None:
    """The result of cancelling at fal.ai."""
    column = layout.column()
    if not view.is_over:
        column.label(text="Cancelling at fal.ai …", icon="X")
    for note in view.notes:
        draw_text(context, column, note)
    if view.error:
        draw_error(context, column, view.error)
