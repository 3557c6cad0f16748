# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences of colour between a photo and a render that lie on each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .planes import linear_light, luminance
from .windows import window_mean

Array = NDArray[Any]

TO_XYZ = np.array(
    ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
)  # IEC 61966-2-1, white D65.
_WHITE = np.array((0.95047, 1.0, 1.08883))
BLOCK = 0.032  # The side of a block, as a share of the longer side.
MAX_CAST = 0.06  # White balance of a photo that counts as neutral: the largest gain of a channel.
# How far the product itself may change the white balance, beyond what its ground says, and without a ground.
OWN_CAST, OWN_CAST_ALONE = 0.015, 0.035
# Gloss lays the white of the light over a colour. A photo may have more or less of it than the render: these shares of
# the luminance. A veil costs this many units of difference, in full.
VEILS = (0.0, -0.3, -0.15, 0.12, 0.24, 0.36)
VEIL_COST = 8.0
DARK, BRIGHT = 0.02, 0.93  # Linear values between which a colour can be judged.


def to_lab(linear: Array) -> Array:
    """CIE L*a*b* (D65) of linear sRGB values (..., 3)."""
    share = (linear @ TO_XYZ.T) / _WHITE
    lifted = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    x, y, z = lifted[..., 0], lifted[..., 1], lifted[..., 2]
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)


def ciede2000(first: Array, second: Array) -> Array:
    """The colour difference CIEDE2000 of L*a*b* values (..., 3) (Sharma, Wu and Dalal, 2005), with kL = kC = kH = 1."""
    l1, a1, b1 = (first[..., i] for i in range(3))
    l2, a2, b2 = (second[..., i] for i in range(3))
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    apart = (h2 - h1 + 180) % 360 - 180
    grey = c1 * c2 < 1e-12
    apart = np.where(grey, 0.0, apart)
    mean_h = np.where(grey, h1 + h2, (h1 + apart / 2) % 360)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    turn = 60 * np.exp(-(((mean_h - 275) / 25) ** 2))
    r_t = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(np.radians(turn))
    d_l, d_c = (l2 - l1) / s_l, (c2 - c1) / s_c
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(apart) / 2) / s_h
    total: Array = np.sqrt(np.maximum(d_l**2 + d_c**2 + d_h**2 + r_t * d_c * d_h, 0.0))
    return total


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of the product: ``rows``, ``columns`` (n,) of their middles; ``trust`` (n,) 0 to 1; ``render`` and ``photo``
    (n, 3) in L*a*b*, the photo at the lightness of the render and after white balance; ``difference`` (n,) CIEDE2000."""

    rows: Array
    columns: Array
    trust: Array
    render: Array
    photo: Array
    difference: Array
    exposure: float
    cast: tuple[float, float, float]


def compare_colours(photo: Array, render: Array, inside: Array, ground: Array | None = None) -> Blocks:
    """Compare display values (h, w, 3) by blocks within ``inside``, bool (h, w). ``ground``: gains (3,) that make the photo's
    ground neutral."""
    longer = max(inside.shape)
    side = max(3, round(BLOCK * longer))
    half = side // 2
    weight = inside.astype(np.float32)
    cover = window_mean(weight, half)
    rows, columns = np.meshgrid(
        np.arange(half, inside.shape[0], side), np.arange(half, inside.shape[1], side), indexing="ij"
    )
    kept = cover[rows, columns] > 0.5
    rows, columns = rows[kept], columns[kept]
    linear = [linear_light(photo), linear_light(render)]
    mean = [
        np.stack([window_mean(one[..., c] * weight, half)[rows, columns] for c in range(3)], axis=-1)
        / cover[rows, columns][:, None]
        for one in linear
    ]
    trust = _trust(mean[0]) * _trust(mean[1])
    seen, cast = _balanced(mean[0], mean[1], trust, ground)
    level = [np.maximum(luminance(one), 1e-4) for one in (seen, mean[1])]
    exposure = float(np.exp(_median(np.log(level[0] / level[1]), trust)))
    scaled = seen * (level[1] / level[0])[:, None]
    wanted = to_lab(mean[1])
    best, difference = to_lab(np.clip(scaled, 0.0, 1.5)), np.full(len(rows), np.inf)
    for veil in VEILS:
        lab = to_lab(np.clip((scaled - veil * level[1][:, None]) / (1.0 - veil), 0.0, 1.5))
        apart = ciede2000(wanted, lab) + VEIL_COST * abs(veil)
        best = np.where((apart < difference)[:, None], lab, best)
        difference = np.minimum(apart, difference)
    return Blocks(rows, columns, trust, wanted, best, difference, exposure, cast)


def difference_map(blocks: Blocks, shape: tuple[int, ...], step: int) -> Array:
    """The mean difference of the blocks around each window: (h, w) of ``shape``, windows every ``step`` pixels.

    0 where too few blocks can be judged.
    """
    apart = np.zeros(shape)
    if not len(blocks.difference):
        return apart
    rows = np.clip(blocks.rows // step, 0, shape[0] - 1)
    columns = np.clip(blocks.columns // step, 0, shape[1] - 1)
    weighted, weights = np.zeros(shape), np.zeros(shape)
    weighted[rows, columns], weights[rows, columns] = blocks.difference * blocks.trust, blocks.trust
    radius = max(1, round(0.05 * max(shape)))
    near = window_mean(weights, radius)
    usual = float(np.median(near[near > 1e-4])) if (near > 1e-4).any() else 1.0
    return np.where(near > 0.5 * usual, window_mean(weighted, radius) / np.maximum(near, 1e-6), 0.0)


def _trust(mean: Array) -> Array:
    """0 for blocks that are nearly black or blown out, whose colour says nothing; 1 in between."""
    if not len(mean):
        return np.zeros(0)
    dark = np.clip((mean.max(axis=-1) - DARK) / 0.04, 0.0, 1.0)
    bright = np.clip((BRIGHT - mean.max(axis=-1)) / 0.06, 0.0, 1.0)
    both: Array = dark * bright
    return both


def _balanced(
    seen: Array, wanted: Array, trust: Array, ground: Array | None
) -> tuple[Array, tuple[float, float, float]]:
    """The photo's blocks after a white balance of at most ``MAX_CAST``, and its gains."""
    if trust.sum() < 1e-6:
        return seen, (1.0, 1.0, 1.0)
    ratio = np.log(np.maximum(wanted, 1e-4) / np.maximum(seen, 1e-4))
    ratio -= ratio.mean(axis=-1, keepdims=True)
    gains = np.array([_median(ratio[:, channel], trust) for channel in range(3)])
    middle = np.zeros(3) if ground is None else np.log(ground)
    reach = OWN_CAST_ALONE if ground is None else OWN_CAST
    gains = np.exp(np.clip(gains, middle - reach, middle + reach))
    red, green, blue = (float(gain) for gain in gains)
    return seen * gains, (red, green, blue)


def _median(values: Array, weights: Array) -> float:
    return quantile(values, weights, 0.5)


def quantile(values: Array, weights: Array, share: float) -> float:
    """The weighted quantile; 0 without weight."""
    total = float(weights.sum())
    if total <= 1e-9:
        return 0.0
    order = np.argsort(values)
    index = int(np.searchsorted(np.cumsum(weights[order]), share * total))
    return float(values[order[min(index, len(order) - 1)]])
