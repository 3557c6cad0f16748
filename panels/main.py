# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of the tab: the primary button with its price, and why it is grey."""

from bpy.types import Context, Panel, UILayout

from ..background_run.button_arguments import Settings, Source
from ..operators import checks
from ..operators.generate_set import PHOTOREAL_OT_generate_set
from ..operators.open_manual import PHOTOREAL_OT_open_manual
from ..window import properties, runs
from ..window.blender_types import layout_of, scene_of
from ..window.scene_settings import product_objects, settings_of
from ..window.words import iface_
from .layout import MAIN, SidebarPanel, button, draw_problem, letters
from .progress import draw_elsewhere, draw_ended, draw_running
from .wrapping import width_of


class PHOTOREAL_PT_main(SidebarPanel, Panel):
    bl_idname = MAIN
    bl_label = "Photoreal Set"

    def draw_header_preset(self, _context: Context) -> None:
        layout = layout_of(self)
        layout.emboss = "NONE"
        button(layout, PHOTOREAL_OT_open_manual, text="", icon="HELP")

    def draw(self, context: Context) -> None:
        layout = layout_of(self)
        settings = settings_of(context)
        row = layout.row()
        row.scale_y = 1.6
        pressed = button(
            row, PHOTOREAL_OT_generate_set, text=button_text(context, settings), icon="CAMERA_DATA"
        )
        price = runs.price_of(settings) if settings.uses_fal else None
        pressed.price = price.text if price else ""
        scene = scene_of(context)
        if run := runs.set_run():
            draw_running(context, layout, run)
        else:
            if ended := runs.ended_run(scene):
                draw_ended(context, layout, ended, runs.set_of(scene))
            if problem := checks.generate(context):
                draw_problem(context, layout, problem)
                if problem.fix is checks.Fix.CHOOSE_MODEL:
                    draw_selection(context, layout)
        draw_elsewhere(context, layout, runs.state.elsewhere)


def draw_selection(context: Context, layout: UILayout) -> None:
    """A button that makes the selected objects the source."""
    if count := len(product_objects(context)):
        text = (
            iface_("Use 1 Selected Object")
            if count == 1
            else iface_("Use {count} Selected Objects", count=count)
        )
        settings = properties.of_context(context)
        layout.prop_enum(settings, "source_kind", Source.OBJECTS, text=text, translate=False)


def button_text(context: Context, settings: Settings) -> str:
    """The text of the button with its price, short where the sidebar is narrow."""
    price = runs.price_of(settings)
    amount = iface_("free") if not settings.uses_fal else price.shown if price else iface_("price?")
    long = iface_("Generate Photoreal Set: {price}", price=amount)
    return long if width_of(long) <= letters(context) - 2 else iface_("Generate: {price}", price=amount)
