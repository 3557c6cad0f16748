# SPDX-License-Identifier: GPL-3.0-or-later
"""Additional renders of products that let the ground through: exact coverage, and the ground seen through glass."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import compat
from .blender import overridden, present, read_pixels, set_pixels
from .layers import share_of
from .product import Product
from .rig import Studio
from .stand_ins import is_half_transparent, materials_in, stand_ins, uncovered, unlit_glass

Render = Callable[[], NDArray[Any]]  # Renders the view that is set up: linear values, (h, w, 4).

MAX_COVERAGE_SAMPLES = 32  # Only edges need them.
MIN_SHARE = 0.1  # Of the surface.
FAINTEST = 1e-3  # Coverage below which nothing is drawn: it would divide noise.


class SeeThrough:
    """The additional renders of one product."""

    def __init__(self, scene: bpy.types.Scene, product: Product, studio: Studio) -> None:
        self._scene = scene
        self._studio = studio
        self._materials = materials_in(product.collection.all_objects)
        half = {material.name for material in self._materials if is_half_transparent(material)}
        self.is_half_transparent = bool(half)
        # Noise in a few small parts, such as lenses, is not worth rendering the rest with more samples.
        self.is_mostly_half_transparent = bool(half) and share_of(product.collection, half) >= MIN_SHARE

    def coverage(self, render: Render) -> NDArray[np.float32]:
        """The share of each pixel that the product covers, (h, w). Glass covers completely.

        Cycles follows either the transparent or the other part of a half-transparent shader, by chance; the alpha of a
        picture is therefore noisy, and its denoiser leaves alpha as it is. Here nothing is left to chance but the place
        of a ray in its pixel.
        """
        cycles = present(self._scene.cycles)
        with ExitStack() as undo:
            undo.enter_context(stand_ins(self._materials, uncovered))
            undo.enter_context(
                overridden(
                    cycles,
                    samples=min(cycles.samples, MAX_COVERAGE_SAMPLES),
                    use_denoising=False,
                    use_adaptive_sampling=False,
                    max_bounces=0,
                    # Otherwise Cycles ends faint rays by chance.
                    min_transparent_bounces=cycles.transparent_max_bounces,
                )
            )
            coverage: NDArray[np.float32] = render()[..., 3]
        return coverage

    def through_glass(self, render: Render) -> NDArray[np.float32]:
        """The share of the light of the ground that comes through glass, by colour, (h, w, 3)."""
        with ExitStack() as undo:
            undo.enter_context(stand_ins(self._materials, unlit_glass))
            undo.enter_context(self._studio.only_behind_glass())
            share: NDArray[np.float32] = render()[..., :3].clip(0.0, 1.0)
        return share


def developed(
    scene: bpy.types.Scene, linear: NDArray[Any], coverage: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Display colours with straight alpha, uint8 (h, w, 4), of ``linear`` colours multiplied by their coverage.

    The view transform is that of ``scene``. ``coverage`` (h, w) is the coverage of the result.
    """
    share = coverage[..., None]
    straight = np.where(share > FAINTEST, linear[..., :3] / np.maximum(share, FAINTEST), 0.0)
    height, width = coverage.shape
    image = bpy.data.images.new("Photoreal Developed", width, height, float_buffer=True)
    try:
        set_pixels(image, straight[::-1])
        compat.set_still(scene, file_format="PNG", depth="8")
        with tempfile.TemporaryDirectory(prefix="photoreal-") as folder:
            path = Path(folder) / "picture.png"
            image.save_render(str(path), scene=scene)
            colour = read_pixels(path)
    finally:
        bpy.data.images.remove(image)
    colour[..., 3] = np.rint(coverage.clip(0.0, 1.0) * 255.0)
    return colour
