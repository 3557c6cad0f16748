# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the print of the product in the photo? Judged at full size, against the base colour where that is known.

Ink changes the colour of a surface by a factor, whatever the light is. In a window, the logarithm of the photo must
therefore follow the logarithm of the base colour as well as that of the render does.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .planes import Affine, linear_light, resized, warped, work_size
from .print_areas import print_areas
from .surface import surface_breaks
from .windows import grown, shrunk, window_mean

Array = NDArray[Any]

SIDE = 1024  # Pixels of the longer side, at most.
CELL = 0.016  # The side of a cell, as a share of the longer side; a window is 3 x 3 cells.
COARSE, FINE = 0.030, 0.008  # What is slower than this is light; what is faster are the strokes of letters.
REACH = 2  # Pixels: print may lie this far from its place.
READABLE = 0.7  # Agreement of render and base colour below which light hides the print.
CONTRAST = 0.12  # Standard deviation of the logarithm of base colour from which there is print.
DARK = 0.02
RIM, GRAZING = 0.012, 0.35  # A share of the longer side; the part of a normal that faces the camera.
MIN_CELLS = 6


@dataclass(eq=False)
class PrintView:
    """Print of a view: ``box`` (top, bottom, left, right) of ``size`` (width, height); planes of the box: ``weight`` is 1 at
    print, ``solid`` on the product. ``axis`` (3,)
    mixes the logarithms of red, green and blue so that ink and ground differ most. ``sought`` and ``own``: base colour and
    render, without what is slower than ``COARSE`` and, second, ``FINE``."""

    size: tuple[int, int]
    box: tuple[int, int, int, int]
    weight: Array
    solid: Array
    axis: Array
    sought: list[Array]
    own: list[Array]
    share: float

    @cached_property
    def agreements(self) -> "tuple[_Agreement, _Agreement]":
        """How the render itself agrees with what is sought, coarse and fine."""
        return _agreement(self, 0, self.own[0], reach=0), _agreement(self, 1, self.own[1], reach=0)


@dataclass(frozen=True, eq=False)
class PrintFound:
    """Cells of the box: ``lost`` and ``smeared`` (h, w), 0 to 1; ``cells``, bool: where print can be judged. ``kept`` and
    ``sharpness``: medians of the contrast of print and of its strokes beside the render's."""

    lost: Array
    smeared: Array
    cells: Array
    kept: float
    sharpness: float
    box: tuple[int, int, int, int]
    size: tuple[int, int]


def print_view(
    render: Array, mask: Array, depth: Array | None, normal: Array | None, base: Array | None
) -> PrintView | None:
    """The print of a view; None when there is none. ``render``: display values (h, w, 3), 0 to 1; ``mask``: uint8."""
    height, width = mask.shape
    size = work_size(width, height, SIDE)
    if size != (width, height):
        render, mask = resized(render, size), np.rint(resized(mask.astype(np.float32), size)).astype(np.uint8)
        depth = None if depth is None else _nearest(depth, size)
        normal = None if normal is None else _nearest(normal, size)
        base = None if base is None else resized(base.astype(np.float32), size)
    shown = np.clip(np.rint(render * 255), 0, 255).astype(np.uint8)
    found = print_areas(shown, mask, depth, normal, base)
    radius = max(2, round(0.006 * max(size)))
    area = grown(found.edges & found.areas & _flat(mask, depth, normal), radius) & (mask >= 254)
    if area.sum() < 60:
        return None
    rows, columns = np.nonzero(area)
    side = _cell(size)
    box = (
        max(0, int(rows.min()) - side),
        min(size[1], int(rows.max()) + side + 1),
        max(0, int(columns.min()) - side),
        min(size[0], int(columns.max()) + side + 1),
    )
    cut = slice(box[0], box[1]), slice(box[2], box[3])
    weight, solid = area[cut].astype(np.float32), (mask[cut] > 127).astype(np.float32)
    logs = _logs(render[cut])
    known = np.log(base[cut].astype(np.float32) + 0.03) if base is not None else logs
    axis = _axis(known, weight)
    return PrintView(
        size=size,
        box=box,
        weight=weight,
        axis=axis,
        solid=solid,
        sought=[_without_slow(known @ axis, solid, radius_of, size) for radius_of in (COARSE, FINE)],
        own=[_without_slow(logs @ axis, solid, radius_of, size) for radius_of in (COARSE, FINE)],
        share=float(area.sum() / max(1, (mask > 127).sum())),
    )


def find_print(view: PrintView, photo: Array, affine: Affine) -> PrintFound | None:
    """Look for the print in display values (h, w, 3) of any size, registered by ``affine``. None when it cannot be judged."""
    logs = _logs(warped(photo, affine, view.size, view.box)) @ view.axis
    seen = [_without_slow(logs, view.solid, radius_of, view.size) for radius_of in (COARSE, FINE)]
    coarse = _agreement(view, 0, seen[0], reach=REACH)
    own, fine_own = view.agreements
    cells = (own.contrast > CONTRAST) & (own.match > READABLE) & (own.share > 0.05)
    if cells.sum() < MIN_CELLS:
        return None
    fine = _agreement(view, 1, seen[1], reach=1)
    lost = np.clip(1.0 - np.maximum(coarse.match, 0.0) / np.maximum(own.match, 1e-3), 0.0, 1.0)
    kept = coarse.gain / np.maximum(own.gain, 1e-3)
    sharp = fine.gain / np.maximum(fine_own.gain, 1e-3) / np.clip(kept, 0.3, 3.0)
    fine_cells = cells & (fine_own.contrast > 0.5 * CONTRAST) & (fine_own.match > READABLE)
    return PrintFound(
        lost=np.where(cells, lost, 0.0),
        smeared=np.where(fine_cells, np.clip(1.0 - sharp, 0.0, 1.0), 0.0),
        cells=cells,
        kept=float(np.median(kept[cells])),
        sharpness=float(np.median(sharp[fine_cells])) if fine_cells.any() else 1.0,
        box=view.box,
        size=view.size,
    )


@dataclass(frozen=True, eq=False)
class _Agreement:
    """By cells: correlation, slope, standard deviation of what is sought, share of the cell that is print."""

    match: Array
    gain: Array
    contrast: Array
    share: Array


def _agreement(view: PrintView, which: int, seen: Array, *, reach: int) -> _Agreement:
    sought, weight = view.sought[which], view.weight
    side = _cell(view.size)

    def cells(plane: Array) -> Array:
        height, width = max(1, plane.shape[0] // side), max(1, plane.shape[1] // side)
        return window_mean(resized(plane, (width, height)), 1)

    share = np.maximum(cells(weight), 1e-4)
    weighted = sought * weight
    spread = cells(sought * weighted) / share
    best = np.full(share.shape, -np.inf)
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            moved = np.roll(seen, (down, across), axis=(0, 1)) if reach else seen
            best = np.maximum(best, cells(moved * weighted) / share)
    own = cells(seen * seen * weight) / share
    return _Agreement(
        match=best / np.sqrt(np.maximum(spread * own, 1e-8)),
        gain=best / np.maximum(spread, 1e-6),
        contrast=np.sqrt(spread),
        share=share,
    )


def _cell(size: tuple[int, int]) -> int:
    return max(3, round(CELL * max(size)))


def _logs(picture: Array) -> Array:
    logs: Array = np.log(linear_light(picture) + DARK)
    return logs


def _without_slow(plane: Array, solid: Array, radius: float, size: tuple[int, int]) -> Array:
    """The plane less its mean over the product around."""
    reach = max(1, round(radius * max(size)))
    around = window_mean(plane * solid, reach) / np.maximum(window_mean(solid, reach), 1e-3)
    quick: Array = (plane - around) * solid
    return quick


def _flat(mask: Array, depth: Array | None, normal: Array | None) -> Array:
    """The surface away from its borders and its grazing parts, where gloss darkens the base colour: bool (h, w)."""
    rim = max(2, round(RIM * max(mask.shape)))
    breaks = np.logical_or(*surface_breaks(mask, depth, normal))
    flat = shrunk(mask >= 254, rim) & ~grown(breaks, rim)
    return flat if normal is None else flat & (normal[..., 2] > GRAZING)


def _axis(logs: Array, weight: Array) -> Array:
    """The mixture of channels with most contrast inside ``weight``: unit vector (3,)."""
    quick = logs - np.stack([window_mean(logs[..., c], 6) for c in range(3)], axis=-1)
    values = quick[weight > 0.5]
    _strength, vectors = np.linalg.eigh(values.T @ values + 1e-9 * np.eye(3))
    axis: Array = vectors[:, -1] * np.sign(vectors[:, -1].sum() or 1.0)
    return axis.astype(np.float32)


def _nearest(values: Array, size: tuple[int, int]) -> Array:
    rows = (np.arange(size[1]) + 0.5) * values.shape[0] / size[1]
    columns = (np.arange(size[0]) + 0.5) * values.shape[1] / size[0]
    picked: Array = values[rows.astype(int)][:, columns.astype(int)]
    return picked
