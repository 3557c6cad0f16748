# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of wide print, such as a label on a bottle, that a photo shows as its render does.

Gloss adds the same light to dark and to bright print, so that their quotients of photo and render differ. The light on
each side of an outline is its own, as long as the photo can be trusted to show that outline.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compose import to_display, to_linear
from .surface import shifted

Array = NDArray[Any]

CONTRAST = 0.3  # Of the contrast in the render, which the photo must have at least. Gloss and haze lower it.
FAINT = 0.3  # Logarithm of the contrast in the render below which an outline is none.
DARKEST = 2e-3  # Linear. It keeps logarithms of black finite.
PURE = 0.02  # The share of the other side of an outline up to which a pixel shows one side only.
STAIR = 2  # Pixels by which a slanted outline moves on from one row or column to the next, at most.


def agreed_outlines(
    photo: Array, render: Array, colour: Array, edges: Array, gap: int, wide: int
) -> tuple[Array, Array]:
    """Outlines between a pixel and the one to its left, and between a pixel and the one above it: two bool (h, w).

    ``photo`` and ``render``: display values, float (h, w, 3), 0 to 1. ``colour``: display values, uint8 (h, w, 3), whose
    ``edges``, bool (h, w), are those of print. An outline has no other edge between ``gap`` and ``gap + wide`` pixels on both sides.
    """
    levels = colour.astype(np.int16)
    across = _outlines(photo, render, levels, edges, gap, wide)
    turned = [item.swapaxes(0, 1) for item in (photo, render, levels, edges)]
    return across, _outlines(turned[0], turned[1], turned[2], turned[3], gap, wide).T


def closed_outlines(outlines: tuple[Array, Array]) -> tuple[Array, Array]:
    """``agreed_outlines`` through which nothing passes: slanted ones are closed where they move by a row or column."""
    across, along = outlines
    return across | _stairs(along.T).T, along | _stairs(across)


def mixed_at_outlines(lit: Array, render: Array, outlines: tuple[Array, Array], gap: int) -> Array:
    """``lit`` with the light of both sides in the pixels at ``agreed_outlines`` that show both: display values, (h, w, 3).

    ``lit``: the product in the photo's light, ``render``: the same in that of the render, display values, float (h, w, 3).
    ``gap``: as for ``agreed_outlines``. Otherwise such a pixel would have the light of one side, and the outline teeth.
    """
    result = lit.copy()
    for found, axis in zip(outlines, (1, 0), strict=True):
        turned = [np.swapaxes(item, axis, 1) for item in (result, lit, render, found)]
        _mix(turned[0], turned[1], turned[2], turned[3], gap)
    return result


def _mix(result: Array, lit: Array, render: Array, across: Array, gap: int) -> None:
    """Mix the pixels to both sides of outlines between columns, in ``result``."""
    rows, columns = np.nonzero(across)
    width = across.shape[1]
    sides = (columns - 1 - gap).clip(0, width - 1), (columns + gap).clip(0, width - 1)
    first, second = (to_linear(render[rows, side]) for side in sides)
    lit_first, lit_second = (to_linear(lit[rows, side]) for side in sides)
    contrast = second - first
    strength = np.maximum((contrast**2).sum(axis=1), 1e-9)
    for step in range(-gap, gap):
        at = (columns + step).clip(0, width - 1)
        here = to_linear(render[rows, at])
        share = ((here - first) * contrast).sum(axis=1, keepdims=True) / strength[:, None]
        own = (here + DARKEST) / (
            first + share.clip(0.0, 1.0) * contrast + DARKEST
        )  # What a mixture does not explain.
        mixed = own * (lit_first + share * (lit_second - lit_first))
        both = ((share > PURE) & (share < 1.0 - PURE))[:, 0]
        result[rows[both], at[both]] = to_display(mixed[both].clip(0.0, 1.0))


def _stairs(across: Array) -> Array:
    """What closes slanted outlines: the breaks between rows where breaks between columns move to the side, bool (h, w).

    ``across``: breaks between a pixel and the one to its left. Light would pass between two of them.
    """
    result = np.zeros_like(across)
    above = shifted(across, -1, 0)
    for step in range(1, STAIR + 1):
        moved = (above & shifted(across, step, 1)) | (across & shifted(above, step, 1))
        for away in range(step):
            result |= shifted(moved, -away, 1)
    return result


def _outlines(photo: Array, render: Array, levels: Array, edges: Array, gap: int, wide: int) -> Array:
    step = np.abs(levels - shifted(levels, -1, 1)).max(axis=-1)
    sharpest = np.maximum.reduce([shifted(step, away, 1) for away in (-2, -1, 1, 2)])
    found: Array = edges & (step > 0) & (step >= sharpest)
    counts = np.pad(np.cumsum(edges, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    rows, columns = np.nonzero(found)
    width = edges.shape[1]
    right, left = (columns + gap).clip(0, width - 1), (columns - 1 - gap).clip(0, width - 1)
    others = counts[rows, (right + wide).clip(0, width)] - counts[rows, right]
    others += counts[rows, left + 1] - counts[rows, (left + 1 - wide).clip(0, width)]
    shown, true = (
        np.log((to_linear(item[rows, right]) + DARKEST) / (to_linear(item[rows, left]) + DARKEST))
        for item in (photo, render)
    )
    square = (true**2).sum(axis=1)
    found[rows, columns] = (
        (others == 0) & (square > FAINT**2) & ((shown * true).sum(axis=1) > CONTRAST * square)
    )
    return found
