# SPDX-License-Identifier: GPL-3.0-or-later
"""The light on print that may not be the print of the render: lost, wrong or soft in the photo."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .smoothing import smoothed
from .surface import shifted
from .windows import window_mean

Array = NDArray[Any]

DARKEST = 2e-3  # Linear. It keeps quotients of black finite.
DIFFERENT = (
    0.25  # Logarithm of the quotient of photo and light on the render, from which print is not the same.
)
BLOCK = 4  # Pixels in each direction from which the light on print is first estimated.
# Correlation of the contrast of print in photo and render: not the same print up to the first, the same from the second.
UNLIKE, ALIKE = 0.75, 0.9
LEAST_PRINT = 0.05  # Contrast of print from which gloss can be told from light.
DARK_INK = 0.5  # Of the light around it: darker pixels are ink on which gloss shows.
NEARBY = 8  # Blocks around, in which the darkest ink is looked for.
APART = 1.25  # Smoothing lengths from which neighbouring blocks are on different surfaces.


def light_on_print(
    photo: Array, render: Array, weight: Array, distances: tuple[Array, Array]
) -> tuple[Array, Array]:
    """How far photo and render show the same print, and which share of the photo's light is gloss: two (h, w), 0 to 1.

    ``photo`` and ``render``: linear luminance, (h, w). ``weight``: how far the photo's pixels count, (h, w).
    ``distances``: as for ``smoothed``. Ink that the photo lost or invented would otherwise count as light or shadow.
    Gloss lights ink and paper alike, so the contrast of print is lower than the light. It is compared between blocks,
    which neither blur nor a pixel's move changes much.
    """
    total = np.maximum(_blocks(weight), 1e-12)
    seen, known = _blocks(photo * weight) / total, _blocks(render * weight) / total
    across, along = (_blocks(distance) / BLOCK for distance in distances)
    contrasts = _contrasts(seen, known, across, 1) + _contrasts(seen, known, along, 0)
    planes = np.concatenate(((total, seen * total, known * total), contrasts * total))
    means = smoothed(planes, across, along)
    shown, true, shown_2, true_2, both = means[1:] / np.maximum(means[0], 1e-12)
    gain = (shown + DARKEST) / (true + DARKEST)
    alike = both / np.sqrt(np.maximum(shown_2 * true_2, 1e-12))
    contrast = both / np.maximum(true_2, 1e-12) / gain
    trust = ((alike - UNLIKE) / (ALIKE - UNLIKE)).clip(0.0, 1.0) * (true_2 > (LEAST_PRINT * true) ** 2)
    gloss = trust * (1.0 - contrast).clip(0.0, 1.0)
    gloss = np.minimum(gloss, _most_gloss(photo, render, weight, gain, shown))
    model = _enlarged((1.0 - gloss) * gain, weight.shape) * render + _enlarged(gloss * shown, weight.shape)
    rest = np.log((photo + DARKEST) / (model + DARKEST))
    return 1.0 / (1.0 + (rest / DIFFERENT) ** 2) ** 2, _enlarged(gloss, weight.shape)


def _most_gloss(photo: Array, render: Array, weight: Array, gain: Array, shown: Array) -> Array:
    """The most gloss that the darkest ink nearby leaves room for, in blocks: 1 where there is none.

    Blur lowers the contrast of thin strokes as gloss does, but gloss brightens the middle of wide strokes as well.
    """
    lit, light = (_enlarged(plane, weight.shape) for plane in (gain, shown))
    lit = lit * render
    dark = (lit < DARK_INK * light) & (weight > 0.5)
    whole = window_mean(dark.astype(np.float32), 1) > 0.99
    share = window_mean(photo - lit, 1) / np.maximum(window_mean(light - lit, 1), DARKEST)
    least = _block_minima(np.where(whole, share.clip(0.0, 1.0), 1.0))
    for axis in (0, 1):
        least = np.min([shifted(least, step, axis) for step in range(-NEARBY, NEARBY + 1)], axis=0)
    return least


def _block_minima(values: Array) -> Array:
    """The least value of blocks of ``BLOCK`` pixels a side; the border is continued."""
    height, width = values.shape
    even = np.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    minima: Array = even.reshape(even.shape[0] // BLOCK, BLOCK, -1, BLOCK).min(axis=(1, 3))
    return minima


def _contrasts(seen: Array, known: Array, length: Array, axis: int) -> Array:
    """Squares and product of the steps from block to block of two pictures, (3, h, w), without those across breaks.

    Light changes slowly and hardly shows in them.
    """
    near = length < APART
    first, second = (np.where(near, item - shifted(item, -1, axis), 0.0) for item in (seen, known))
    return np.stack((first**2, second**2, first * second))


def _blocks(values: Array) -> Array:
    """Sums over blocks of ``BLOCK`` pixels a side; the border is continued."""
    height, width = values.shape
    even = np.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    sums: Array = even.reshape(even.shape[0] // BLOCK, BLOCK, -1, BLOCK).sum(axis=(1, 3))
    return sums


def _enlarged(blocks: Array, shape: tuple[int, ...]) -> Array:
    """The values of blocks at each of their pixels."""
    return np.repeat(np.repeat(blocks, BLOCK, axis=0), BLOCK, axis=1)[: shape[0], : shape[1]]
