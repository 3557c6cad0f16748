# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Set."""

import shutil
from pathlib import Path

from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..background_run.button_command import safe_name
from ..window import pump as runtime
from . import checks


class PHOTOREAL_OT_export_set(Operator):
    bl_idname = "photoreal.export_set"
    bl_label = "Export"
    bl_description = "Copy the finished photos and films into a folder, named after product and angle"
    bl_options = {"REGISTER"}  # noqa: RUF012  Blender's own form.

    directory: StringProperty(subtype="DIR_PATH")  # type: ignore[valid-type]
    filter_folder: StringProperty(default="", options={"HIDDEN"})  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.photos(context))

    def invoke(self, context: Context, _event: Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        found = runtime.set_of(context.scene)
        assert found is not None
        pairs = [(name, path) for name, path in found.sheet()]
        pairs += [(film.motion, film.path) for film in found.films if film.path]
        target = Path(self.directory)
        try:
            for name, path in pairs:
                copy = target / f"{safe_name(found.product)}-{safe_name(name)}{path.suffix}"
                if copy.exists():
                    self.report({"ERROR"}, f"{copy.name} is there already. Choose an empty folder")
                    return {"CANCELLED"}
                shutil.copyfile(path, copy)
        except OSError as error:
            self.report({"ERROR"}, f"{target} cannot be written ({error.strerror}). Choose another folder")
            return {"CANCELLED"}
        self.report({"INFO"}, f"{len(pairs)} files are in {target}")
        return {"FINISHED"}
