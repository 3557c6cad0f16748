# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the most detailed part of a product in a small picture of all of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .framing import Framing
from .sizes import Size

Array = NDArray[Any]

PIXELS = 256 * 256  # In the small picture.
CELLS = 48 * 48  # In the grid that the depth of the surface is measured in.
ZOOMS = (
    1.0,
    1.35,
    1.8,
    2.4,
    3.2,
    4.2,
    5.6,
)  # Factors by which the camera moves closer, until the product fills the picture.
MIN_COVERAGE, GOOD_COVERAGE = 0.55, 0.85  # The share of the close-up that should be product.
REACH = 0.012  # Radius around a pixel that it is compared with, as a share of the side of the picture.
FLOOR, HALF = (
    0.012,
    0.06,
)  # Contrast that counts as none (noise, soft shading), and contrast above it that counts half.
EDGE_SHARE = 0.3  # The weight of the outline: products with holes and wires have a detailed outline.
CENTRING = 0.15  # How much less the ends of the product count than its middle.
MIDDLE_SHARE = 0.35  # The extra weight of the inner half of a part, so that its detail is not at the border.
LIKING = 0.02  # The weight of places that are covered and in the upper middle, compared with detail.
EYE = 0.6  # Preferred height in the product where all places are alike.


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of a picture with the same aspect ratio.

    ``across`` and ``down`` are its middle, in shares of width and height from the upper left corner; ``zoom`` is how many
    times smaller it is. ``weight`` is the weight of each pixel, (h, w).
    """

    across: float
    down: float
    zoom: float
    weight: Array


def busiest_window(picture: Array, zoom: float) -> Window:
    """The part of ``picture`` with the most detail and little background.

    ``picture``: uint8 (h, w, 4), display colour and coverage. The part is ``zoom`` times smaller, or smaller still when
    the product is too thin to fill it. The same picture gives the same part; for a product without detail, such as a
    plain ball, it is around the upper middle of the product.
    """
    covered = picture[..., 3] > 127
    if not covered.any():
        return Window(across=0.5, down=0.5, zoom=zoom, weight=np.zeros(covered.shape))
    energy = detail_energy(picture)
    liking = _liking(covered)
    for more in ZOOMS:
        _score, down, across, coverage = _best_place(energy * liking, covered, zoom * more)
        if coverage >= MIN_COVERAGE:
            break
    return Window(across=across, down=down, zoom=zoom * more, weight=energy + 1e-3 * covered)


def depth_in(window: Window, surface: Array, whole: Framing, size: Size) -> float:
    """The distance from the camera of ``whole`` to the surface in ``window``: the weighted median.

    ``surface``: points all over the surface of the product, (n, 3); the nearest ones hide those behind them.
    """
    grid = size.of_pixels(CELLS)
    local = (surface - whole.matrix[:3, 3]) @ whole.matrix[:3, :3]
    depth = -local[:, 2]
    halves = whole.half * np.array(size) / max(size)
    across = (local[:, 0] / depth / halves[0] + 1.0) / 2.0
    down = (1.0 - local[:, 1] / depth / halves[1]) / 2.0
    near = (np.abs(across - window.across) < 0.5 / window.zoom) & (
        np.abs(down - window.down) < 0.5 / window.zoom
    )
    near &= (across >= 0.0) & (across < 1.0) & (down >= 0.0) & (down < 1.0)
    if not near.any():
        return float(depth.mean())
    column, row = (across[near] * grid.width).astype(int), (down[near] * grid.height).astype(int)
    front = np.full((grid.height, grid.width), np.inf)
    np.minimum.at(front, (row, column), depth[near])
    rows, columns = np.nonzero(np.isfinite(front))
    height, width = window.weight.shape
    weights = window.weight[
        ((rows + 0.5) / grid.height * height).astype(int), ((columns + 0.5) / grid.width * width).astype(int)
    ]
    depths = front[rows, columns]
    order = depths.argsort()
    counted = (weights[order] + 1e-9).cumsum()
    return float(depths[order][counted.searchsorted(counted[-1] / 2.0)])


def detail_energy(picture: Array) -> Array:
    """How much each pixel of the product differs from its surroundings, 0 to 1: float (h, w).

    Contrast saturates, so that many fine marks count more than one hard edge. Soft shading does not count.
    """
    height, width = picture.shape[:2]
    radius = max(1, round((height * width) ** 0.5 * REACH))
    coverage = picture[..., 3].astype(np.float64) / 255.0
    around = _box_sum(coverage, radius)
    contrast = np.zeros((height, width))
    for channel in range(3):
        values = picture[..., channel].astype(np.float64) / 255.0
        mean = _box_sum(values * coverage, radius) / np.maximum(around, 1e-9)
        contrast = np.maximum(contrast, np.abs(values - mean))
    inside = around >= (2 * radius + 1) ** 2 - 1e-6  # No outline in the surroundings.
    outline = np.abs(coverage - around / (2 * radius + 1) ** 2) * ~inside * (coverage > 0.0)
    # Every product has an outline; it counts as detail where there is much more of it than a straight edge has.
    reach = 4 * radius
    together = _box_sum(outline, reach) / (2 * reach + 1) ** 2
    straight = 0.25 * (radius + 1) / (2 * reach + 1)
    is_busy = np.clip((together / straight - 1.5) / 1.5, 0.0, 1.0)
    energy: Array = _saturated(contrast) * inside + EDGE_SHARE * is_busy * _saturated(outline)
    return energy


def _saturated(contrast: Array) -> Array:
    above = np.maximum(contrast - FLOOR, 0.0)
    saturated: Array = above / (above + HALF)
    return saturated


def _liking(covered: Array) -> Array:
    """1 at the upper middle of the product, a little less towards its ends."""
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    height, width = covered.shape
    down = (np.arange(height) - rows[0]) / max(np.ptp(rows), 1) - (1.0 - EYE)
    across = (np.arange(width) - columns[0]) / max(np.ptp(columns), 1) - 0.5
    distance = np.clip(np.hypot(down[:, None], across[None, :]) / 0.6, 0.0, 1.0)
    liking: Array = 1.0 - CENTRING * distance**2
    return liking


def _best_place(energy: Array, covered: Array, zoom: float) -> tuple[float, float, float, float]:
    """Score, middle (down and across, in shares) and coverage of the best part that is ``zoom`` times smaller."""
    height, width = covered.shape
    rows, columns = max(1, round(height / zoom)), max(1, round(width / zoom))
    inner = max(1, rows // 2), max(1, columns // 2)
    top, left = (rows - inner[0]) // 2, (columns - inner[1]) // 2
    found = _window_sums(energy, rows, columns) / (rows * columns)
    middle = _window_sums(energy, *inner) / (inner[0] * inner[1])
    found = found + MIDDLE_SHARE * middle[top : top + found.shape[0], left : left + found.shape[1]]
    filled = _window_sums(covered.astype(np.float64), rows, columns) / (rows * columns)
    liked = _window_sums(_liking(covered) * covered, rows, columns) / (rows * columns)
    score = found * np.minimum(filled / GOOD_COVERAGE, 1.0) + LIKING * liked
    row, column = np.unravel_index(int(np.round(score, 9).argmax()), score.shape)
    return (
        float(score[row, column]),
        float(row + rows / 2.0) / height,
        float(column + columns / 2.0) / width,
        float(filled[row, column]),
    )


def _window_sums(values: Array, rows: int, columns: int) -> Array:
    """The sum over every window inside the picture: (h - rows + 1, w - columns + 1)."""
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    table[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    sums: Array = (
        table[rows:, columns:] - table[:-rows, columns:] - table[rows:, :-columns] + table[:-rows, :-columns]
    )
    return sums


def _box_sum(values: Array, radius: int) -> Array:
    """The sum over a square around each pixel; pixels outside the picture count as 0."""
    side = 2 * radius + 1
    return _window_sums(np.pad(values, radius), side, side)
