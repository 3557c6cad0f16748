# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles: the product alone with its exact coverage, and the shadow that it throws on the ground."""

import math
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..messages.errors import MachineError
from ..optics.framing import Box, Framing, camera_axes, ground_points, seen_box, turned
from ..optics.light_map import Area, Rig
from ..optics.sizes import Size, square
from . import compat
from .machine import use_device
from .product import Product
from .rig import Studio
from .surface import Surface, measuring_material, surface_from

SHADOW_SPAN = 2.4  # Side of the ground square whose shadow is kept, in product sizes.
SHADOW_PIXELS = 256
SHADOW_SHARE = 0.18  # Pixels of the ground shadow for each of the picture: it is soft.
NO_SHADOW = np.zeros((2, 2), dtype=np.float32)
SHADOW_FADE = 0.2  # Share of the way from the middle to the edge of that square along which shadow ends.
UNDENOISED_FACTOR = 8  # Builds without a denoiser get more samples instead.
MEGAPIXEL = 1024 * 1024
LEAST_SAMPLES = 16
# Light is thrown to and fro inside glass, and where a path ends there the picture is dark: a bottle with a filling
# needs this many. `benchmarks.render` shows it with its glass bottle.
GLASS_BOUNCES = 32
BOX_MARGIN = 4  # Pixels around the product that are rendered with it: the filter is wider than a pixel.


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How hard Cycles works.

    ``noise`` ends a pixel early once it is that clean (0: never). ``glass_factor`` multiplies the samples of
    products that let light through. With ``table`` light that comes back from the table is followed; without,
    the light map stands in for it, which is much less noisy and differs only next to the ground.
    ``denoiser``: fast, balanced or careful, as in ``compat.DENOISERS``. ``shadow_samples`` are for the ground.
    With ``adapts_to_size`` a picture of more than a megapixel takes fewer samples: its pixels are smaller, and the
    denoiser sees more of them.
    """

    name: str
    samples: int
    noise: float = 0.0
    bounces: int = 3
    glass_factor: int = 4
    table: bool = False
    denoiser: str = "balanced"
    adapts_to_size: bool = False
    shadow_samples: int = 8


DRAFT = Quality(name="draft", samples=2, bounces=2, denoiser="fast")
REFERENCE = Quality(name="reference", samples=8)
FINAL = Quality(
    name="final",
    samples=64,
    glass_factor=2,
    noise=0.02,
    bounces=8,
    table=True,
    denoiser="careful",
    shadow_samples=32,
)
FILM = Quality(name="film", samples=4)
GLANCE = Quality(name="glance", samples=6, bounces=2, glass_factor=1, denoiser="fast")
RAY = Quality(name="ray", samples=1, bounces=0, glass_factor=1)
SHADOW = Quality(name="shadow", samples=8, bounces=1, table=True)
QUALITIES = {quality.name: quality for quality in (DRAFT, REFERENCE, FINAL)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One rendered view. Arrays have row 0 on top.

    ``colour``: uint8 (h, w, 4), display colour and the product's coverage, not premultiplied.
    ``ground``: float32 (n, n), the shadow seen from above, as ``Renderer.ground_shadow`` gives it;
    ``framing``: the camera in front of it.
    """

    colour: np.ndarray
    ground: np.ndarray
    framing: Framing
    samples: int
    seconds: float

    @property
    def shadow(self) -> np.ndarray:
        """float32 (h, w): the share of light that the product takes from the ground there. Computed anew."""
        height, width = self.colour.shape[:2]
        return cast_on_ground(self.ground, self.framing, Size(width, height))


class Camera:
    """The one camera of the studio."""

    def __init__(self, scene: bpy.types.Scene, collection: bpy.types.Collection) -> None:
        data = bpy.data.cameras.new("Photoreal Camera")
        self.object = bpy.data.objects.new("Photoreal Camera", data)
        collection.objects.link(self.object)
        scene.camera = self.object

    def look(self, framing: Framing) -> None:
        data = self.object.data
        data.type = "ORTHO" if framing.ortho_scale else "PERSP"
        data.ortho_scale = framing.ortho_scale or 1.0
        data.shift_x, data.shift_y = framing.shift
        data.sensor_fit = "AUTO"  # The sensor lies along the longer side of the picture.
        data.sensor_width = framing.sensor_mm
        data.lens = framing.lens_mm
        data.clip_start = framing.near
        data.clip_end = framing.far
        data.dof.use_dof = framing.lens_radius > 0.0
        if framing.lens_radius > 0.0:
            data.dof.focus_distance = framing.focus
            data.dof.aperture_fstop = framing.lens_mm / 1000.0 / (2.0 * framing.lens_radius)
        self.object.matrix_world = Matrix(framing.matrix.tolist())

    def look_down(self, span: float, height: float) -> None:
        data = self.object.data
        data.type = "ORTHO"
        data.shift_x = data.shift_y = 0.0
        data.dof.use_dof = False
        data.ortho_scale = span
        data.clip_start = 0.01
        data.clip_end = height * 2.0
        self.object.matrix_world = Matrix.Translation((0.0, 0.0, height))


class Renderer:
    """Renders a product in a studio. One at a time: the scene's render settings are its own.

    ``points``: world coordinates (n, 3) of the standing product, which tell where in the picture it is.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        product: Product,
        points: np.ndarray,
        studio: Studio,
        *,
        resolution: Size,
        device: str,
    ) -> None:
        self.scene = scene
        self.product = product
        self.points = points
        self.studio = studio
        self.resolution = resolution
        self.camera = Camera(scene, studio.collection)
        self.has_denoiser = True
        self.device = "CPU"
        self.lets_light_through = lets_light_through(product.collection.all_objects)
        self._has_added_light = False
        self._shadows: dict[tuple[float, int, int], np.ndarray] = {}
        self._set_up(device)

    def light(self, rig: Rig) -> None:
        """Light the product with ``rig``. Raises as ``Studio.use``."""
        if rig == self.studio.rig and not self._has_added_light:
            return  # Cycles takes a second to get to know another world.
        self.studio.use(rig)
        self._has_added_light = False
        self._shadows.clear()

    def add_light(self, area: Area, radiance: float) -> None:
        """Let one more light shine near the product, instead of the last that was added."""
        self.studio.add_light(area, radiance)
        self._has_added_light = True
        self._shadows.clear()

    def shoot(self, framing: Framing, azimuth: float, quality: Quality) -> Shot:
        """Render what ``framing`` sees, a camera at ``azimuth`` degrees.

        The product turns by the opposite angle instead of the camera: lights and camera stand still.
        Raises MachineError when Cycles gives no picture.
        """
        started = time.monotonic()
        camera = turned(framing, -azimuth)
        pixels = min(SHADOW_PIXELS, max(64, round(self.resolution.longer * SHADOW_SHARE)))
        shadow = NO_SHADOW if framing.is_below_ground else self.ground_shadow(azimuth, quality, pixels=pixels)
        with self._table_seen_by(framing):
            shot = self.shoot_fixed(camera, azimuth, quality, self.resolution, shadow)
        return replace(shot, seconds=time.monotonic() - started)

    def glance(self, framing: Framing, azimuth: float, size: Size) -> np.ndarray:
        """A quick picture of the product alone, as ``Shot.colour``; otherwise as ``shoot``."""
        self._stand(turned(framing, -azimuth), azimuth, GLANCE, size)
        with self._table_seen_by(framing):
            return self._render(size, "PNG", "8")

    def _table_seen_by(self, framing: Framing) -> AbstractContextManager[None]:
        """From below there is no table: it would keep all light from what is seen."""
        if framing.is_below_ground:
            return overridden(self.studio.table, hide_render=True)
        return nullcontext()

    def shoot_fixed(
        self, framing: Framing, azimuth: float, quality: Quality, size: Size, shadow: np.ndarray
    ) -> Shot:
        """Render the product, turned by -``azimuth`` degrees, with a camera in front of the rig.

        ``shadow`` is the ground shadow of that turn; the picture has ``size`` pixels.
        """
        started = time.monotonic()
        samples = self._stand(framing, azimuth, quality, size)
        box = self._box(framing, azimuth, size)
        colour = self._render(size, "PNG", "8", box)
        return Shot(
            colour=colour,
            ground=shadow,
            framing=framing,
            samples=samples,
            seconds=time.monotonic() - started,
        )

    def measure(self, framing: Framing, azimuth: float) -> Surface:
        """The product's surface as ``framing`` sees it, a camera at ``azimuth`` degrees: without its materials."""
        camera = turned(framing, -azimuth)
        layer, cycles = self.scene.view_layers[0], self.scene.cycles
        with ExitStack() as undo:
            undo.enter_context(overridden(layer, material_override=measuring_material()))
            # The ray goes through the middle of the pixel: a mean of two surfaces would be neither.
            undo.enter_context(overridden(cycles, pixel_filter_type="BOX", filter_width=0.01))
            self._stand(camera, azimuth, RAY, self.resolution)
            cycles.samples, cycles.use_denoising = 1, False
            box = self._box(camera, azimuth, self.resolution)
            return surface_from(self._render(self.resolution, "OPEN_EXR", "32", box))

    def pose(self, framing: Framing, azimuth: float, quality: Quality) -> None:
        """Bring product, camera and settings into place for a picture, without taking it."""
        self._stand(turned(framing, -azimuth), azimuth, quality, self.resolution)
        self.scene.render.resolution_x, self.scene.render.resolution_y = self.resolution

    def _stand(self, framing: Framing, azimuth: float, quality: Quality, size: Size) -> int:
        self.product.turn(-azimuth)
        self.camera.look(framing)
        # Light that finds its way through glass to the table and back is too noisy.
        self.studio.follow_table(quality.table and not self.lets_light_through)
        if quality.adapts_to_size:
            share = min(1.0, math.sqrt(MEGAPIXEL / (size.width * size.height)))
            quality = replace(quality, samples=max(LEAST_SAMPLES, round(quality.samples * share)))
        return self._apply(quality)

    def _box(self, framing: Framing, azimuth: float, size: Size) -> Box:
        """The part of the picture that the product takes; the rest needs no rays."""
        return seen_box(self.turned_points(azimuth), framing, size, BOX_MARGIN)

    def turned_points(self, azimuth: float) -> np.ndarray:
        """``points`` of the product as it stands for a camera at ``azimuth`` degrees."""
        turn = camera_axes(-azimuth, 0.0)[:, (0, 2, 1)] * (1.0, -1.0, 1.0)
        places: np.ndarray = self.points @ turn.T
        return places

    def ground_shadow(self, azimuth: float, quality: Quality, *, pixels: int) -> np.ndarray:
        """The shadow on the ground seen from above: float32 (pixels, pixels), row 0 towards +Y.

        1 is complete darkness. It does not depend on the camera's height, so it is rendered small,
        clean and without the product in view, once for each turn of the product under the same light.
        """
        key = (azimuth % 360.0, pixels, quality.shadow_samples)
        if key not in self._shadows:
            self._shadows[key] = self._render_shadow(azimuth, pixels, quality.shadow_samples)
        return self._shadows[key]

    def _render_shadow(self, azimuth: float, pixels: int, samples: int) -> np.ndarray:
        self.product.turn(-azimuth)
        self.studio.follow_table(SHADOW.table)
        with ExitStack() as undo:
            for item in self.product.collection.all_objects:
                undo.enter_context(overridden(item, visible_camera=False))
            undo.enter_context(overridden(self.studio.table, visible_camera=True))
            self.camera.look_down(SHADOW_SPAN, 50.0)
            self._apply(replace(SHADOW, samples=samples))
            picture = self._render(square(pixels), "OPEN_EXR", "16")
        steps = ((np.arange(pixels) + 0.5) / pixels - 0.5) * SHADOW_SPAN
        x, y = np.meshgrid(steps, -steps)
        unshadowed = self.studio.light.table_radiance(np.stack((x, y, np.zeros_like(x)), axis=-1))
        light = picture[..., :3].mean(axis=-1) / unshadowed
        # Far from the product there is no shadow to be seen, only noise.
        reach = np.clip(
            (1.0 - np.maximum(np.abs(x), np.abs(y)) / (SHADOW_SPAN / 2.0)) / SHADOW_FADE, 0.0, 1.0
        )
        return smoothed(np.clip(1.0 - light, 0.0, 1.0) * reach).astype(np.float32)

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
        cycles.device = self.device = use_device(device)
        cycles.seed = 0
        cycles.use_animated_seed = False
        cycles.film_transparent_glass = False
        cycles.caustics_reflective = False
        # What lies behind glass, and the ground below it, are lit through it.
        cycles.caustics_refractive = self.lets_light_through
        cycles.blur_glossy = 0.0 if self.lets_light_through else 1.0
        cycles.sample_clamp_indirect = 6.0
        cycles.transparent_max_bounces = 16
        compat.set_view_transform(scene, compat.NEUTRAL_VIEW)

    def _apply(self, quality: Quality) -> int:
        """Set the quality; the samples that this build takes for it."""
        cycles = self.scene.cycles
        denoiser = "unguided" if self.lets_light_through else quality.denoiser
        self.has_denoiser = compat.set_denoiser(self.scene, denoiser)
        samples = quality.samples * (quality.glass_factor if self.lets_light_through else 1)
        cycles.samples = samples if self.has_denoiser else samples * UNDENOISED_FACTOR
        cycles.use_adaptive_sampling = quality.noise > 0.0
        if quality.noise > 0.0:
            cycles.adaptive_threshold = quality.noise
            cycles.adaptive_min_samples = 16
        bounces = max(quality.bounces, GLASS_BOUNCES) if self.lets_light_through else quality.bounces
        cycles.max_bounces = bounces
        cycles.diffuse_bounces = min(quality.bounces, 3)
        cycles.glossy_bounces = bounces if self.lets_light_through else min(quality.bounces, 4)
        cycles.transmission_bounces = bounces
        return int(cycles.samples)

    def _render(self, size: Size, file_format: str, depth: str, box: Box | None = None) -> np.ndarray:
        render = self.scene.render
        render.resolution_x, render.resolution_y = size
        render.use_border = box is not None
        render.use_crop_to_border = False
        if box is not None:
            render.border_min_x, render.border_max_x = box.left / size.width, box.right / size.width
            render.border_min_y, render.border_max_y = (
                1.0 - box.bottom / size.height,
                1.0 - box.top / size.height,
            )
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


def lets_light_through(objects: Iterable[bpy.types.Object]) -> bool:
    """Does any material transmit light? Such products need more bounces and samples."""
    materials = {slot.material for item in objects for slot in item.material_slots if slot.material}
    return any(_transmits(material) for material in materials)


def _transmits(material: bpy.types.Material) -> bool:
    if not material.node_tree:
        return False
    for node in material.node_tree.nodes:
        if node.type in {
            "BSDF_GLASS",
            "BSDF_REFRACTION",
        }:  # Transparency bends nothing and has its own limit.
            return True
        weight = node.inputs.get("Transmission Weight") if node.type == "BSDF_PRINCIPLED" else None
        if weight is not None and (weight.is_linked or weight.default_value > 0.0):
            return True
    return False


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


def smoothed(picture: np.ndarray) -> np.ndarray:
    """Each value with a share of its neighbours (1 2 1 in both directions): what noise is left goes."""
    for axis in (0, 1):
        padded = np.pad(picture, [(1, 1) if axis == own else (0, 0) for own in (0, 1)], mode="edge")
        length = picture.shape[axis]
        sides = padded.take(range(length), axis) + padded.take(range(2, length + 2), axis)
        picture = picture * 0.5 + sides * 0.25
    return picture


def cast_on_ground(shadow: np.ndarray, framing: Framing, size: Size) -> np.ndarray:
    """The ground shadow as the camera of ``framing`` sees it, float32 (height, width)."""
    places = ground_points(framing, *size)
    pixels = shadow.shape[0]
    column = (places[..., 0] / SHADOW_SPAN + 0.5) * pixels - 0.5
    row = (0.5 - places[..., 1] / SHADOW_SPAN) * pixels - 0.5
    inside = (column >= 0.0) & (row >= 0.0) & (column <= pixels - 1.001) & (row <= pixels - 1.001)
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
