# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Product."""

from pathlib import Path
from typing import Annotated

from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Event, Operator

from ..window import properties
from ..window.blender_types import Result, with_properties
from ..window.stored_paths import stored_path
from ..window.words import rpt_
from .build_studio import build_and_report
from .common import choose_files, refuse

SUFFIXES = (".glb", ".gltf")  # What the studio shows.


@with_properties
class PHOTOREAL_OT_import_product(Operator):
    bl_idname = "photoreal.import_product"
    bl_label = "Photoreal Product"  # Beside other importers in the menu of a drop, and on a narrow button.
    bl_description = "Choose a 3D file as the product and show it in the studio"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: Annotated[str, StringProperty(default="*.glb;*.gltf;*.blend", options={"HIDDEN"})]
    filepath: Annotated[str, StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})]
    build_studio: Annotated[
        bool,
        BoolProperty(
            name="Build Studio",
            description="Show the product in a photo studio in a separate scene",
            default=True,
        ),
    ]

    def invoke(self, context: Context, _event: Event) -> Result:
        if self.filepath:  # The file was dropped.
            return self.execute(context)
        return choose_files(self, context)

    def execute(self, context: Context) -> Result:
        path = Path(self.filepath)
        if not path.is_file():
            text = "{name} does not exist. Choose a GLB, glTF or .blend file"
            return refuse(self, rpt_(text, name=path))
        if path.suffix.lower() not in (*SUFFIXES, ".blend"):
            text = "{name} is not a 3D file. Choose a GLB, glTF or .blend file"
            return refuse(self, rpt_(text, name=path.name))
        settings = properties.of_context(context)
        settings.source_kind = "FILE"
        settings.source = stored_path(path)
        if not self.build_studio or context.mode != "OBJECT" or path.suffix.lower() not in SUFFIXES:
            self.report({"INFO"}, rpt_("{name} is the product", name=path.name))
            return {"FINISHED"}
        return build_and_report(self, context)
