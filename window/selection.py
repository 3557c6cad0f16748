# SPDX-License-Identifier: GPL-3.0-or-later
"""The selected objects as a .blend file of their own, so that they can be changed while they are photographed."""

import os
import tempfile
from pathlib import Path

import bpy

from .scene_settings import cameras_of, product_name


def write_selection(context: bpy.types.Context, *, with_cameras: bool) -> Path:
    """The selected objects, what hangs below them and perhaps the scene's cameras, as a .blend of their own.

    Raises RuntimeError when Blender cannot write it.
    """
    if context.mode != "OBJECT":
        bpy.ops.ed.flush_edits()  # What is edited or sculpted stands in the mesh only after this.
    wanted: dict[int, bpy.types.Object] = {}
    for item in context.selected_objects:
        for one in (item, *item.children_recursive):
            wanted[one.session_uid] = one
    if with_cameras:
        wanted |= {camera.session_uid: camera for camera in cameras_of(context.scene)}
    path = Path(tempfile.mkdtemp(prefix="photoreal-")) / f"{product_name(context)}.blend"
    scene = bpy.data.scenes.new("Photoreal Copy")
    unseen = bpy.data.collections.new("Photoreal Parents")
    try:
        scene.unit_settings.scale_length = context.scene.unit_settings.scale_length
        scene.frame_current = context.scene.frame_current
        scene.collection.children.link(unseen)
        unseen.hide_render = True
        for item in wanted.values():
            scene.collection.objects.link(item)
        for parent in _parents_of(wanted):  # An object without its parent would be left out.
            unseen.objects.link(parent)
        # Blender 5.2 crashes when it writes a scene whose view layer does not know its collections yet.
        scene.view_layers[0].objects.active = next(iter(wanted.values()))
        bpy.data.libraries.write(str(path), {scene}, path_remap="ABSOLUTE")
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.collections.remove(unseen)
    return path


def external_folders() -> list[str]:
    """The folders of all files that the open file uses, which a copy of a selection names too; none below another."""
    files = bpy.utils.blend_paths(absolute=True, packed=False)  # Without those of packed data.
    wanted = {Path(os.path.normpath(file)).parent for file in files if Path(file).is_absolute()}
    found = sorted(folder for folder in wanted if folder.is_dir())
    return [str(folder) for folder in found if not any(other in folder.parents for other in found)]


def _parents_of(objects: dict[int, bpy.types.Object]) -> list[bpy.types.Object]:
    """What these objects hang from and is not among them."""
    found: dict[int, bpy.types.Object] = {}
    for item in objects.values():
        while (item := item.parent) and item.session_uid not in objects:
            found[item.session_uid] = item
    return list(found.values())
