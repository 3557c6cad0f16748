# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Photos."""

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, StringProperty
from bpy.types import Context, Event, Operator, OperatorFileListElement
from bpy_extras.io_utils import ImportHelper

from ..background_run.button_command import MOST_PHOTOS
from ..files.kinds import PICTURE_SUFFIXES


class PHOTOREAL_OT_import_photos(Operator, ImportHelper):
    bl_idname = "photoreal.import_photos"
    bl_label = "Photoreal Photos"
    bl_description = "Choose one to four photos of the product; fal.ai makes the 3D model from them"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender's own form.

    filter_glob: StringProperty(default="*.png;*.jpg;*.jpeg;*.webp", options={"HIDDEN"})  # type: ignore[valid-type]
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})  # type: ignore[valid-type]
    files: CollectionProperty(type=OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})  # type: ignore[valid-type]

    def invoke(self, context: Context, event: Event) -> set[str]:
        if self.directory and self.files:  # Dropped: nothing is left to choose.
            return self.execute(context)
        return super().invoke(context, event)

    def execute(self, context: Context) -> set[str]:
        names = [file.name for file in self.files if file.name]
        paths = [Path(self.directory) / name for name in names] or [Path(self.filepath)]
        paths = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
        if not paths:
            self.report({"ERROR"}, "None of these is a photo. Choose PNG, JPEG or WebP files")
            return {"CANCELLED"}
        settings = context.scene.photoreal
        settings.source_kind = "PHOTOS"
        settings.photos.clear()
        for path in paths[:MOST_PHOTOS]:
            settings.photos.add().path = bpy.path.relpath(str(path)) if bpy.data.filepath else str(path)
        if len(paths) > MOST_PHOTOS:
            self.report({"WARNING"}, f"{MOST_PHOTOS} photos are the most: the first ones are taken")
        return {"FINISHED"}
