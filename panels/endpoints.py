# SPDX-License-Identifier: GPL-3.0-or-later
"""Menus of endpoints: each with its name, its list price and what it is good for. Other ids can be typed."""

from bpy.types import Context, Menu, UILayout

from ..fal_bridge.endpoints.menu import choices
from ..fal_bridge.jobs import Kind
from ..operators.choose_endpoint import PHOTOREAL_OT_choose_endpoint
from ..window import properties
from ..window.blender_types import layout_of
from ..window.words import iface_
from .layout import button, draw_text


def draw_choices(layout: UILayout, kind: Kind) -> None:
    """The endpoints of a kind as the entries of a menu."""
    default = button(layout, PHOTOREAL_OT_choose_endpoint, text="As in the preferences", icon="PREFERENCES")
    default.kind, default.endpoint = kind.value, ""
    layout.separator()
    for choice in choices(kind):
        entry = button(layout, PHOTOREAL_OT_choose_endpoint, text=choice.text)
        entry.kind, entry.endpoint = kind.value, choice.id


class PHOTOREAL_MT_photo_endpoints(Menu):
    bl_idname = "PHOTOREAL_MT_photo_endpoints"
    bl_label = "Photo Endpoints"

    def draw(self, _context: Context) -> None:
        draw_choices(layout_of(self), Kind.PHOTO)


class PHOTOREAL_MT_video_endpoints(Menu):
    bl_idname = "PHOTOREAL_MT_video_endpoints"
    bl_label = "Video Endpoints"

    def draw(self, _context: Context) -> None:
        draw_choices(layout_of(self), Kind.VIDEO)


class PHOTOREAL_MT_model_endpoints(Menu):
    bl_idname = "PHOTOREAL_MT_model_endpoints"
    bl_label = "3D Model Endpoints"

    def draw(self, _context: Context) -> None:
        draw_choices(layout_of(self), Kind.MODEL)


def draw_endpoint(
    context: Context, layout: UILayout, settings: properties.PhotorealSettings, kind: Kind
) -> None:
    """The field of an endpoint with its menu; below it the name and the price of a known one."""
    name = f"{kind.value}_endpoint"
    row = layout.row(align=True)
    row.prop(settings, name, text=iface_("Endpoint"), placeholder=iface_("as in preferences"))
    row.menu(f"PHOTOREAL_MT_{kind.value}_endpoints", text="", icon="DOWNARROW_HLT")
    chosen = getattr(settings, name)
    found = next((one for one in choices(kind) if one.id == chosen), None)
    if found is not None:
        draw_text(context, layout, f"{found.title}, {found.shown_price}")
