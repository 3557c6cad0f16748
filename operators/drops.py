# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be dropped into the 3D viewport."""

from bpy.types import Context, FileHandler
from bpy_extras.io_utils import poll_file_object_drop


class PHOTOREAL_FH_model(FileHandler):
    bl_idname = "PHOTOREAL_FH_model"
    bl_label = "Photoreal Product"
    bl_import_operator = "photoreal.import_product"
    bl_file_extensions = ".glb;.gltf"

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        return bool(poll_file_object_drop(context))  # type: ignore[func-returns-value]  # It does return a bool.


class PHOTOREAL_FH_photos(FileHandler):
    bl_idname = "PHOTOREAL_FH_photos"
    bl_label = "Photoreal Product Photos"
    bl_import_operator = "photoreal.import_photos"
    bl_file_extensions = ".png;.jpg;.jpeg;.webp;.avif;.heic;.heif"

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        return bool(poll_file_object_drop(context))  # type: ignore[func-returns-value]  # It does return a bool.
