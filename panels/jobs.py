# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the set is, angle by angle, and what can be done about it."""

import time

from bpy.types import Context, Panel, UILayout

from ..background_run.run_view import OUTCOMES, Row, RunView
from ..background_run.set_view import SetView, dollars
from ..operators import (
    PHOTOREAL_OT_cancel_at_fal,
    PHOTOREAL_OT_cancel_here,
    PHOTOREAL_OT_resolve_uncertain,
    PHOTOREAL_OT_resume_set,
)
from ..window import pump as runtime
from .layout import SubPanel, draw_error, draw_text, title

ICONS = {
    "working": "PLAY",
    "done": "CHECKMARK",
    "rendered": "RENDER_RESULT",
    "failed": "ERROR",
    "uncertain": "QUESTION",
    "cancelled": "CANCEL",
    "stopped": "PAUSE",
    "queued": "SORTTIME",
}


class PHOTOREAL_PT_jobs(SubPanel, Panel):
    bl_label = "Jobs"

    def draw(self, context: Context) -> None:
        layout = self.layout
        run = runtime.run_of(context.scene)
        found = runtime.set_of(context.scene)
        elsewhere = runtime.run_elsewhere(context.scene)
        if run is not None:
            draw_run(context, layout, run.view, found)
        elif found is not None:
            draw_head(layout, OUTCOMES.get(found.state, found.state), found.state, spent(found))
        elif elsewhere is not None and elsewhere.home:
            doing = elsewhere.view.doing or elsewhere.view.outcome
            draw_text(context, layout, f"In the scene {elsewhere.home.scene_name}: {doing}.")
        else:
            draw_text(context, layout, "Nothing was started in this scene yet.")
        if any(one and runtime.waits_to_place(one) for one in (run, elsewhere)):
            draw_text(context, layout, "The photos come into the scene when you are in Object Mode.", "INFO")
        if found is not None and (run is None or run.view.is_over):
            draw_after(context, layout, found)
        if (cancelling := runtime.cancel_run()) and found and cancelling.view.folder == found.folder:
            draw_cancelling(context, layout, cancelling.view)


def draw_run(context: Context, layout: UILayout, view: RunView, found: SetView | None) -> None:
    """One run: a head, a line for each angle, what it complained of."""
    facts = f"{spent(found)}  {clock(view.elapsed)}"
    if view.is_over:
        draw_head(layout, view.outcome, view.state, facts)
    else:
        draw_head(layout, "stopping" if view.is_stopping else view.state, "working", facts)
    column = layout.column(align=True)
    now = time.monotonic()
    for row in view.rows.values():
        draw_row(column, row, now)
        # What is uncertain stands below, with what can be done in this window.
        if row.error and not (row.state == "uncertain" and found and found.held):
            draw_error(context, column, row.error)
    shown = {row.error for row in view.rows.values()}
    for text in [text for text in view.warnings if text not in shown][-3:]:
        draw_text(context, layout, text, "ERROR")
    if view.error:
        draw_error(context, layout, view.error)
    if not view.is_over:
        buttons = layout.column(align=True)
        text = "Leave Now" if view.is_stopping else "Stop Here"
        buttons.operator(PHOTOREAL_OT_cancel_here.bl_idname, text=text, icon="CANCEL")
        if any(row.state in {"queued", "generating"} for row in view.rows.values()):
            buttons.operator(PHOTOREAL_OT_cancel_at_fal.bl_idname, icon="X")


def draw_head(layout: UILayout, text: str, state: str, facts: str) -> None:
    """How it stands, with numbers at the right."""
    head = layout.row()
    head.label(text=title(text), icon=ICONS.get(state, "INFO"))
    right = head.row()
    right.alignment = "RIGHT"
    right.label(text=facts)


def spent(found: SetView | None) -> str:
    return dollars(found.spent) if found and found.spent else ""


def draw_row(layout: UILayout, row: Row, now: float) -> None:
    """An angle: its name, its state or bar, how long."""
    line = layout.split(factor=0.54, align=True)
    line.label(text=title(row.name), icon=ICONS.get(row.state, "PLAY" if row.is_busy else "DOT"))
    text = row.state
    if row.queue_position and row.state == "queued":
        text = f"{row.queue_position} ahead"  # Of it in the queue, as the icon says; more would not fit.
    elapsed = row.elapsed(now)
    if row.factor is not None:
        line.progress(text=f"{text} {clock(elapsed)}", factor=row.factor)
        return
    if elapsed >= 1.0 and row.state != "rendered":
        text += f" {clock(elapsed)}"
    line.label(text=text)


def draw_after(context: Context, layout: UILayout, found: SetView) -> None:
    """What a set that has not ended well offers."""
    if not found.can_resume:
        return
    if found.error:
        draw_error(context, layout, found.error)
    for held in found.held:
        column = layout.column(align=True)
        draw_text(
            context,
            column,
            f"{title(held.label)}: it was sent and the answer was lost, so it may be charged. "
            "Resume looks for it again, free of charge.",
            "QUESTION",
        )
        buttons = column.row(align=True)
        for decision, text in (("resend", "Send Again"), ("forget", "Do Without")):
            options = buttons.operator(PHOTOREAL_OT_resolve_uncertain.bl_idname, text=text)
            options.key, options.decision = held.key, decision
    layout.operator(PHOTOREAL_OT_resume_set.bl_idname, icon="PLAY")


def draw_cancelling(context: Context, layout: UILayout, view: RunView) -> None:
    """What came of cancelling at fal.ai."""
    column = layout.column()
    if not view.is_over:
        column.label(text="Cancelling at fal.ai …", icon="X")
    for note in view.notes:
        draw_text(context, column, note)
    if view.error:
        draw_error(context, column, view.error)


def clock(seconds: float) -> str:
    """Elapsed time as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
