# SPDX-License-Identifier: GPL-3.0-or-later
"""The turntable: one exact turn of the product in front of a still camera, as frames and as a film."""

from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

from ..errors import MachineError
from . import compat
from .framing import frame_all_round
from .product import visible_points
from .render import Quality, Renderer, Shot

FRAMES_PER_SECOND = 24
SECONDS = 5
FRAMES = FRAMES_PER_SECOND * SECONDS
ELEVATION = 18.0
FILL = 0.86
LARGEST_SIDE = 640
SHADOWS = 24  # A soft shadow changes slowly: the frames between two of these are blends.
SHADOW_SHARE = 0.25  # Pixels of the ground shadow for each pixel of the film's side.


def frame_side(resolution: int) -> int:
    """Pixels of a side of the film: even, as H.264 in 4:2:0 needs."""
    return max(2, min(resolution, LARGEST_SIDE) // 2 * 2)


def azimuth_of(frame: int) -> float:
    """Degrees of a frame, counted from 0; frame FRAMES would be frame 0 again, so the film loops."""
    return 360.0 * frame / FRAMES


def azimuth_of_shadow(index: int) -> float:
    return 360.0 * index / SHADOWS


def turntable(renderer: Renderer, quality: Quality) -> Iterator[Shot]:
    """Render the frames of one turn in order."""
    renderer.product.turn(0.0)
    framing = frame_all_round(visible_points(renderer.product.collection), ELEVATION, FILL)
    side = frame_side(renderer.resolution)
    pixels = round(side * SHADOW_SHARE)
    shadows = [renderer.ground_shadow(azimuth_of_shadow(index), pixels=pixels) for index in range(SHADOWS)]
    for frame in range(FRAMES):
        # The camera of every azimuth is the same one: the product turns, not the camera.
        yield renderer.shoot_fixed(framing, azimuth_of(frame), quality, side, _blend(shadows, frame))


def _blend(shadows: list[np.ndarray], frame: int) -> np.ndarray:
    position = frame / FRAMES * len(shadows)
    first = int(position)
    share = position - first
    return shadows[first] * (1.0 - share) + shadows[(first + 1) % len(shadows)] * share


def encode(frames: list[Path], target: Path, side: int) -> None:
    """Write square pictures, in order, as an H.264 film in MP4 without sound.

    ``target`` appears whole or not at all. Raises MachineError when Blender cannot write it.
    """
    scene = bpy.data.scenes.new("Photoreal Film")
    part = target.with_name(f".{target.stem}.part.mp4")
    try:
        compat.set_view_transform(scene, "Standard")  # The pictures are display colours already.
        compat.set_movie(scene)
        render = scene.render
        render.resolution_x = render.resolution_y = side
        render.resolution_percentage = 100
        render.fps, render.fps_base = FRAMES_PER_SECOND, 1.0
        render.use_sequencer, render.use_compositing = True, False
        render.dither_intensity = 0.0
        render.use_file_extension = False
        render.filepath = str(part)
        scene.frame_start, scene.frame_end = 1, len(frames)
        editor = scene.sequence_editor_create()
        strip = compat.sequence_strips(editor).new_image("Turn", str(frames[0]), channel=1, frame_start=1)
        for path in frames[1:]:
            strip.elements.append(path.name)
        strip.frame_final_duration = len(frames)
        scene.sequencer_colorspace_settings.name = "sRGB"
        bpy.ops.render.render(animation=True, scene=scene.name)
        if not part.exists() or not part.stat().st_size:
            raise MachineError("Blender wrote no film.", hint="Is the disk full?")
        compat.mark_movie_colours(part)
        part.replace(target)
    except RuntimeError as error:
        raise MachineError(f"Blender could not write the film: {str(error).strip()}") from error
    finally:
        part.unlink(missing_ok=True)
        bpy.data.scenes.remove(scene)
