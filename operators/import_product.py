# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Product."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Event, Operator
from bpy_extras.io_utils import ImportHelper

from .build_studio import show_studio

SUFFIXES = (".glb", ".gltf")


class PHOTOREAL_OT_import_product(Operator, ImportHelper):
    bl_idname = "photoreal.import_product"
    bl_label = "Photoreal Product"  # Beside other importers in the menu of a drop, and on a narrow button.
    bl_description = "Choose a 3D file as the product and show it in the studio"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb;*.gltf;*.blend", options={"HIDDEN"})  # type: ignore[valid-type]
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    build_studio: BoolProperty(
        name="Build Studio", description="Show the product in a studio scene of its own", default=True
    )  # type: ignore[valid-type]

    def invoke(self, context: Context, event: Event) -> set[str]:
        if self.filepath:  # Dropped: nothing is left to choose.
            return self.execute(context)
        return super().invoke(context, event)

    def execute(self, context: Context) -> set[str]:
        path = Path(self.filepath)
        is_there = path.is_file()
        if not is_there or path.suffix.lower() not in (*SUFFIXES, ".blend"):
            fault = f"{path.name} is no 3D file" if is_there else f"There is no file {path}"
            self.report({"ERROR"}, f"{fault}. Choose a GLB, glTF or .blend file")
            return {"CANCELLED"}
        settings = context.scene.photoreal
        settings.source_kind = "FILE"
        settings.source = bpy.path.relpath(str(path)) if bpy.data.filepath else str(path)
        if not self.build_studio or context.mode != "OBJECT" or path.suffix.lower() not in SUFFIXES:
            self.report({"INFO"}, f"{path.name} is the product")
            return {"FINISHED"}
        return show_studio(self, context)
