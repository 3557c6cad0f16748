# SPDX-License-Identifier: GPL-3.0-or-later
"""A view of the product, prepared for comparing: at its working size, with what light may change in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..choices import Background
from ..compose import LEVELS, to_display
from . import local
from .planes import resized, work_size
from .print_check import PrintView, print_view
from .product_box import ProductBox, box_around
from .registration import Sought, Windows, match_windows, sought
from .structure import structure
from .windows import shrunk, window_mean

Array = NDArray[Any]

SIDE = 384  # Pixels of the longer side in which pictures are compared.
MIN_SIDE = 32
MIN_COVER, MAX_COVER = 0.002, 0.995  # The shares of the picture that a product fills.


class UnusableReferenceError(ValueError):
    """Why nothing can be compared with a reference: a sentence."""


@dataclass(eq=False)
class View:
    """Planes (h, w) and pictures (h, w, 3), float32, 0 to 1. ``size`` is (width, height), ``full`` that of the render.

    ``logs``: the logarithms of luminance of the relit renders. ``hints``: planes that light may show in a photo: normals
    and base colour. ``edges``: structure of the render, ``known_edges``: its length, the largest of all lights.
    ``tolerated``: what the relit renders show where nothing is wrong, by the name of the measure.
    """

    full: tuple[int, int]
    size: tuple[int, int]
    render: Array
    mask: Array
    inside: Array
    depth: Array | None
    normal: Array | None
    base: Array | None
    lights: list[Array]
    background: Background = Background.WHITE
    printed: PrintView | None = None
    box: ProductBox = field(init=False)
    windows: local.Windows = field(init=False)
    log: Array = field(init=False)
    sought: Sought = field(init=False)
    edges: Array = field(init=False)
    known_edges: Array = field(init=False)
    logs: list[Array] = field(init=False)
    hints: list[Array] = field(init=False)
    tolerated: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.box = box_around(self.mask)
        self.windows = local.Windows(self.inside)
        self.log = local.logarithm(self.render)
        self.sought = sought(self.render, self.mask)
        self.edges = structure(self.render)
        lit = [np.abs(structure(one)) for one in self.lights]
        self.known_edges = np.max([np.abs(self.edges), *lit], axis=0)
        self.logs = [local.logarithm(one) for one in self.lights]
        self.hints = _hints(self)


def prepared(
    render: Array,
    mask: Array,
    *,
    depth: Array | None,
    normal: Array | None,
    base_colour: Array | None,
    lights: Sequence[Array],
    background: Background,
    longer: int = SIDE,
) -> View:
    """Prepare a view; the arrays are those of ``Reference``. Raises UnusableReferenceError."""
    height, width = _require_usable(render, mask)
    _require_numbers(depth=depth, normal=normal, base_colour=base_colour)
    size = work_size(width, height, longer)
    mask = _bytes(mask)
    cover = resized(mask.astype(np.float32) / 255.0, size)
    depth, normal, base_colour = (
        plane if plane is not None and plane.shape == (*mask.shape, *bands) else None
        for plane, bands in ((depth, ()), (normal, (3,)), (base_colour, (3,)))
    )
    whole = on_ground(render, background)
    return View(
        full=(width, height),
        size=size,
        render=resized(whole, size),
        mask=cover,
        inside=_inside(cover),
        depth=_depth(depth, size),
        normal=None if normal is None else resized(normal.astype(np.float32), size),
        base=None if base_colour is None else np.clip(resized(base_colour.astype(np.float32), size), 0, 1),
        lights=[resized(on_ground(one, background), size) for one in lights if _fits(one, width, height)],
        background=background,
        printed=print_view(whole, mask, depth, normal, base_colour),
    )


def _inside(cover: Array) -> Array:
    """Pixels that show the product alone, bool; half-transparent products have none, and then most of it counts."""
    solid = shrunk(cover > 0.98, 1)
    return solid if solid.sum() > 50 else cover > 0.5


def _require_usable(render: Array, mask: Array) -> tuple[int, int]:
    if render.ndim != 3 or render.shape[2] not in (3, 4) or min(render.shape[:2]) < MIN_SIDE:
        raise UnusableReferenceError(
            f"The render cannot be used: it is not a color picture of at least {MIN_SIDE} x {MIN_SIDE} pixels."
        )
    if mask.shape != render.shape[:2]:
        raise UnusableReferenceError("The size of the mask differs from that of the render.")
    share = float(np.mean(mask > (127 if mask.dtype == np.uint8 else 0.5)))
    if share < MIN_COVER:
        raise UnusableReferenceError("The mask is empty: the render shows no product.")
    if share > MAX_COVER:
        raise UnusableReferenceError("The mask is full: the render shows no background around the product.")
    return render.shape[0], render.shape[1]


def _bytes(mask: Array) -> Array:
    if mask.dtype == np.uint8:
        return mask
    levels: Array = np.rint(np.clip(mask.astype(np.float32), 0.0, 1.0) * 255).astype(np.uint8)
    return levels


def _require_numbers(**planes: Array | None) -> None:
    for name, plane in planes.items():
        # Depth is infinite where there is no surface.
        if plane is not None and (
            np.isnan(plane).any() or (name != "depth" and not np.isfinite(plane).all())
        ):
            raise UnusableReferenceError(
                f"The {name.replace('_', ' ')} of the render contains values that are not numbers."
            )


def on_ground(picture: Array, background: Background) -> Array:
    """Display values (h, w, 3), 0 to 1, of uint8 pixels; what is transparent shows ``background``."""
    values = picture.astype(np.float32) / 255.0
    if picture.shape[2] == 3:
        return values
    level = LEVELS.get(background, 1.0)
    ground = float(to_display(np.asarray(level)))
    shown: Array = values[..., :3] * values[..., 3:] + ground * (1.0 - values[..., 3:])
    return shown


def _fits(picture: Array, width: int, height: int) -> bool:
    is_colour = picture.ndim == 3 and picture.shape[2] in (3, 4)
    return is_colour and abs(picture.shape[1] / picture.shape[0] / (width / height) - 1.0) < 0.03


def _depth(depth: Array | None, size: tuple[int, int]) -> Array | None:
    """Depth from 0 to 1 at the working size; NaN where there is no surface. None when there is nothing usable."""
    if depth is None:
        return None
    known = np.isfinite(depth)
    if known.sum() < 50 or float(np.ptp(depth[known])) < 1e-6:
        return None
    low, high = np.quantile(depth[known], (0.005, 0.995))
    values = np.where(known, np.clip((np.where(known, depth, 0) - low) / max(high - low, 1e-6), 0, 1), 0.0)
    share = resized(known.astype(np.float32), size)
    mean = resized(values.astype(np.float32), size) / np.maximum(share, 1e-3)
    return np.where(share > 0.5, mean, np.nan).astype(np.float32)


def _hints(view: View) -> list[Array]:
    hints = []
    if view.base is not None:
        hints.append(np.log(view.base @ np.array((0.2126, 0.7152, 0.0722), dtype=np.float32) + 0.03))
    if view.normal is not None:
        # In units in which they count about as much as light.
        hints += [view.normal[..., axis] * 0.5 for axis in range(3)]
    return hints


def matched(view: View, picture: Array) -> Windows:
    """The windows of the render in an aligned picture of the working size."""
    return match_windows(structure(picture), view.sought)


def nearest_depth(view: View, rows: Array, columns: Array) -> Array:
    """Depth at places of the working size; from around where there is no surface."""
    assert view.depth is not None
    known = np.isfinite(view.depth).astype(np.float32)
    filled = np.where(known > 0, view.depth, 0.0).astype(np.float32)
    radius = max(2, view.size[0] // 32)
    around = window_mean(filled, radius) / np.maximum(window_mean(known, radius), 1e-3)
    exact = view.depth[rows, columns]
    return np.where(np.isfinite(exact), exact, around[rows, columns])
