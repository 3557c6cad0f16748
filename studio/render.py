# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders with Cycles: the product alone with exact coverage, and its shadow on the ground."""

import math
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ..imaging.choices import Background
from ..imaging.edges import with_smooth_edges
from ..messages.errors import MachineError
from ..optics.framing import Box, Framing, camera_axes, seen_box, turned
from ..optics.light_map import Area, Rig
from ..optics.shadow import SHADOW_SPAN, cast_on_ground, ground_grid, ground_shadow
from ..optics.sizes import Size, square
from . import compat
from .blender import overridden, present, read_pixels
from .camera import Camera
from .kept_meshes import keep_meshes
from .kernels import denoises_on
from .machine import use_card
from .materials import lets_light_through
from .product import Product
from .quality import GLANCE, RAY, SHADOW, Quality
from .render_settings import set_bounces, set_up_cycles, set_up_output
from .rig import Studio
from .see_through import SeeThrough, developed
from .stand_ins import base_colour, materials_in, rougher, stand_ins
from .surface import Surface, measuring_material, surface_from

MIN_SHADOW_PIXELS, MAX_SHADOW_PIXELS = 64, 256  # Of a side of the ground shadow.
SHADOW_SHARE = 0.18  # Pixels of the ground shadow per pixel of the picture: the shadow is soft.
NO_SHADOW = np.zeros((2, 2), dtype=np.float32)
SHADOW_CAMERA_HEIGHT = 50.0  # In product sizes.
UNDENOISED_FACTOR = 8  # Multiplies the samples in builds of Blender without a denoiser.
MEGAPIXEL = 1024 * 1024
MIN_SAMPLES = 16
COLOUR_SAMPLES = 4  # Of a picture without light, which has no noise inside of surfaces.
# Few samples are doubled behind half-transparent surfaces, where the denoiser has no guides either.
MAX_HALF_SAMPLES = 32
BOX_MARGIN = 4  # Pixels around the product that are rendered too: the pixel filter is wider than a pixel.


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One rendered view. Row 0 of all arrays is on top.

    ``colour``: uint8 (h, w, 4), display colour and coverage of the product, straight alpha.
    ``through``: float32 (h, w, 3), the share of the light of the ground that comes through glass; None where ``colour``
    has the light of the studio there, or nothing.
    ``ground``: float32 (n, n), the shadow seen from above, as ``Renderer.ground_shadow`` returns it.
    ``framing``: the camera, in front of a turned product. ``seconds``: how long it took.
    """

    colour: NDArray[np.uint8]
    ground: NDArray[np.float32]
    framing: Framing
    samples: int
    seconds: float
    through: NDArray[np.float32] | None = None

    @property
    def shadow(self) -> NDArray[np.float32]:
        """float32 (h, w): the share of light that the product takes from the ground. Computed on every access."""
        height, width = self.colour.shape[:2]
        return cast_on_ground(self.ground, self.framing, Size(width, height))


class Renderer:
    """Renders a product in a studio. A scene can have only one, because it changes the render settings.

    ``points``: world coordinates (n, 3) of the standing product, from which its place in a picture is computed.
    ``device`` is a value of ``--device``.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        product: Product,
        points: NDArray[np.float64],
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
        keep_meshes(product.collection, studio.collection)
        self.has_denoiser = True
        card = use_card(device)
        self.device = "GPU" if card else "CPU"
        self._denoises_on_card = card is not None and denoises_on(card)
        self.lets_light_through = lets_light_through(product.collection.all_objects)
        self._see_through = SeeThrough(scene, product, studio)
        self._needs_ground_light = False
        self._has_added_light = False
        self._shadows: dict[tuple[float, int, int], NDArray[np.float32]] = {}
        set_up_output(scene)
        present(scene.cycles).device = self.device
        set_up_cycles(
            scene,
            lets_light_through=self.lets_light_through,
            transparent_layers=product.layers.transparent,
        )

    def light(self, rig: Rig) -> None:
        """Light the product with ``rig``. Raises as ``Studio.use``."""
        if rig == self.studio.rig and not self._has_added_light:
            return  # Cycles takes about a second to load another world.
        self.studio.use(rig)
        self._has_added_light = False
        self._shadows.clear()

    def add_light(self, area: Area, radiance: float) -> None:
        """Add a light near the product. It replaces the one added before."""
        self.studio.add_light(area, radiance)
        self._has_added_light = True
        self._shadows.clear()

    def stand_before(self, background: Background) -> None:
        """Let ``background`` be visible through glass, once a picture is composed with it.

        Before white, glass shows the light of the studio, in which it has a form.
        """
        if self.lets_light_through:
            self.studio.behind_glass.show(background is Background.WHITE)
            self._needs_ground_light = background in (Background.GREY, Background.TRANSPARENT)

    def shoot(self, framing: Framing, azimuth: float, quality: Quality) -> Shot:
        """Render what ``framing`` sees, a camera at ``azimuth`` degrees.

        The product turns by the opposite angle instead: lights and camera do not move.
        Raises MachineError when Cycles fails.
        """
        started = time.monotonic()
        camera = turned(framing, -azimuth)
        pixels = round(self.resolution.longer * SHADOW_SHARE)
        pixels = min(MAX_SHADOW_PIXELS, max(MIN_SHADOW_PIXELS, pixels))
        shadow = NO_SHADOW if framing.is_below_ground else self.ground_shadow(azimuth, quality, pixels=pixels)
        with self._table_seen_by(framing):
            shot = self.shoot_fixed(camera, azimuth, quality, self.resolution, shadow)
        return replace(shot, seconds=time.monotonic() - started)

    def glance(self, framing: Framing, azimuth: float, size: Size) -> NDArray[np.uint8]:
        """A quick picture of the product alone, as ``Shot.colour``; otherwise like ``shoot``."""
        self._stand(turned(framing, -azimuth), azimuth, GLANCE, size)
        with self._table_seen_by(framing):
            return self._render(size, "PNG", "8")

    def _table_seen_by(self, framing: Framing) -> AbstractContextManager[None]:
        """Hide the table from a camera below the ground: it would block all the light."""
        if framing.is_below_ground:
            return overridden(self.studio.table, hide_render=True)
        return nullcontext()

    def shoot_fixed(
        self, framing: Framing, azimuth: float, quality: Quality, size: Size, shadow: NDArray[np.float32]
    ) -> Shot:
        """Render the product, turned by -``azimuth`` degrees, with a camera in front of the rig.

        ``shadow`` is the ground shadow for that turn; the picture has ``size`` pixels.
        """
        started = time.monotonic()
        samples = self._stand(framing, azimuth, quality, size)
        colour, through = self._picture(quality, size, self._box(framing, azimuth, size))
        return Shot(
            colour=colour,
            through=through,
            ground=shadow,
            framing=framing,
            samples=samples,
            seconds=time.monotonic() - started,
        )

    def _picture(
        self, quality: Quality, size: Size, box: Box
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """``colour`` and ``through`` of a shot of the view that is set up."""

        def linear() -> NDArray[Any]:
            return self._render(size, "OPEN_EXR", "32", box)

        see_through = self._see_through
        has_exact_coverage = see_through.is_mostly_half_transparent or quality.covers_exactly
        if see_through.is_half_transparent and has_exact_coverage:
            colour = developed(self.scene, linear(), see_through.coverage(linear))
        else:
            colour = self._render(size, "PNG", "8", box)
            if quality.smooths_edges and not see_through.is_half_transparent:
                colour = with_smooth_edges(colour)
        return colour, self._see_through.through_glass(linear) if self._needs_ground_light else None

    def measure(self, framing: Framing, azimuth: float, size: Size | None = None) -> Surface:
        """The surface of the product, without materials, as ``framing`` sees it, a camera at ``azimuth`` degrees."""
        camera, size = turned(framing, -azimuth), size or self.resolution
        layer, cycles = self.scene.view_layers[0], present(self.scene.cycles)
        with ExitStack() as undo:
            undo.enter_context(overridden(layer, material_override=measuring_material()))
            # One ray through the middle of each pixel: the mean of two surfaces would be neither of them.
            undo.enter_context(overridden(cycles, pixel_filter_type="BOX", filter_width=0.01))
            self._stand(camera, azimuth, RAY, size)
            cycles.samples, cycles.use_denoising = 1, False
            box = self._box(camera, azimuth, size)
            return surface_from(self._render(size, "OPEN_EXR", "32", box))

    def base_colour(self, framing: Framing, azimuth: float, size: Size) -> NDArray[np.float32]:
        """The colour of the surface without any light, linear and multiplied by coverage: float32 (h, w, 4)."""
        camera, cycles = turned(framing, -azimuth), present(self.scene.cycles)
        with stand_ins(materials_in(self.product.collection.all_objects), base_colour):
            self._stand(camera, azimuth, RAY, size)
            cycles.samples, cycles.use_denoising = COLOUR_SAMPLES, False
            colour: NDArray[np.float32] = self._render(
                size, "OPEN_EXR", "32", self._box(camera, azimuth, size)
            )
            return colour

    def relit(self, framing: Framing, azimuth: float, quality: Quality, size: Size) -> Shot:
        """A picture without a shadow on the ground; otherwise like ``shoot``."""
        with self._table_seen_by(framing):
            return self.shoot_fixed(turned(framing, -azimuth), azimuth, quality, size, NO_SHADOW)

    def rougher(self) -> AbstractContextManager[None]:
        """While entered, all surfaces of the product are rougher than they are."""
        return stand_ins(materials_in(self.product.collection.all_objects), rougher)

    def pose(self, framing: Framing, azimuth: float, quality: Quality) -> None:
        """Set up product, camera and render settings for a picture, without rendering it."""
        self._stand(turned(framing, -azimuth), azimuth, quality, self.resolution)
        render = present(self.scene.render)
        render.resolution_x, render.resolution_y = self.resolution

    def _stand(self, framing: Framing, azimuth: float, quality: Quality, size: Size) -> int:
        """Turn the product, place the camera, set the quality; returns the samples per pixel."""
        self.product.turn(-azimuth)
        self.camera.look(framing)
        # Light that passes through glass to the table and back is too noisy.
        self.studio.follow_table(quality.table and not self.lets_light_through)
        if quality.adapts_to_size:
            share = min(1.0, math.sqrt(MEGAPIXEL / (size.width * size.height)))
            quality = replace(quality, samples=max(MIN_SAMPLES, round(quality.samples * share)))
        return self._apply(quality)

    def _box(self, framing: Framing, azimuth: float, size: Size) -> Box:
        """The part of the picture that contains the product; only this part is rendered."""
        return seen_box(self.turned_points(azimuth), framing, size, BOX_MARGIN)

    def turned_points(self, azimuth: float) -> NDArray[np.float64]:
        """``points`` of the product, turned for a camera at ``azimuth`` degrees."""
        turn = camera_axes(-azimuth, 0.0)[:, (0, 2, 1)] * (1.0, -1.0, 1.0)
        places: NDArray[np.float64] = self.points @ turn.T
        return places

    def ground_shadow(self, azimuth: float, quality: Quality, *, pixels: int) -> NDArray[np.float32]:
        """The shadow on the ground seen from above: float32 (pixels, pixels), row 0 towards +Y.

        1 is complete darkness. It does not depend on the height of the camera, so it is rendered once for each turn of
        the product under the same light: small, clean, and with the product invisible to the camera.
        """
        key = (azimuth % 360.0, pixels, quality.shadow_samples)
        if key not in self._shadows:
            self._shadows[key] = self._render_shadow(azimuth, pixels, quality.shadow_samples)
        return self._shadows[key]

    def _render_shadow(self, azimuth: float, pixels: int, samples: int) -> NDArray[np.float32]:
        self.product.turn(-azimuth)
        self.studio.follow_table(SHADOW.table)
        with ExitStack() as undo:
            for item in self.product.collection.all_objects:
                undo.enter_context(overridden(item, visible_camera=False))
            undo.enter_context(overridden(self.studio.table, visible_camera=True))
            self.camera.look_down(SHADOW_SPAN, SHADOW_CAMERA_HEIGHT)
            self._apply(replace(SHADOW, samples=samples))
            picture = self._render(square(pixels), "OPEN_EXR", "16")
        x, y = ground_grid(pixels)
        unshadowed = self.studio.light.table_radiance(np.stack((x, y, np.zeros_like(x)), axis=-1))
        return ground_shadow(picture[..., :3].mean(axis=-1), unshadowed)

    def _apply(self, quality: Quality) -> int:
        """Set the quality; returns the samples per pixel that this build of Blender needs for it."""
        cycles = present(self.scene.cycles)
        is_half = self._see_through.is_mostly_half_transparent
        denoiser = "unguided" if self.lets_light_through or is_half else quality.denoiser
        self.has_denoiser = compat.set_denoiser(self.scene, denoiser, on_card=self._denoises_on_card)
        samples = quality.samples * (quality.glass_factor if self.lets_light_through else 1)
        if is_half:
            samples = max(samples, min(2 * samples, MAX_HALF_SAMPLES))
        cycles.samples = samples if self.has_denoiser else samples * UNDENOISED_FACTOR
        cycles.use_adaptive_sampling = quality.noise > 0.0
        if quality.noise > 0.0:
            cycles.adaptive_threshold = quality.noise
            cycles.adaptive_min_samples = 16
        set_bounces(
            self.scene,
            quality.bounces,
            lets_light_through=self.lets_light_through,
            glass_layers=self.product.layers.glass,
        )
        return int(cycles.samples)

    def _render(
        self,
        size: Size,
        file_format: Literal["PNG", "OPEN_EXR"],
        depth: Literal["8", "16", "32"],
        box: Box | None = None,
    ) -> NDArray[Any]:
        """Render the scene; the pixels as ``read_pixels`` returns them. Outside ``box`` they are empty."""
        render = present(self.scene.render)
        render.resolution_x, render.resolution_y = size
        render.use_border = box is not None
        render.use_crop_to_border = False
        if box is not None:
            render.border_min_x, render.border_max_x = box.left / size.width, box.right / size.width
            render.border_min_y = 1.0 - box.bottom / size.height
            render.border_max_y = 1.0 - box.top / size.height
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
                    "Cycles did not write a picture.", hint="The disk may be full, or the memory too small."
                )
            return read_pixels(path)
