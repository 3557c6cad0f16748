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
from ..window.words import rpt_
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
                    text = "{name} already exists. Choose an empty folder"
                    return refuse(self, rpt_(text, name=copy.name))
                shutil.copyfile(path, copy)
        except OSError as error:
            text = "{folder} cannot be written ({error}). Choose another folder"
            return refuse(self, rpt_(text, folder=target, error=error.strerror))
        words = rpt_("{count} files are in {folder}", count=len(files), folder=target)
        parts = (words, left_out(found), video_left_out(found))
        self.report({"INFO"}, ". ".join(filter(None, parts)))
        return {"FINISHED"}
