# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a product is most worth a close look, found in a small picture of all of it. In numpy."""

from dataclasses import dataclass

import numpy as np

from .framing import Framing
from .sizes import Size

PIXELS = 256 * 256  # Of the small picture.
CELLS = 48 * 48  # Of the grid in which the depth of the surface is measured.
ZOOMS = (
    1.0,
    1.35,
    1.8,
    2.4,
    3.2,
    4.2,
    5.6,
)  # How much closer still, while the product would fill too little.
LEAST_COVERAGE, GOOD_COVERAGE = 0.55, 0.85  # Share of the close-up that shall be product.
REACH = 0.012  # Radius, in sides of the picture, in which a pixel is compared with its surroundings.
FLOOR, HALF = 0.012, 0.06  # Contrast that counts as none (noise, soft shading), and that counts half.
EDGE_SHARE = 0.3  # What the outline counts for: pierced and wiry products are detailed in outline, too.
CENTRING = 0.15  # How much less a place at the very end of the product counts than its middle.
MIDDLE_SHARE = (
    0.35  # What the inner half of the part counts for by itself: nothing busy shall hang at its border.
)
LIKING = 0.02  # Detail that is given up for what is covered and in the upper middle.
EYE = 0.6  # Height in the product that the eye prefers, where all places are alike.


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of a picture, of the same shape: its middle in shares of width and height from the upper left
    corner, and how many times smaller it is. ``weight`` says of each pixel how much it counts, (h, w)."""

    across: float
    down: float
    zoom: float
    weight: np.ndarray


def busiest_window(picture: np.ndarray, zoom: float) -> Window:
    """The part of ``picture`` that holds most detail and little background.

    picture: uint8 (h, w, 4), display colour and coverage. It is the part that is ``zoom`` times smaller, or
    smaller still when the product is too slender to fill that. The same picture gives the same part; where
    nothing is busy (a plain ball) it is the one around the upper middle of the product.
    """
    covered = picture[..., 3] > 127
    if not covered.any():
        return Window(across=0.5, down=0.5, zoom=zoom, weight=np.zeros(covered.shape))
    energy = detail_energy(picture)
    liking = _liking(covered)
    best: tuple[float, float, float, float] | None = None
    for more in ZOOMS:
        score, down, across, coverage = _best_place(energy * liking, covered, zoom * more)
        best = (across, down, zoom * more, score)
        if coverage >= LEAST_COVERAGE:
            break
    assert best is not None
    return Window(across=best[0], down=best[1], zoom=best[2], weight=energy + 1e-3 * covered)


def depth_in(window: Window, surface: np.ndarray, whole: Framing, size: Size) -> float:
    """How far from the camera of ``whole`` the surface in ``window`` is, by the median of what counts in it.

    surface: places all over the product's surface, (n, 3); the nearest of them hide what is behind.
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


def detail_energy(picture: np.ndarray) -> np.ndarray:
    """How much each pixel differs from its surroundings on the product, 0 to 1, float (h, w).

    Contrast saturates: many fine marks count for more than one hard edge. Soft shading counts for nothing.
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
    inside = around >= (2 * radius + 1) ** 2 - 1e-6  # Whole surroundings: no outline among them.
    outline = np.abs(coverage - around / (2 * radius + 1) ** 2) * ~inside * (coverage > 0.0)
    # Every product has an outline; it is detailed where much more of it is together than of one straight edge.
    reach = 4 * radius
    together = _box_sum(outline, reach) / (2 * reach + 1) ** 2
    straight = 0.25 * (radius + 1) / (2 * reach + 1)
    is_busy = np.clip((together / straight - 1.5) / 1.5, 0.0, 1.0)
    return _saturated(contrast) * inside + EDGE_SHARE * is_busy * _saturated(outline)


def _saturated(contrast: np.ndarray) -> np.ndarray:
    above = np.maximum(contrast - FLOOR, 0.0)
    return above / (above + HALF)


def _liking(covered: np.ndarray) -> np.ndarray:
    """1 at the upper middle of the product, a little less towards its ends."""
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    height, width = covered.shape
    down = (np.arange(height) - rows[0]) / max(np.ptp(rows), 1) - (1.0 - EYE)
    across = (np.arange(width) - columns[0]) / max(np.ptp(columns), 1) - 0.5
    distance = np.clip(np.hypot(down[:, None], across[None, :]) / 0.6, 0.0, 1.0)
    return 1.0 - CENTRING * distance**2


def _best_place(energy: np.ndarray, covered: np.ndarray, zoom: float) -> tuple[float, float, float, float]:
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
        (row + rows / 2.0) / height,
        (column + columns / 2.0) / width,
        float(filled[row, column]),
    )


def _window_sums(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The sum over every window that lies in the picture, (h - rows + 1, w - columns + 1)."""
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    table[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    return (
        table[rows:, columns:] - table[:-rows, columns:] - table[rows:, :-columns] + table[:-rows, :-columns]
    )


def _box_sum(values: np.ndarray, radius: int) -> np.ndarray:
    """The sum over a square around each pixel; outside of the picture is nothing."""
    side = 2 * radius + 1
    return _window_sums(np.pad(values, radius), side, side)
