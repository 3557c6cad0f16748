# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate Photoreal Set: the primary button."""

from pathlib import Path

from bpy.types import Context, Operator

from ..background_run.button_command import Settings
from ..window import preferences
from ..window import pump as runtime
from ..window.scene_settings import settings_of
from . import checks


def missing_file(settings: Settings) -> str:
    """A sentence about the first source file that is not there, or ""."""
    for name in settings.files:
        if not Path(name).is_file():
            return f"{name} does not exist. Choose another file"
    return ""


class PHOTOREAL_OT_generate_set(Operator):
    bl_idname = "photoreal.generate_set"
    bl_label = "Generate Photoreal Set"
    bl_description = (
        "Make the set of this product in a background Blender: keep working meanwhile. "
        "What fal.ai makes costs what the button says"
    )
    bl_options = set()  # noqa: RUF012  It may cost money: without REGISTER, Repeat Last cannot spend again.

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.generate(context))

    def execute(self, context: Context) -> set[str]:
        settings = settings_of(context)
        if sentence := missing_file(settings):
            self.report({"ERROR"}, sentence)
            return {"CANCELLED"}
        places = preferences.get(context).place_when_done
        try:
            runtime.start_set(context, settings, places=places)
        except (OSError, RuntimeError) as error:
            self.report({"ERROR"}, f"The selection could not be written: {error}")
            return {"CANCELLED"}
        self.report({"INFO"}, "The set is being made; the Jobs panel shows how far it is")
        return {"FINISHED"}
