# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Photos."""

from pathlib import Path
from typing import Annotated

from bpy.props import CollectionProperty, StringProperty
from bpy.types import Context, Event, Operator, OperatorFileListElement

from ..files.kinds import PICTURE_SUFFIXES
from ..photo_set.choices import MAX_PHOTOS
from ..window import properties
from ..window.blender_types import Items, Result, with_properties
from ..window.stored_paths import stored_path
from ..window.words import rpt_
from .common import choose_files, refuse


@with_properties
class PHOTOREAL_OT_import_photos(Operator):
    bl_idname = "photoreal.import_photos"
    bl_label = "Photoreal Photos"
    bl_description = "Choose one to four photos of the product; fal.ai makes the 3D model from them"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: Annotated[
        str,
        StringProperty(
            default=";".join(f"*{suffix}" for suffix in sorted(PICTURE_SUFFIXES)), options={"HIDDEN"}
        ),
    ]
    filepath: Annotated[str, StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})]
    directory: Annotated[str, StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})]
    files: Annotated[
        Items[OperatorFileListElement],
        CollectionProperty(type=OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"}),
    ]

    def invoke(self, context: Context, _event: Event) -> Result:
        if self.directory and self.files:  # The photos were dropped.
            return self.execute(context)
        return choose_files(self, context)

    def execute(self, context: Context) -> Result:
        names = [file.name for file in self.files if file.name]
        paths = [Path(self.directory) / name for name in names] or [Path(self.filepath)]
        paths = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
        if not paths:
            return refuse(self, "None of these files is a photo. Choose PNG, JPEG, WebP, AVIF or HEIC files")
        settings = properties.of_context(context)
        settings.source_kind = "PHOTOS"
        settings.photos.clear()
        for path in paths[:MAX_PHOTOS]:
            settings.photos.add().path = stored_path(path)
        if len(paths) > MAX_PHOTOS:
            self.report({"WARNING"}, rpt_("Only the first {count} photos are used", count=MAX_PHOTOS))
        return {"FINISHED"}
