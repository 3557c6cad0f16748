# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewports look like a studio only while they show one, however the artist goes to another scene and back."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import preferences, properties, screen
from .blender_types import manager_of

_owner = object()  # Of the subscription.


def _scene_was_changed() -> None:
    for window in manager_of(bpy.context).windows:
        settings = properties.of(window.scene)
        is_shown = window.as_pointer() in screen.in_studio_view
        if settings.is_studio and not is_shown:
            settings.view_before = screen.show_studio_view(
                window, preferences.get(bpy.context).studio_shading
            )
            screen.set_view(window, "CAMERA")
        elif not settings.is_studio and is_shown:
            studios = (properties.of(scene) for scene in bpy.data.scenes)
            before = next((one.view_before for one in studios if one.is_studio and one.view_before), "")
            screen.set_view(window, "PERSP", instead_of="CAMERA")
            screen.leave_studio_view(window, before)


@persistent  # type: ignore[untyped-decorator]  # The stubs give Blender's decorator no types.
def _file_was_loaded(*_given: object) -> None:
    screen.in_studio_view.clear()
    for window in manager_of(bpy.context).windows:
        if properties.of(window.scene).is_studio:
            screen.in_studio_view.add(window.as_pointer())
    _subscribe()  # Blender forgets it with the file.


def _subscribe() -> None:
    bpy.msgbus.clear_by_owner(_owner)
    key: Any = (bpy.types.Window, "scene")  # The stubs want something else.
    bpy.msgbus.subscribe_rna(key=key, owner=_owner, args=(), notify=_scene_was_changed)


def attach() -> None:
    bpy.app.handlers.load_post.append(_file_was_loaded)
    _subscribe()


def detach() -> None:
    bpy.msgbus.clear_by_owner(_owner)
    bpy.app.handlers.load_post.remove(_file_was_loaded)
