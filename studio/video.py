# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders videos with Cycles: a turntable, a light that passes over the product, a camera that moves to its detail."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..imaging.choices import FRAMES_PER_SECOND
from ..messages.errors import MachineError
from ..optics.framing import Framing, focus_on, turned
from ..optics.light_map import Area
from ..optics.sizes import Size, square
from ..optics.spin import TURN_ELEVATION
from ..photo_set.prompts import DETAIL_REVEAL, LIGHT_SWEEP, TURNTABLE
from . import compat
from .blender import present, set_choice
from .quality import Quality
from .render import MAX_SHADOW_PIXELS, SHADOW_SHARE, Renderer, Shot

SECONDS = 5  # Unless the user chooses a length.
FRAMES = FRAMES_PER_SECOND * SECONDS
ELEVATION = TURN_ELEVATION
MAX_SIDE = 720
SHADOWS = 24  # A soft shadow changes slowly: the frames between two of these use blends.
SWEEP_REACH = 115.0  # Degrees to each side of the camera at which the passing light starts and ends.
SWEEP_DIM = 0.55  # The intensity of the rig while the light passes, so that its highlights stand out.
SWEEP_STRENGTH = 2.6
REVEAL_BLUR = 0.006  # Radius of the lens at the end of the reveal, in product sizes: the far side is blurred.


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The cameras of a video, in world space: of the whole product and of its detail.

    ``hero_azimuth`` and ``detail_azimuth`` are the azimuths of these cameras, in degrees.
    """

    turn: Framing  # At azimuth 0, wide enough for every turn of the product.
    hero: Framing
    hero_azimuth: float
    whole: Framing  # All of the product, from the side of the detail.
    detail: Framing
    detail_azimuth: float


def frame_side(resolution: Size) -> int:
    """The side of the square video in pixels: even, as H.264 in 4:2:0 requires."""
    return max(2, min(resolution.shorter, MAX_SIDE) // 2 * 2)


def loops(motion: str) -> bool:
    """Does the last frame of the video lead to the first?"""
    return motion != DETAIL_REVEAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How many frames a video has, and the side in pixels of each: an even number, as H.264 in 4:2:0 requires.

    ``known``: the frames of a turntable, counted from 0, that exist already and are not rendered.
    """

    frames: int
    side: int
    known: frozenset[int] = frozenset()


def shots(renderer: Renderer, motion: str, views: Views, quality: Quality, wanted: Format) -> Iterator[Shot]:
    """Render the frames of ``motion`` in order. After the last one, the light is as it was before."""
    motions: dict[str, Callable[[Renderer, Views, Quality, Format], Iterator[Shot]]] = {
        TURNTABLE: _turntable,
        LIGHT_SWEEP: _light_sweep,
        DETAIL_REVEAL: _detail_reveal,
    }
    return motions[motion](renderer, views, quality, wanted)


def azimuth_of(frame: int, frames: int) -> float:
    """The azimuth of a frame of the turntable, in degrees. Frames count from 0; ``frames`` would be frame 0 again."""
    return 360.0 * frame / frames


def _turntable(renderer: Renderer, views: Views, quality: Quality, wanted: Format) -> Iterator[Shot]:
    frames = (frame for frame in range(wanted.frames) if frame not in wanted.known)
    azimuths = (azimuth_of(frame, wanted.frames) for frame in frames)
    return turn(renderer, views.turn, azimuths, quality, wanted.side)


def turn(
    renderer: Renderer, framing: Framing, azimuths: Iterable[float], quality: Quality, side: int
) -> Iterator[Shot]:
    """Render square pictures of the product at ``azimuths``, in degrees, with one camera.

    The product turns, not the camera. All turns under the same light share their shadows.
    """
    pixels = min(MAX_SHADOW_PIXELS, round(side * SHADOW_SHARE))

    def shadow_at(index: int) -> NDArray[np.float32]:
        return renderer.ground_shadow(360.0 * index / SHADOWS, quality, pixels=pixels)

    for azimuth in azimuths:
        shadow = _blend(shadow_at, SHADOWS, azimuth % 360.0 / 360.0)
        yield renderer.shoot_fixed(framing, azimuth, quality, square(side), shadow)


def _light_sweep(renderer: Renderer, views: Views, quality: Quality, wanted: Format) -> Iterator[Shot]:
    """A strip light passes over the product from one side to the other, dark at the start and at the end."""
    framing = turned(views.hero, -views.hero_azimuth)
    side, frames = wanted.side, wanted.frames
    rig = renderer.studio.rig
    renderer.light(replace(rig, intensity=rig.intensity * SWEEP_DIM))
    try:
        shadows = []
        for index in range(SHADOWS):
            renderer.add_light(*sweep_light(index / SHADOWS))
            shadows.append(
                renderer.ground_shadow(views.hero_azimuth, quality, pixels=round(side * SHADOW_SHARE))
            )
        for frame in range(frames):
            renderer.add_light(*sweep_light(frame / frames))
            shadow = _blend(shadows.__getitem__, len(shadows), frame / frames)
            yield renderer.shoot_fixed(framing, views.hero_azimuth, quality, square(side), shadow)
    finally:
        renderer.light(rig)


def sweep_light(share: float) -> tuple[Area, float]:
    """The passing light at ``share`` of the video, 0 to 1, and its radiance."""
    glow = math.sin(math.pi * share) ** 2
    area = Area(
        name="Sweep",
        azimuth=SWEEP_REACH * (2.0 * share - 1.0),
        elevation=20.0 + 35.0 * glow,
        distance=1.7,
        width=0.22,
        height=1.6,
        strength=SWEEP_STRENGTH,
    )
    return area, area.radiance * glow


def _detail_reveal(renderer: Renderer, views: Views, quality: Quality, wanted: Format) -> Iterator[Shot]:
    """The camera moves slowly from the whole product to its detail, and the depth of field becomes shallow."""
    points = renderer.turned_points(views.detail_azimuth)
    first, last = (turned(view, -views.detail_azimuth) for view in (views.whole, views.detail))
    side, frames = wanted.side, wanted.frames
    shadow = renderer.ground_shadow(views.detail_azimuth, quality, pixels=round(side * SHADOW_SHARE))
    for frame in range(frames):
        share = _eased(frame / max(1, frames - 1))
        framing = between(first, last, share)
        framing = replace(framing, lens_radius=REVEAL_BLUR * share, focus=focus_on(points, framing))
        yield renderer.shoot_fixed(framing, views.detail_azimuth, quality, square(side), shadow)


def between(first: Framing, last: Framing, share: float) -> Framing:
    """The camera at ``share`` of the way, 0 to 1: rotation and place are interpolated evenly, the zoom by factors."""
    start, end = Matrix(first.matrix.tolist()), Matrix(last.matrix.tolist())
    turn = start.to_quaternion().slerp(end.to_quaternion(), share).to_matrix().to_4x4()
    place = start.translation.lerp(end.translation, share)
    matrix = np.array(Matrix.Translation(place) @ turn)
    lens = first.lens_mm * (last.lens_mm / first.lens_mm) ** share
    near, far = min(first.near, last.near), max(first.far, last.far)
    return replace(first, matrix=matrix, lens_mm=lens, near=near, far=far)


_WITH_ALPHA: Mapping[str, Callable[[bpy.types.Scene], None]] = {
    ".webm": compat.set_alpha_video,
    ".mov": compat.set_prores_video,
}


def _eased(share: float) -> float:
    """Slow at the start and at the end (smootherstep, Perlin 2002)."""
    return share * share * share * (share * (share * 6.0 - 15.0) + 10.0)


def _blend(shadow_at: Callable[[int], NDArray[np.float32]], count: int, share: float) -> NDArray[np.float32]:
    """The shadow at ``share`` of a loop, 0 to 1, blended from the two nearest of ``count``."""
    position = share * count
    first = int(position)
    part = position - first
    if not part:
        return shadow_at(first)
    blended: NDArray[np.float32] = shadow_at(first) * (1.0 - part) + shadow_at((first + 1) % count) * part
    return blended


def can_write_prores() -> bool:
    """Whether ``encode`` can write a .mov."""
    return compat.has_prores(present(bpy.context.scene))


def encode(frames: list[Path], target: Path, side: int, *, note: str = "") -> None:
    """Write square pictures, in order, as a video without sound: H.264 in MP4; with alpha VP9 for a .webm and ProRes 4444
    for a .mov.

    ``note`` goes into the metadata of a .webm. ``target`` is replaced only when the video is complete. Raises
    MachineError when Blender cannot write it.
    """
    scene = bpy.data.scenes.new("Photoreal Video")
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        _set_up_encoder(scene, part, side)
        compat.state_in_video(scene, note)
        if set_up := _WITH_ALPHA.get(target.suffix):
            set_up(scene)
        _add_frames(scene, frames)
        bpy.ops.render.render(animation=True, scene=scene.name)
        if not part.exists() or not part.stat().st_size:
            raise MachineError("Blender did not write a video.", hint="The disk may be full.")
        if set_up is None:
            compat.mark_video_colours(part)
        part.replace(target)
    except RuntimeError as error:
        raise MachineError(f"Blender could not write the video: {str(error).strip()}") from error
    finally:
        part.unlink(missing_ok=True)
        bpy.data.scenes.remove(scene)


def _set_up_encoder(scene: bpy.types.Scene, target: Path, side: int) -> None:
    compat.set_view_transform(scene, "Standard")  # The pictures contain display colours already.
    compat.set_video(scene)
    render = present(scene.render)
    render.resolution_x = render.resolution_y = side
    render.resolution_percentage = 100
    render.fps, render.fps_base = FRAMES_PER_SECOND, 1.0
    render.use_sequencer, render.use_compositing = True, False
    render.dither_intensity = 0.0
    render.use_file_extension = False
    render.filepath = str(target)


def _add_frames(scene: bpy.types.Scene, frames: list[Path]) -> None:
    scene.frame_start, scene.frame_end = 1, len(frames)
    editor = scene.sequence_editor_create()
    strip = compat.sequence_strips(editor).new_image("Video", str(frames[0]), channel=1, frame_start=1)
    for path in frames[1:]:
        strip.elements.append(path.name)
    strip.frame_final_duration = len(frames)
    strip.blend_type = "ALPHA_OVER"  # Keeps the alpha of the pictures.
    set_choice(scene.sequencer_colorspace_settings, "name", "sRGB")
