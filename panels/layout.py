# SPDX-License-Identifier: GPL-3.0-or-later
"""What panels share: their place, buttons, text that wraps, a problem with the button that helps."""

from typing import TYPE_CHECKING, Any, TypeVar, cast

from bpy.types import Context, Operator, UILayout

from ..background_run.run_view import OTHER_ROWS
from ..operators.ask_price import PHOTOREAL_OT_ask_price
from ..operators.checks import Fix, Problem
from ..operators.choose_folder import PHOTOREAL_OT_choose_folder
from ..operators.copy_text import PHOTOREAL_OT_copy_text
from ..operators.import_photos import PHOTOREAL_OT_import_photos
from ..operators.import_product import PHOTOREAL_OT_import_product
from ..operators.open_preferences import PHOTOREAL_OT_open_preferences
from ..operators.resume_set import PHOTOREAL_OT_resume_set
from ..operators.run_doctor import PHOTOREAL_OT_run_doctor
from ..operators.view_request import PHOTOREAL_OT_view_request
from ..window.words import iface_
from .wrapping import wrapped

if TYPE_CHECKING:  # Only the stubs have names for these.
    from bpy.stub_internal.rna_enums import IconItems, RegionTypeItems, SpaceTypeItems

LETTER_PIXELS = 6.1  # Average width in the interface font at scale 1.
MARGIN_PIXELS = 46.0
DEFAULT_WIDTH = 260  # Of a sidebar, in pixels, where there is none.
MIN_LETTERS = 16
MAIN = "PHOTOREAL_PT_main"

OperatorClass = TypeVar("OperatorClass", bound=Operator)


class SidebarPanel:
    bl_space_type: "SpaceTypeItems" = "VIEW_3D"
    bl_region_type: "RegionTypeItems" = "UI"
    bl_category = "Photoreal"


class SubPanel(SidebarPanel):
    bl_parent_id = MAIN


def button(
    layout: UILayout,
    operator: type[OperatorClass],
    *,
    text: str | None = None,
    icon: "IconItems" = "NONE",
    is_pressed: bool = False,
) -> OperatorClass:
    """A button for an operator. What is set on the result are the operator's properties when it is pressed.

    ``text``: None shows the operator's label, "" only the icon.
    """
    if text is None:
        return cast(OperatorClass, layout.operator(operator.bl_idname, icon=icon, depress=is_pressed))
    pressed = layout.operator(
        operator.bl_idname, text=iface_(text), icon=icon, translate=False, depress=is_pressed
    )
    return cast(OperatorClass, pressed)


def letters(context: Context) -> int:
    """How many letters fit in a line of the sidebar."""
    preferences = context.preferences
    scale = (preferences.system.ui_scale if preferences else 0.0) or 1.0  # 0 without a window.
    width = (context.region.width if context.region else 0) or DEFAULT_WIDTH
    return max(MIN_LETTERS, int((width / scale - MARGIN_PIXELS) / LETTER_PIXELS))


def draw_text(context: Context, layout: UILayout, text: str, icon: "IconItems" = "NONE") -> None:
    """Text, translated where it is in the catalog, on as many lines as it needs, because labels do not wrap."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    room = letters(context) - (4 if icon != "NONE" else 0)
    for number, line in enumerate(wrapped(iface_(text), room)):
        first: IconItems = icon if not number else "BLANK1" if icon != "NONE" else "NONE"
        column.label(text=line, icon=first, translate=False)


def draw_problem(context: Context, layout: UILayout, problem: Problem) -> None:
    """Why a button is grey, and the button that helps."""
    draw_text(context, layout, problem.reason, "INFO")
    if problem.fix:
        draw_fix(layout, problem.fix)


def draw_fix(layout: UILayout, fix: Fix) -> None:
    """The button that helps."""
    match fix:
        case Fix.CHOOSE_MODEL:
            button(layout, PHOTOREAL_OT_import_product, text="Choose a Model …")
        case Fix.CHOOSE_PHOTOS:
            button(layout, PHOTOREAL_OT_import_photos, text="Choose Photos …")
        case Fix.CHOOSE_FOLDER:
            button(layout, PHOTOREAL_OT_choose_folder, text="Choose Another Folder …", icon="FILE_FOLDER")
        case Fix.ALLOW_ONLINE_ACCESS:
            button(layout, PHOTOREAL_OT_open_preferences, text="Allow Online Access …").section = "SYSTEM"
        case Fix.ENTER_KEY:
            button(layout, PHOTOREAL_OT_open_preferences, text="Enter a Key …").section = "ADDONS"
        case Fix.CHANGE_CEILING:
            button(layout, PHOTOREAL_OT_open_preferences, text="Change the Ceiling …").section = "ADDONS"
        case Fix.ASK_PRICE:
            button(layout, PHOTOREAL_OT_ask_price, text="Ask for the Price")
        case Fix.RESUME:
            button(layout, PHOTOREAL_OT_resume_set, icon="PLAY")
        case Fix.RUN_DIAGNOSTICS:
            button(layout, PHOTOREAL_OT_run_doctor, icon="CHECKMARK")
        case Fix.OBJECT_MODE:
            setattr(layout.operator("object.mode_set", text="Object Mode"), "mode", "OBJECT")  # noqa: B010  The stubs know no properties.


def draw_error(context: Context, layout: UILayout, text: str) -> None:
    """A whole error with a button that copies it. Without a box: Blender's light theme shows grey on grey there."""
    column = layout.column(align=True)
    draw_text(context, column, text, "ERROR")
    button(column, PHOTOREAL_OT_copy_text, text="Copy Error", icon="COPYDOWN").text = text


def draw_request(row: UILayout, request_id: str) -> None:
    """At the end of a row, the button that leads to a request at fal.ai; nothing without one."""
    if request_id:
        button(row, PHOTOREAL_OT_view_request, text="", icon="URL").request_id = request_id


def title(name: str) -> str:
    """The name of an angle or an endpoint as a label."""
    return name[:1].upper() + name[1:]


def row_title(name: str) -> str:
    """The name of a row of a run as a label: that of an angle as it is, that of anything else translated."""
    return title(iface_(name) if name in OTHER_ROWS else name)


def draw_optional(layout: UILayout, settings: Any, name: str) -> None:
    """A number that is used only when the property ``use_NAME`` is on. ``settings``: of a scene, or the preferences."""
    row = layout.row(heading=iface_(settings.bl_rna.properties[name].name), align=True)
    row.prop(settings, f"use_{name}", text="")
    part = row.row(align=True)
    part.active = getattr(settings, f"use_{name}")
    part.prop(settings, name, text="")
