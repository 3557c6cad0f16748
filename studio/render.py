# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles: the product alone with its exact coverage, and the shadow that it throws on the ground."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..errors import InputError, MachineError
from . import compat
from .framing import Framing, ground_points, turned
from .product import Product
from .rig import Studio

SHADOW_SPAN = 3.0  # Side of the ground square whose shadow is kept, in product sizes.
SHADOW_PIXELS = 256
UNDENOISED_FACTOR = 8  # Builds without a denoiser get more samples instead.


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How hard Cycles works. ``noise`` ends a pixel early once it is that clean (0: never)."""

    samples: int
    noise: float
    bounces: int
    fast_denoiser: bool


REFERENCE = Quality(samples=16, noise=0.0, bounces=4, fast_denoiser=True)
PHOTO = Quality(samples=40, noise=0.03, bounces=10, fast_denoiser=False)
VIDEO = Quality(samples=6, noise=0.0, bounces=4, fast_denoiser=True)
SHADOW = Quality(samples=16, noise=0.0, bounces=1, fast_denoiser=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One rendered view. Arrays have row 0 on top.

    ``colour``: uint8 (h, w, 4), display colour and the product's coverage, not premultiplied.
    ``shadow``: float32 (h, w), the share of light that the product takes from the ground there.
    """

    colour: np.ndarray
    shadow: np.ndarray
    samples: int
    seconds: float


class Camera:
    """The one camera of the studio."""

    def __init__(self, scene: bpy.types.Scene, collection: bpy.types.Collection) -> None:
        data = bpy.data.cameras.new("Photoreal Camera")
        self.object = bpy.data.objects.new("Photoreal Camera", data)
        collection.objects.link(self.object)
        scene.camera = self.object

    def look(self, framing: Framing) -> None:
        data = self.object.data
        data.type = "PERSP"
        data.sensor_fit = "HORIZONTAL"
        data.sensor_width = framing.sensor_mm
        data.lens = framing.lens_mm
        data.clip_start = framing.near
        data.clip_end = framing.far
        self.object.matrix_world = Matrix(framing.matrix.tolist())

    def look_down(self, span: float, height: float) -> None:
        data = self.object.data
        data.type = "ORTHO"
        data.ortho_scale = span
        data.clip_start = 0.01
        data.clip_end = height * 2.0
        self.object.matrix_world = Matrix.Translation((0.0, 0.0, height))


class Renderer:
    """Renders a product in a studio. One at a time: the scene's render settings are its own."""

    def __init__(
        self, scene: bpy.types.Scene, product: Product, studio: Studio, *, resolution: int, device: str
    ) -> None:
        self.scene = scene
        self.product = product
        self.studio = studio
        self.resolution = resolution
        self.camera = Camera(scene, studio.collection)
        self.has_denoiser = True
        self._set_up(device)

    def shoot(self, framing: Framing, azimuth: float, quality: Quality) -> Shot:
        """Render what ``framing`` sees, a camera at ``azimuth`` degrees.

        The product turns by the opposite angle instead of the camera: lights and camera stand still.
        Raises MachineError when Cycles gives no picture.
        """
        started = time.monotonic()
        pixels = min(SHADOW_PIXELS, max(64, self.resolution // 4))
        shadow = self.ground_shadow(azimuth, pixels=pixels)
        shot = self.shoot_fixed(turned(framing, -azimuth), azimuth, quality, self.resolution, shadow)
        return replace(shot, seconds=time.monotonic() - started)

    def shoot_fixed(
        self, framing: Framing, azimuth: float, quality: Quality, side: int, shadow: np.ndarray
    ) -> Shot:
        """Render the product, turned by -``azimuth`` degrees, with a camera in front of the rig.

        ``shadow`` is the ground shadow of that turn; the picture has ``side`` pixels a side.
        """
        started = time.monotonic()
        samples = self._stand(framing, azimuth, quality)
        colour = self._render(side, "PNG", "8")
        return Shot(
            colour=colour,
            shadow=cast_on_ground(shadow, framing, side),
            samples=samples,
            seconds=time.monotonic() - started,
        )

    def pose(self, framing: Framing, azimuth: float, quality: Quality) -> None:
        """Bring product, camera and settings into place for a picture, without taking it."""
        self._stand(turned(framing, -azimuth), azimuth, quality)
        self.scene.render.resolution_x = self.scene.render.resolution_y = self.resolution

    def _stand(self, framing: Framing, azimuth: float, quality: Quality) -> int:
        self.product.turn(-azimuth)
        self.camera.look(framing)
        return self._apply(quality)

    def ground_shadow(self, azimuth: float, *, pixels: int) -> np.ndarray:
        """The shadow on the ground seen from above: float32 (pixels, pixels), row 0 towards +Y.

        1 is complete darkness. It does not depend on the camera's height, so it is rendered small,
        clean and without the product in view.
        """
        self.product.turn(-azimuth)
        with ExitStack() as undo:
            for item in self.product.collection.all_objects:
                undo.enter_context(overridden(item, visible_camera=False))
            undo.enter_context(overridden(self.studio.table, visible_camera=True))
            self.camera.look_down(SHADOW_SPAN, 50.0)
            self._apply(SHADOW)
            picture = self._render(pixels, "OPEN_EXR", "16")
        light = picture[..., :3].mean(axis=-1) / self.studio.table_radiance
        return np.clip(1.0 - light, 0.0, 1.0)

    def _set_up(self, device: str) -> None:
        scene, render = self.scene, self.scene.render
        render.engine = "CYCLES"
        render.film_transparent = True
        render.use_persistent_data = True
        render.use_compositing = False
        render.use_sequencer = False
        render.dither_intensity = 0.0
        render.use_border = False
        render.use_simplify = False
        render.use_motion_blur = False
        render.resolution_percentage = 100
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.use_file_extension = True
        cycles = scene.cycles
        cycles.device = use_device(device)
        cycles.seed = 0
        cycles.use_animated_seed = False
        cycles.film_transparent_glass = False
        cycles.caustics_reflective = False
        cycles.caustics_refractive = False
        cycles.blur_glossy = 1.0
        cycles.sample_clamp_indirect = 6.0
        cycles.transparent_max_bounces = 16
        compat.set_view_transform(scene, compat.NEUTRAL_VIEW)

    def _apply(self, quality: Quality) -> int:
        """Set the quality; the samples that this build takes for it."""
        cycles = self.scene.cycles
        self.has_denoiser = compat.set_denoiser(self.scene, fast=quality.fast_denoiser)
        cycles.samples = quality.samples if self.has_denoiser else quality.samples * UNDENOISED_FACTOR
        cycles.use_adaptive_sampling = quality.noise > 0.0
        if quality.noise > 0.0:
            cycles.adaptive_threshold = quality.noise
            cycles.adaptive_min_samples = 16
        cycles.max_bounces = quality.bounces
        cycles.diffuse_bounces = min(quality.bounces, 3)
        cycles.glossy_bounces = min(quality.bounces, 4)
        cycles.transmission_bounces = quality.bounces
        return int(cycles.samples)

    def _render(self, side: int, file_format: str, depth: str) -> np.ndarray:
        render = self.scene.render
        render.resolution_x = render.resolution_y = side
        compat.set_still(self.scene, file_format=file_format, depth=depth)
        with tempfile.TemporaryDirectory(prefix="photoreal-") as folder:
            path = Path(folder) / ("picture.png" if file_format == "PNG" else "picture.exr")
            render.filepath = str(path)
            try:
                bpy.ops.render.render(write_still=True, scene=self.scene.name)
            except RuntimeError as error:
                raise MachineError(f"Cycles could not render: {str(error).strip()}") from error
            if not path.exists():
                raise MachineError(
                    "Cycles gave no picture.", hint="Is the disk full or the memory too small?"
                )
            return read_pixels(path)


def read_pixels(path: Path) -> np.ndarray:
    """A picture file as written: uint8 for PNG, float32 for EXR; (h, w, 4), row 0 on top."""
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.name = "Non-Color"
        image.alpha_mode = "CHANNEL_PACKED"  # The numbers as they stand in the file.
        width, height = image.size
        pixels = np.empty(width * height * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    pixels = pixels.reshape(height, width, 4)[::-1]
    return (pixels * 255.0 + 0.5).astype(np.uint8) if path.suffix == ".png" else pixels


def cast_on_ground(shadow: np.ndarray, framing: Framing, side: int) -> np.ndarray:
    """The ground shadow as the camera of ``framing`` sees it, float32 (side, side)."""
    places = ground_points(framing, side, side)
    size = shadow.shape[0]
    column = (places[..., 0] / SHADOW_SPAN + 0.5) * size - 0.5
    row = (0.5 - places[..., 1] / SHADOW_SPAN) * size - 0.5
    inside = (column >= 0.0) & (row >= 0.0) & (column <= size - 1.001) & (row <= size - 1.001)
    column, row = np.where(inside, column, 0.0), np.where(inside, row, 0.0)
    left, upper = column.astype(int), row.astype(int)
    x, y = column - left, row - upper
    above = shadow[upper, left] * (1.0 - x) + shadow[upper, left + 1] * x
    below = shadow[upper + 1, left] * (1.0 - x) + shadow[upper + 1, left + 1] * x
    return np.where(inside, above * (1.0 - y) + below * y, 0.0).astype(np.float32)


@contextmanager
def overridden(target: Any, **values: Any) -> Iterator[None]:
    """Set plain properties of a data-block for a while, whatever happens inside."""
    with ExitStack() as undo:
        for name, value in values.items():
            undo.callback(setattr, target, name, getattr(target, name))
            setattr(target, name, value)
        yield


def use_device(wanted: str) -> str:
    """Make Cycles compute on ``wanted`` (cpu, auto or a GPU back end); the scene's device word.

    Each back end is asked by itself: asking for all of them at once crashes on some mixed machines.
    Raises InputError when a named back end has no device here.
    """
    if wanted == "cpu":
        return "CPU"
    preferences = bpy.context.preferences.addons["cycles"].preferences
    backends = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI") if wanted == "auto" else (wanted.upper(),)
    for backend in backends:
        try:
            preferences.compute_device_type = backend
        except TypeError:
            continue  # This build was made without that back end.
        preferences.refresh_devices()
        devices = [device for device in preferences.devices if device.type == backend]
        if devices:
            for device in preferences.devices:
                device.use = device.type == backend
            return "GPU"
    preferences.compute_device_type = "NONE"
    if wanted != "auto":
        raise InputError(f"Cycles finds no {wanted} device here.", hint="Use --device auto or --device cpu.")
    return "CPU"
