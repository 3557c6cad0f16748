# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels share: their place, texts that wrap, a problem with the button that mends it."""

import textwrap

from bpy.types import Context, UILayout

from ..operators import checks

LETTER_PIXELS = 6.1  # Of the interface font at scale 1, on average.
MARGIN_PIXELS = 46.0
USUAL_WIDTH = 260
MAIN = "PHOTOREAL_PT_main"


class SidebarPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Photoreal"


class SubPanel(SidebarPanel):
    bl_parent_id = MAIN


def letters(context: Context) -> int:
    """How many letters fit into a line of the sidebar."""
    scale = context.preferences.system.ui_scale or 1.0  # 0 without a window.
    width = (context.region.width if context.region else 0) or USUAL_WIDTH
    return max(16, int((width / scale - MARGIN_PIXELS) / LETTER_PIXELS))


def draw_text(context: Context, layout: UILayout, text: str, icon: str = "NONE") -> None:
    """A text on as many lines as it needs: labels do not wrap."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    room = letters(context) - (4 if icon != "NONE" else 0)
    for number, line in enumerate(textwrap.wrap(text, room) or [""]):
        first = icon if not number else "BLANK1" if icon != "NONE" else "NONE"
        column.label(text=line, icon=first)


def draw_problem(context: Context, layout: UILayout, problem: checks.Problem) -> None:
    """Why a button is grey, and the button that mends it."""
    draw_text(context, layout, problem.reason, "INFO")
    if problem.fix:
        options = layout.operator(problem.fix, text=problem.fix_text)
        for name, value in problem.fix_options:
            setattr(options, name, value)


def draw_error(context: Context, layout: UILayout, text: str) -> None:
    """A whole error with a button that copies it. In no box: Blender's light theme writes grey on grey there."""
    column = layout.column(align=True)
    draw_text(context, column, text, "ERROR")
    column.operator("photoreal.copy_text", text="Copy Error", icon="COPYDOWN").text = text


def title(name: str) -> str:
    """An angle's or endpoint's name as a label."""
    return name[:1].upper() + name[1:]
