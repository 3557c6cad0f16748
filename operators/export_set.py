# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Set."""

import shutil
from pathlib import Path
from typing import Annotated

from bpy.props import StringProperty
from bpy.types import Context, Event

from ..background_run.set_view import SetView
from ..files.names import file_rule, safe_name
from ..window.blender_types import Result, with_properties
from . import checks
from .common import SetOperator, choose_files, left_out, refuse, video_left_out


@with_properties
class PHOTOREAL_OT_export_set(SetOperator):
    bl_idname = "photoreal.export_set"
    bl_label = "Export"
    bl_description = "Copy the finished photos and videos to a folder, named after product and angle"
    bl_options = {"REGISTER"}

    directory: Annotated[str, StringProperty(subtype="DIR_PATH")]
    filter_folder: Annotated[str, StringProperty(default="", options={"HIDDEN"})]

    @classmethod
    def poll(cls, context: Context) -> bool:
        return checks.allow(cls, checks.photos(context))

    def invoke(self, context: Context, _event: Event) -> Result:
        return choose_files(self, context)

    def act(self, context: Context, found: SetView) -> Result:
        files = [*found.sheet(), *found.clips()]
        target, product = Path(self.directory), safe_name(found.product, file_rule("product"))
        try:
            for name, path in files:
                copy = target / f"{product}-{safe_name(name, file_rule('photo'))}{path.suffix}"
                if copy.exists():
                    return refuse(self, f"{copy.name} already exists. Choose an empty folder")
                shutil.copyfile(path, copy)
        except OSError as error:
            return refuse(self, f"{target} cannot be written ({error.strerror}). Choose another folder")
        self.report({"INFO"}, f"{len(files)} files are in {target}{left_out(found)}{video_left_out(found)}")
        return {"FINISHED"}
