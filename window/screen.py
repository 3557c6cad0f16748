# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's windows: what is drawn anew, what the status bar says, where somebody is at work."""

import bpy


def redraw_panels() -> None:
    """Have our panels drawn again: the sidebars of 3D viewports, and the preferences."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                for region in area.regions:
                    if region.type in {"UI", "WINDOW"} and (area.type != "VIEW_3D" or region.type == "UI"):
                        region.tag_redraw()


def show_status(text: str) -> None:
    """Put a text into the status bars; "" gives them back to Blender."""
    for window in bpy.context.window_manager.windows:
        window.workspace.status_text_set(text or None)


def is_worked_in(window: bpy.types.Window) -> bool:
    """Is the artist in the middle of an operator or in another mode there? An undo step would tear that apart."""
    active = window.view_layer.objects.active
    return bool(getattr(window, "modal_operators", ())) or (active is not None and active.mode != "OBJECT")
