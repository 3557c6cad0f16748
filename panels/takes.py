# SPDX-License-Identifier: GPL-3.0-or-later
"""One angle in the gallery: its render and one of its takes, side by side, and what can be done with them."""

from pathlib import Path
from typing import TYPE_CHECKING

from bpy.types import Context, UILayout

from ..background_run.set_view import Picture, SetView, Take
from ..messages.money import dollars
from ..operators.accept_photo import PHOTOREAL_OT_accept_photo
from ..operators.choose_take import PHOTOREAL_OT_choose_take
from ..operators.open_picture import PHOTOREAL_OT_open_picture
from ..operators.redo_angle import PHOTOREAL_OT_redo_angle
from ..operators.step_take import PHOTOREAL_OT_step_take
from ..operators.to_compositor import PHOTOREAL_OT_to_compositor
from ..photo_set.choices import Engine
from ..window import runs, viewer
from ..window.words import iface_
from .layout import button, draw_request, draw_text, title

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


ARROWS: "tuple[tuple[int, IconItems], ...]" = ((-1, "TRIA_LEFT"), (1, "TRIA_RIGHT"))


def verdict_icon(verdict: str, *, is_rejected: bool) -> "IconItems":
    """The icon of a verdict; "NONE" for what was not checked."""
    return "CANCEL" if is_rejected else VERDICT_ICONS.get(verdict, "NONE")


def draw_picture(context: Context, layout: UILayout, found: SetView, picture: Picture) -> None:
    """Render and photo side by side, the takes of the photo, and what can be done with them."""
    take = runs.shown_take(found.folder, picture)
    # Without a box: Blender's light theme shows gray on gray there.
    layout.separator(type="LINE")
    body = layout.column(align=True)
    head = body.row()
    head.label(text=title(picture.name), translate=False)
    button(head, PHOTOREAL_OT_to_compositor, text="", icon="NODE_COMPOSITING").name = picture.name
    is_asked_below = take is not None and take.is_rejected and take.number == picture.take
    if picture.engine == Engine.FAL and not is_asked_below:
        button(head, PHOTOREAL_OT_redo_angle, text="", icon="FILE_REFRESH").name = picture.name
    pair = body.split(factor=0.5, align=True)
    _draw_cell(pair, picture, iface_("Render"), picture.render, picture.stamp, viewer.RENDER)
    if take is None:
        _draw_cell(pair, picture, title(iface_(picture.state)), picture.photo, picture.stamp, picture.take)
    else:
        text = iface_("Photo") if len(picture.takes) <= 1 else iface_("Take {number}", number=take.number)
        _draw_cell(pair, picture, text, take.photo, take.stamp, take.number)
        _draw_take(context, body, found, picture, take)


def _draw_cell(pair: UILayout, picture: Picture, text: str, path: Path | None, stamp: str, take: int) -> None:
    """A picture, or as much room, with a button below it that opens the picture."""
    cell = pair.column(align=True)
    cell.template_icon(icon_value=runs.icon_of(path, stamp), scale=ICON_SCALE)
    caption = cell.row(align=True)
    caption.enabled = path is not None
    options = button(caption, PHOTOREAL_OT_open_picture, text=text, icon="ZOOM_IN" if path else "NONE")
    options.name, options.take = picture.name, take


def _draw_take(context: Context, body: UILayout, found: SetView, picture: Picture, take: Take) -> None:
    """Which take it is, what made it, its price and its verdict."""
    facts = body.row(align=True)
    if len(picture.takes) > 1:
        for step, arrow in ARROWS:
            options = button(facts, PHOTOREAL_OT_step_take, text="", icon=arrow)
            options.name, options.step = picture.name, step
    is_chosen = take.number == picture.take
    words = [take.made_by]
    words += [iface_("{count} samples", count=take.samples)] if take.samples else []
    words += [dollars(take.price)] if take.price else []
    facts.label(
        text=", ".join(words),
        icon=verdict_icon(take.verdict, is_rejected=take.is_rejected),
        translate=False,
    )
    draw_request(facts, take.request_id)
    if len(picture.takes) > 1:
        row = body.row(align=True)
        if is_chosen:
            row.label(text=iface_("Chosen, of {count} takes", count=len(picture.takes)))
        else:
            choice = button(row, PHOTOREAL_OT_choose_take, icon="CHECKMARK")
            choice.name, choice.number = picture.name, take.number
    if take.is_rejected:
        draw_text(context, body, iface_("Rejected: {reason}", reason=take.reason), "ERROR")
        if is_chosen:
            row = body.row(align=True)
            button(row, PHOTOREAL_OT_redo_angle, icon="FILE_REFRESH").name = picture.name
            button(row, PHOTOREAL_OT_accept_photo, icon="CHECKMARK").name = picture.name
    elif take.verdict == "look":
        draw_text(context, body, iface_("Look at this photo: {reason}", reason=take.reason), "VIEWZOOM")
