# SPDX-License-Identifier: GPL-3.0-or-later
"""The selected objects as a separate .blend file, so that they can be edited while they are photographed."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import bpy

from . import properties
from .blender_types import scene_of
from .scene_settings import cameras_of, product_name, product_objects


def write_selection(context: bpy.types.Context, *, with_cameras: bool) -> Path:
    """Write the selected objects and their children, or the product of a studio, to a separate .blend file.

    ``with_cameras`` and errors as ``write_objects``.
    """
    is_studio = properties.of_context(context).is_studio
    wanted: list[bpy.types.Object] = []
    for item in product_objects(context):
        # In a studio a hidden part stays hidden.
        wanted += (item,) if is_studio else (item, *item.children_recursive)
    return write_objects(context, wanted, product_name(context), with_cameras=with_cameras)


def write_objects(
    context: bpy.types.Context, objects: Iterable[bpy.types.Object], name: str, *, with_cameras: bool
) -> Path:
    """Write exactly these objects, each once, to a separate file NAME.blend in a new folder.

    If wanted, the scene's cameras are in it too. Raises RuntimeError when Blender cannot write it.
    """
    if context.mode != "OBJECT":
        bpy.ops.ed.flush_edits()  # Edits in Edit and Sculpt Mode reach the mesh only now.
    wanted = {one.session_uid: one for one in objects}
    if with_cameras:
        wanted |= {camera.session_uid: camera for camera in cameras_of(scene_of(context))}
    path = Path(tempfile.mkdtemp(prefix="photoreal-")) / f"{name}.blend"
    scene = bpy.data.scenes.new("Photoreal Copy")
    unseen = bpy.data.collections.new("Photoreal Parents")
    try:
        scene.unit_settings.scale_length = scene_of(context).unit_settings.scale_length
        scene.frame_current = scene_of(context).frame_current
        scene.collection.children.link(unseen)
        unseen.hide_render = True
        for item in wanted.values():
            scene.collection.objects.link(item)
        for parent in _parents_of(wanted):  # Blender would leave out an object without its parent.
            unseen.objects.link(parent)
        # Blender 5.2 crashes when it writes a scene whose view layer does not know its collections yet.
        scene.view_layers[0].objects.active = next(iter(wanted.values()))
        bpy.data.libraries.write(str(path), {scene}, path_remap="ABSOLUTE")
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.collections.remove(unseen)
    return path


def external_folders() -> list[str]:
    """The folders of all files that the open file uses, and so may a copy of a selection; none inside another."""
    files = bpy.utils.blend_paths(absolute=True, packed=False)  # Packed data needs no file.
    wanted = {Path(os.path.normpath(file)).parent for file in files if Path(file).is_absolute()}
    found = sorted(folder for folder in wanted if folder.is_dir())
    return [str(folder) for folder in found if not any(other in folder.parents for other in found)]


def _parents_of(objects: dict[int, bpy.types.Object]) -> list[bpy.types.Object]:
    """Parents, at any depth, that are not among these objects."""
    found: dict[int, bpy.types.Object] = {}
    for item in objects.values():
        parent = item.parent
        while parent and parent.session_uid not in objects:
            found[parent.session_uid] = parent
            parent = parent.parent
    return list(found.values())
