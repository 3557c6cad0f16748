# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's windows: redrawing, the status bar, and whether the artist is in the middle of something."""

import math
import time
from collections.abc import Sequence
from typing import Any, Literal

import bpy
from mathutils import Euler

from .blender_types import manager_of

FRAMED_DISTANCE = 1.6  # Of the view, as a multiple of the width that it frames beside an open sidebar.


def redraw_panels() -> float:
    """Have our panels redrawn: the sidebars of 3D viewports, and the preferences. The time (monotonic, s)."""
    for window in manager_of(bpy.context).windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                for region in area.regions:
                    if region.type in {"UI", "WINDOW"} and (area.type != "VIEW_3D" or region.type == "UI"):
                        region.tag_redraw()
    redraw_status_bars()
    return time.monotonic()


def redraw_status_bars() -> None:
    """Have the status bars redrawn. The text of a running operator stays: it belongs to another workspace or is set again."""
    if bpy.app.background:
        return
    for window in manager_of(bpy.context).windows:
        if not getattr(window, "modal_operators", ()):
            with bpy.context.temp_override(window=window):
                window.workspace.status_text_set(None)


def free_window() -> bpy.types.Window | None:
    """A window for an undo step, when none of them has an operator running or another mode; else None."""
    windows = list(manager_of(bpy.context).windows)
    return windows[0] if windows and not any(map(_is_worked_in, windows)) else None


def _is_worked_in(window: bpy.types.Window) -> bool:
    """Whether an operator is running there or the mode is not Object Mode: an undo step would tear that apart."""
    active = window.view_layer.objects.active
    return bool(getattr(window, "modal_operators", ())) or (active is not None and active.mode != "OBJECT")


# What the studio does not draw: the floor, the axes and the outlines of lamps would cover the background and the shadow.
HIDDEN_OVERLAYS = (
    *("show_floor", "show_axis_x", "show_axis_y", "show_cursor"),
    *("show_relationship_lines", "show_extras"),
)

PREVIEW_LIGHTS = ("use_scene_lights", "use_scene_world")  # *Material Preview* has the light of the studio.

in_studio_view: set[int] = (
    set()
)  # The windows whose viewports are shown as a studio, by their ``as_pointer``.


def views_of(window: bpy.types.Window) -> list[bpy.types.SpaceView3D]:
    """The 3D viewports of a window."""
    spaces = [area.spaces.active for area in window.screen.areas]
    return [space for space in spaces if isinstance(space, bpy.types.SpaceView3D)]


def show_studio_view(window: bpy.types.Window, shading: str) -> str:
    """Show the 3D viewports of a window as a studio with this shading; how they looked before."""
    before = ""
    for space in views_of(window):
        shown: Any = space.shading
        overlay: Any = space.overlay
        if shown is None or overlay is None:
            continue
        hidden = [name for name in HIDDEN_OVERLAYS if getattr(overlay, name)]
        lights = [name for name in PREVIEW_LIGHTS if not getattr(shown, name)]
        before = before or " ".join((shown.type, *hidden, *lights))
        for name in hidden:
            setattr(overlay, name, False)
        for name in lights:
            setattr(shown, name, True)
        shown.type = shading
    in_studio_view.add(window.as_pointer())
    return before


def leave_studio_view(window: bpy.types.Window, before: str) -> None:
    """Show the 3D viewports of a window as they were before ``show_studio_view``."""
    in_studio_view.discard(window.as_pointer())
    shading, *names = before.split() or ["SOLID"]
    for space in views_of(window):
        shown: Any = space.shading
        if shown is not None:
            shown.type = shading
        for name in names:
            if name in PREVIEW_LIGHTS:
                setattr(shown, name, False)
            else:
                setattr(space.overlay, name, True)


def set_view(
    window: bpy.types.Window, perspective: Literal["PERSP", "CAMERA"], *, instead_of: str = ""
) -> None:
    """Set the ``view_perspective`` of the 3D viewports of a window, or only of those that now have ``instead_of``."""
    for area in window.screen.areas:
        space = area.spaces.active
        region = space.region_3d if isinstance(space, bpy.types.SpaceView3D) else None
        if region and instead_of in ("", region.view_perspective):
            region.view_perspective = perspective


def frame_from_front(window: bpy.types.Window, low: Sequence[float], high: Sequence[float]) -> None:
    """Show a box (corners in meters) from the front in the largest 3D viewport of a window. The selection stays as it is."""
    areas = [area for area in window.screen.areas if area.type == "VIEW_3D"]
    if not areas:
        return
    space = max(areas, key=lambda area: area.width * area.height).spaces.active
    region = space.region_3d if isinstance(space, bpy.types.SpaceView3D) else None
    if region is None:
        return
    region.view_perspective = "ORTHO"
    region.view_rotation = Euler((math.radians(90.0), 0.0, 0.0)).to_quaternion()
    region.view_location = [(one + other) / 2.0 for one, other in zip(low, high, strict=True)]
    region.view_distance = FRAMED_DISTANCE * max(other - one for one, other in zip(low, high, strict=True))
