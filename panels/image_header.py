# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons in the header of an Image Editor that shows a picture of a set: its render, its takes, the other angles."""

import bpy
from bpy.types import Context, Header

from ..operators.choose_take import PHOTOREAL_OT_choose_take
from ..operators.compare_pictures import PHOTOREAL_OT_compare_pictures
from ..operators.flip_picture import PHOTOREAL_OT_flip_picture
from ..window import viewer
from ..window.blender_types import layout_of
from ..window.words import iface_
from .layout import button, title
from .takes import ARROWS


def draw_header(self: Header, context: Context) -> None:
    """What is appended to the header."""
    shown = viewer.shown_in(context.space_data)
    known = viewer.picture_of(shown) if shown else None
    if shown is None or known is None:
        return
    found, picture = known
    layout = layout_of(self)
    row = layout.row(align=True)
    for text, take in [
        ("Render", viewer.RENDER),
        *((iface_("Take {number}", number=one.number), one.number) for one in picture.takes),
    ]:
        options = button(row, PHOTOREAL_OT_flip_picture, text=text, is_pressed=take == shown.take)
        options.name, options.take = picture.name, take
    other_take = viewer.RENDER if not shown.is_render else picture.take
    if viewer.path_of(picture, other_take):
        button(layout, PHOTOREAL_OT_compare_pictures, icon="ARROW_LEFTRIGHT").take = other_take
    row = layout.row(align=True)
    row.label(text=title(picture.name), translate=False)
    place = found.pictures.index(picture)
    for step, arrow in ARROWS:
        other = found.pictures[(place + step) % len(found.pictures)]
        options = button(row, PHOTOREAL_OT_flip_picture, text="", icon=arrow)
        options.name = other.name
        options.take = viewer.RENDER if shown.is_render or not other.photo else other.take
    if not shown.is_render and shown.take != picture.take:
        choice = button(layout, PHOTOREAL_OT_choose_take, icon="CHECKMARK")
        choice.name, choice.number = picture.name, shown.take


def attach() -> None:
    bpy.types.IMAGE_HT_header.append(draw_header)


def detach() -> None:
    bpy.types.IMAGE_HT_header.remove(draw_header)
