# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished pictures in the artist's scene: a contact sheet of image empties, a film in the sequencer."""

import math
from collections.abc import Iterable
from pathlib import Path

import bpy
from mathutils import Vector

from ..studio import compat

GAP = 0.1  # Between two pictures, in picture widths.
COLUMNS = 5
MOST_MEASURED = 2000  # Objects whose place is looked at: enough to stand clear of a usual scene.
USUAL_SIZE, SMALLEST, LARGEST = 1.0, 0.05, 100.0
TABLE = "Photoreal Table"  # As large as the horizon.


def contact_sheet(
    scene: bpy.types.Scene, name: str, pictures: Iterable[tuple[str, Path]]
) -> bpy.types.Collection:
    """Put pictures into a new collection of ``scene``, upright in rows to the right of what stands there.

    An earlier sheet there keeps its place, and the new one hangs above it.
    pictures: label and file each. They are as large as what stands there, so that both can be seen together.
    Raises RuntimeError for a file that Blender cannot load.
    """
    right, size = _free_place(scene)
    pictures = list(pictures)
    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    step = size * (1.0 + GAP)
    first_row = size / 2.0
    if (top := _top_of_pictures(scene, right)) is not None:
        first_row += top + GAP * size + (len(pictures) - 1) // COLUMNS * step
    for number, (label, path) in enumerate(pictures):
        image = bpy.data.images.load(str(path), check_existing=True)
        if image.users:
            image.reload()  # A photo that was made again has the same name.
        if bpy.data.filepath:
            image.filepath = bpy.path.relpath(image.filepath)  # The set may move together with the file.
        empty = bpy.data.objects.new(f"{name} {label}", None)
        empty.empty_display_type = "IMAGE"
        empty.empty_display_size = size
        empty.data = image
        empty.rotation_euler = (math.radians(90.0), 0.0, 0.0)
        row, column = divmod(number, COLUMNS)
        empty.location = (right + size / 2.0 + column * step, 0.0, first_row - row * step)
        collection.objects.link(empty)
    return collection


def _free_place(scene: bpy.types.Scene) -> tuple[float, float]:
    """Where to the right of the scene's meshes there is room, and the size of those: metres."""
    low, high = math.inf, -math.inf
    largest = 0.0
    meshes = [item for item in scene.objects if item.type == "MESH" and item.name.split(".")[0] != TABLE]
    for item in meshes[:MOST_MEASURED]:
        corners = [item.matrix_world @ Vector(corner) for corner in item.bound_box]
        low = min(low, *(corner.x for corner in corners))
        high = max(high, *(corner.x for corner in corners))
        heights = [corner.z for corner in corners]
        largest = max(largest, max(heights) - min(heights), high - low)
    if not meshes:
        return 0.0, USUAL_SIZE
    size = min(max(largest, SMALLEST), LARGEST)
    return high + GAP * size, size


def _top_of_pictures(scene: bpy.types.Scene, right: float) -> float | None:
    """The upper edge of the pictures that hang to the right of ``right``; ``None`` where there are none."""
    hanging = [item for item in scene.objects if item.type == "EMPTY" and item.empty_display_type == "IMAGE"]
    edges = [item.location.z + item.empty_display_size / 2.0 for item in hanging if item.location.x >= right]
    return max(edges, default=None)


def place_film(scene: bpy.types.Scene, path: Path, name: str) -> None:
    """Add a film to the scene's sequencer, from the current frame, on the first free channel.

    Raises RuntimeError when Blender cannot read it.
    """
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = compat.sequence_strips(editor)
    channel = max((strip.channel for strip in strips), default=0) + 1
    strips.new_movie(name=name, filepath=str(path), channel=channel, frame_start=scene.frame_current)
