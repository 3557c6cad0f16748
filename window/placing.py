# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished pictures in the artist's scene: a contact sheet of image empties, a video in the sequencer."""

import math
from collections.abc import Iterable
from pathlib import Path

import bpy
from mathutils import Vector

from ..studio import compat
from .stored_paths import stored_path

GAP = 0.1  # Between two pictures, as a share of their size.
COLUMNS = 5
MAX_MEASURED = 2000  # Objects whose bounds are read: enough to stay clear of an ordinary scene.
DEFAULT_SIZE, MIN_SIZE, MAX_SIZE = 1.0, 0.05, 100.0  # Of a picture, in metres.
TABLE = "Photoreal Table"  # As large as the horizon, so it says nothing about the size of the product.


def contact_sheet(
    scene: bpy.types.Scene, name: str, pictures: Iterable[tuple[str, Path]]
) -> bpy.types.Collection:
    """Put pictures into a new collection of ``scene``, upright in rows to the right of its objects.

    ``pictures`` are labels with files. They are as large as the objects, so that both can be seen together. An earlier
    sheet stays where it is, and the new one goes above it. Raises RuntimeError for a file that Blender cannot load.
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
            image.reload()  # The file may have changed under the same name.
        image.filepath = stored_path(image.filepath)  # The set may move together with the file.
        empty = bpy.data.objects.new(f"{name} {label}", None)
        empty.empty_display_type = "IMAGE"
        empty.empty_display_size = size
        empty.data = image  # type: ignore[assignment]  # The stubs leave out images, which empties show.
        empty.rotation_euler = (math.radians(90.0), 0.0, 0.0)
        row, column = divmod(number, COLUMNS)
        empty.location = (right + size / 2.0 + column * step, 0.0, first_row - row * step)
        collection.objects.link(empty)
    return collection


def _free_place(scene: bpy.types.Scene) -> tuple[float, float]:
    """The x coordinate to the right of the scene's meshes, and the size of a picture beside them, in metres."""
    low, high = math.inf, -math.inf
    largest = 0.0
    meshes = [item for item in scene.objects if item.type == "MESH" and item.name.split(".")[0] != TABLE]
    for item in meshes[:MAX_MEASURED]:
        corners = [item.matrix_world @ Vector(corner) for corner in item.bound_box]
        low = min(low, *(corner.x for corner in corners))
        high = max(high, *(corner.x for corner in corners))
        heights = [corner.z for corner in corners]
        largest = max(largest, max(heights) - min(heights), high - low)
    if not meshes:
        return 0.0, DEFAULT_SIZE
    size = min(max(largest, MIN_SIZE), MAX_SIZE)
    return high + GAP * size, size


def _top_of_pictures(scene: bpy.types.Scene, right: float) -> float | None:
    """The upper edge (z, m) of the pictures to the right of ``right`` (x, m); ``None`` without such pictures."""
    pictures = [item for item in scene.objects if item.type == "EMPTY" and item.empty_display_type == "IMAGE"]
    edges = [item.location.z + item.empty_display_size / 2.0 for item in pictures if item.location.x >= right]
    return max(edges, default=None)


def place_video(scene: bpy.types.Scene, path: Path, name: str) -> None:
    """Add a video to the scene's sequencer, from the current frame, on the first free channel.

    Raises RuntimeError when Blender cannot read it.
    """
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = compat.sequence_strips(editor)
    channel = max((strip.channel for strip in strips), default=0) + 1
    strips.new_movie(name=name, filepath=str(path), channel=channel, frame_start=scene.frame_current)
