# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab's head: the primary button with its price, and what stands in its way."""

from bpy.types import Context, Panel

from ..background_run.button_command import Settings
from ..operators import PHOTOREAL_OT_cancel_here, PHOTOREAL_OT_generate_set, checks
from ..window import pump as runtime
from ..window.scene_settings import settings_of
from .layout import MAIN, SidebarPanel, draw_problem, draw_text, letters, title


class PHOTOREAL_PT_main(SidebarPanel, Panel):
    bl_idname = MAIN
    bl_label = "Photoreal Set"

    def draw(self, context: Context) -> None:
        layout = self.layout
        settings = settings_of(context)
        row = layout.row()
        row.scale_y = 1.6
        row.operator(
            PHOTOREAL_OT_generate_set.bl_idname, text=button_text(context, settings), icon="CAMERA_DATA"
        )
        if run := runtime.set_run():
            draw_text(context, layout, title(run.view.doing))
            layout.operator(
                PHOTOREAL_OT_cancel_here.bl_idname,
                text="Leave Now" if run.view.is_stopping else "Stop Here",
                icon="CANCEL",
            )
        elif problem := checks.generate(context):
            draw_problem(context, layout, problem)


def button_text(context: Context, settings: Settings) -> str:
    """The button with its price, in the words that fit."""
    price = runtime.price_of(settings)
    amount = "free" if not settings.uses_fal else price.text if price else "price?"
    long = f"Generate Photoreal Set: {amount}"
    return long if len(long) <= letters(context) - 2 else f"Generate: {amount}"
