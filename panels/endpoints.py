# SPDX-License-Identifier: GPL-3.0-or-later
"""Menus of endpoints: each with its name, its list price and what it is good for. Other ids can be typed.

There is a menu of each kind for the scene and one for the preferences.
"""

from bpy.types import Context, Menu, UILayout

from ..fal_bridge.endpoints.menu import choices
from ..fal_bridge.jobs import Kind
from ..operators.choose_endpoint import PHOTOREAL_OT_choose_endpoint
from ..window import preferences, properties
from ..window.blender_types import layout_of
from ..window.words import iface_
from .layout import button, draw_text


class EndpointMenu(Menu):
    """A menu of the endpoints of ``kind``. ``of_preferences``: it sets that of the preferences, not of the scene."""

    kind: Kind
    of_preferences = False

    def draw(self, _context: Context) -> None:
        layout = layout_of(self)
        text = "Recommended" if self.of_preferences else "As in the preferences"
        self._draw_entry(layout, "", text)
        layout.separator()
        for choice in choices(self.kind):
            self._draw_entry(layout, choice.id, choice.text)

    def _draw_entry(self, layout: UILayout, endpoint: str, text: str) -> None:
        entry = button(
            layout, PHOTOREAL_OT_choose_endpoint, text=text, icon="NONE" if endpoint else "PREFERENCES"
        )
        entry.kind, entry.endpoint, entry.of_preferences = self.kind.value, endpoint, self.of_preferences


class PHOTOREAL_MT_photo_endpoints(EndpointMenu):
    bl_idname = "PHOTOREAL_MT_photo_endpoints"
    bl_label = "Photo Endpoints"
    kind = Kind.PHOTO


class PHOTOREAL_MT_video_endpoints(EndpointMenu):
    bl_idname = "PHOTOREAL_MT_video_endpoints"
    bl_label = "Video Endpoints"
    kind = Kind.VIDEO


class PHOTOREAL_MT_model_endpoints(EndpointMenu):
    bl_idname = "PHOTOREAL_MT_model_endpoints"
    bl_label = "3D Model Endpoints"
    kind = Kind.MODEL


class PHOTOREAL_MT_stored_photo_endpoints(EndpointMenu):
    bl_idname = "PHOTOREAL_MT_stored_photo_endpoints"
    bl_label = "Photo Endpoints"
    kind, of_preferences = Kind.PHOTO, True


class PHOTOREAL_MT_stored_video_endpoints(EndpointMenu):
    bl_idname = "PHOTOREAL_MT_stored_video_endpoints"
    bl_label = "Video Endpoints"
    kind, of_preferences = Kind.VIDEO, True


class PHOTOREAL_MT_stored_model_endpoints(EndpointMenu):
    bl_idname = "PHOTOREAL_MT_stored_model_endpoints"
    bl_label = "3D Model Endpoints"
    kind, of_preferences = Kind.MODEL, True


CLASSES = (
    PHOTOREAL_MT_photo_endpoints,
    PHOTOREAL_MT_video_endpoints,
    PHOTOREAL_MT_model_endpoints,
    PHOTOREAL_MT_stored_photo_endpoints,
    PHOTOREAL_MT_stored_video_endpoints,
    PHOTOREAL_MT_stored_model_endpoints,
)


def draw_endpoint(
    context: Context, layout: UILayout, settings: properties.PhotorealSettings, kind: Kind
) -> None:
    """The field of an endpoint with its menu; below it the name and the price of a known one."""
    row = layout.row(align=True)
    row.prop(
        settings,
        f"{kind.value}_endpoint",
        text=iface_("Endpoint"),
        placeholder=iface_("as in preferences"),
    )
    row.menu(f"PHOTOREAL_MT_{kind.value}_endpoints", text="", icon="DOWNARROW_HLT")
    _draw_facts(context, layout, kind, getattr(settings, f"{kind.value}_endpoint"))


def draw_stored_endpoint(
    context: Context, layout: UILayout, stored: preferences.StoredPreferences, kind: Kind
) -> None:
    """The same for an endpoint of the preferences."""
    row = layout.row(align=True)
    row.prop(stored, f"{kind.value}_endpoint", placeholder=iface_("recommended"))
    row.menu(f"PHOTOREAL_MT_stored_{kind.value}_endpoints", text="", icon="DOWNARROW_HLT")
    _draw_facts(context, layout, kind, getattr(stored, f"{kind.value}_endpoint"))


def _draw_facts(context: Context, layout: UILayout, kind: Kind, chosen: str) -> None:
    found = next((one for one in choices(kind) if one.id == chosen), None)
    if found is not None:
        draw_text(context, layout, f"{found.title}, {found.shown_price}")
