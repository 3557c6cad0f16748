# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo session: one product in one studio, in a separate scene."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..gltf.choices import ModelOptions
from ..gltf.findings import Finding
from ..imaging.choices import Background
from ..messages.errors import InputError
from ..optics import detail
from ..optics.angles import ANGLES, FILL, HERO, LENS_MM, Angle, View
from ..optics.cameras import angles_of
from ..optics.framing import SQUARE, Framing, close_up, focus_on, frame, refit, standing_view
from ..optics.light_map import Rig
from ..optics.rigs import REFERENCE as REFERENCE_RIG
from ..optics.sizes import Size
from ..optics.turn_framing import frame_turn
from . import video
from .blend_opening import open_blend
from .blender import data_of, present
from .product import MODEL_AS_IT_IS, Product, import_product
from .quality import REFERENCE, RELIT, Quality
from .quiet import quiet_blender
from .render import Renderer, Shot
from .rig import Studio
from .surface import Surface
from .visible import surface_points, visible_points

SCENE = "Photoreal Studio"


class Session:
    """Takes pictures of a product. Raises as ``import_product``."""

    def __init__(
        self,
        scene: bpy.types.Scene,
        model: Path,
        *,
        resolution: Size,
        device: str,
        name: str = "",
        lens_mm: float = LENS_MM,
        options: ModelOptions = MODEL_AS_IT_IS,
    ) -> None:
        self._lens_mm = lens_mm
        self.scene = scene
        self.product: Product = import_product(model, scene, name=name, options=options)
        self._points = visible_points(self.product.collection)
        studio = Studio(scene, REFERENCE_RIG)
        self._renderer = Renderer(
            scene, self.product, self._points, studio, resolution=resolution, device=device
        )

    @property
    def device(self) -> str:
        """What Cycles renders on: CPU or GPU."""
        return self._renderer.device

    @property
    def has_denoiser(self) -> bool:
        """Does this build of Blender denoise?"""
        return self._renderer.has_denoiser

    @property
    def standing_matrix(self) -> list[list[float]]:
        """The 4x4 matrix from coordinates in the file (in Blender's axes) to those of the camera matrices."""
        return [list(row) for row in self.product.from_file.tolist()]

    def light(self, chosen: Rig) -> None:
        """Light the product with ``chosen``. Raises InputError when its light map cannot be read."""
        self._renderer.light(chosen)

    def light_problems(self, chosen: Rig) -> list[Finding]:
        """Light the product with ``chosen``; what is wrong with its light map. Raises as ``light``."""
        self.light(chosen)
        return list(self._renderer.studio.problems())

    def stand_before(self, background: Background) -> None:
        """Let ``background`` be visible through glass; it is white at first."""
        self._renderer.stand_before(background)

    def framing(self, angle: Angle) -> Framing:
        """The camera of ``angle``. For a close-up, the most detailed part is found in a quick render."""
        size = self._renderer.resolution
        if angle.view is not None:
            return standing_view(angle.view, self.product.from_file, size, self._points)
        if angle.is_close_up:
            return self._close_up(angle, size)
        return frame(self._points, angle, size, lens_mm=self._lens_mm)

    def refit(self, framing: Framing, box: tuple[float, float, float, float], angle: Angle) -> Framing:
        """The camera of ``angle`` for the visible part of the product, ``box``; see ``framing.refit``."""
        return refit(framing, box, angle, self._renderer.resolution, self._points, lens_mm=self._lens_mm)

    def _close_up(self, angle: Angle, size: Size) -> Framing:
        lens_mm = angle.lens_mm or self._lens_mm
        whole = frame(self._points, angle, size, fill=FILL, lens_mm=lens_mm)
        picture = self._renderer.glance(whole, angle.azimuth, size.of_pixels(detail.PIXELS))
        window = detail.busiest_window(picture, angle.fill / FILL)
        self.product.turn(0.0)
        surface = surface_points(self.product.collection)
        depth = detail.depth_in(window, surface, whole, size)
        return close_up(
            whole, window.across, window.down, window.zoom, depth, size, self._points, lens_mm=lens_mm
        )

    def pose(self, angle: Angle, quality: Quality = REFERENCE) -> None:
        """Set up product and camera for a picture of ``angle``, without rendering it."""
        self._renderer.pose(self.framing(angle), angle.azimuth, quality)

    def shoot(self, framing: Framing, angle: Angle, quality: Quality) -> Shot:
        """Render what ``framing`` sees. Raises as ``Renderer.shoot``."""
        return self._renderer.shoot(framing, angle.azimuth, quality)

    def measure(self, framing: Framing, angle: Angle, size: Size | None = None) -> Surface:
        """Depth and normals of what ``framing`` sees from ``angle``, in the size of the pictures or in ``size``."""
        return self._renderer.measure(framing, angle.azimuth, size)

    def base_colour(self, framing: Framing, angle: Angle, size: Size) -> NDArray[np.float32]:
        """The colour of what ``framing`` sees, without any light: as ``Renderer.base_colour``."""
        return self._renderer.base_colour(framing, angle.azimuth, size)

    def quick_light(self) -> AbstractContextManager[None]:
        """While entered, other lights are loaded faster and are noisier."""
        return self._renderer.studio.quick()

    def relit(
        self, framing: Framing, angle: Angle, light: Rig, size: Size, *, is_rougher: bool = False
    ) -> Shot:
        """A small quick picture under another light, without a shadow. Raises as ``light`` and ``shoot``."""
        self._renderer.light(light)
        with self._renderer.rougher() if is_rougher else nullcontext():
            return self._renderer.relit(framing, angle.azimuth, RELIT, size)

    def opened(self, framing: Framing, f_stop: float) -> Framing:
        """The camera at aperture ``f_stop``, for a full-frame camera and the real size of the product."""
        millimetres = max(self.product.size_m) * 1000.0
        radius = framing.lens_mm / f_stop / 2.0 / millimetres
        return replace(framing, lens_radius=radius, focus=focus_on(self._points, framing))

    def turn_framing(self, elevation: float) -> Framing:
        """The camera of a full turn, at azimuth 0; ``elevation`` is in degrees."""
        return frame_turn(self._points, elevation, lens_mm=self._lens_mm)

    def turn_shots(
        self, framing: Framing, azimuths: Iterable[float], quality: Quality, side: int
    ) -> Iterator[Shot]:
        """Render the product at ``azimuths`` with the camera of ``turn_framing``, in square pictures."""
        return video.turn(self._renderer, framing, azimuths, quality, side)

    def video_shots(self, motion: str, quality: Quality, wanted: video.Format) -> Iterator[Shot]:
        """Render the frames of ``motion``, in order; they are square."""
        hero, close = ANGLES[HERO], ANGLES["detail"]
        lens_mm = self._lens_mm
        views = video.Views(
            turn=self.turn_framing(video.ELEVATION),
            hero=frame(self._points, hero, SQUARE, lens_mm=lens_mm),
            hero_azimuth=hero.azimuth,
            whole=frame(self._points, replace(close, fill=FILL), SQUARE, lens_mm=lens_mm),
            detail=self._close_up(close, SQUARE),
            detail_azimuth=close.azimuth,
        )
        return video.shots(self._renderer, motion, views, quality, wanted)


@contextmanager
def open_session(
    model: Path,
    *,
    resolution: Size,
    device: str,
    name: str,
    lens_mm: float = LENS_MM,
    options: ModelOptions = MODEL_AS_IT_IS,
) -> Iterator[Session]:
    """A session in a new scene. Only for a background Blender that exits after the run.

    ``name`` is the name of the model in messages.
    """
    scene = bpy.data.scenes.new(SCENE)
    present(bpy.context.window).scene = scene
    yield Session(
        scene, model, resolution=resolution, device=device, name=name, lens_mm=lens_mm, options=options
    )


def cameras_of_blend(path: Path, external_data: Sequence[Path] = ()) -> list[Angle]:
    """The cameras in the scene of a .blend file as angles, without those that are hidden in renders.

    Only for a background Blender: the file replaces the one that is open.
    Raises InputError as ``open_blend``, or as ``cameras.angles_of``.
    """
    open_blend(path, external_data)
    present(bpy.context.view_layer).update()  # Evaluates constraints of cameras.
    scene = present(bpy.context.scene)
    found = [item for item in scene.objects if item.type == "CAMERA" and not item.hide_render]
    return angles_of([(item.name, _view_of(item)) for item in found], path.name)


def _view_of(item: bpy.types.Object) -> View:
    camera = data_of(item, bpy.types.Camera)
    if camera.type not in {"PERSP", "ORTHO"}:
        raise InputError(
            f"The camera {item.name} is a panorama camera, which cannot take product photos.",
            hint="Delete or hide it.",
        )
    place, turn, _scale = item.matrix_world.decompose()
    matrix = np.array(Matrix.LocRotScale(place, turn, None)).tolist()
    return View(
        matrix=tuple(tuple(row) for row in matrix),
        lens_mm=camera.lens,
        sensor_mm=camera.sensor_height if camera.sensor_fit == "VERTICAL" else camera.sensor_width,
        sensor_fit=camera.sensor_fit,
        shift=(camera.shift_x, camera.shift_y),
        ortho_scale=camera.ortho_scale if camera.type == "ORTHO" else 0.0,
    )


def empty_blender() -> None:
    """Remove everything in the open file, so that the next product starts like the first.

    Only for a background Blender.
    """
    with quiet_blender():
        bpy.ops.wm.read_homefile(use_empty=True, load_ui=False, use_factory_startup=True)
