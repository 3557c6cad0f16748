# SPDX-License-Identifier: GPL-3.0-or-later
"""Means and shapes over square windows of a picture, in a time that hardly depends on the size of the window."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Pixels from which a filled one takes its value; with one, the grain of a picture becomes streaks.
_AROUND = 2


def window_mean(values: Array, radius: int) -> Array:
    """The mean over windows of ``2 * radius + 1`` pixels a side, float32 of the shape of ``values``: (h, w).

    Beyond the border, the values at the border continue.
    """
    mean: Array = np.asarray(values, dtype=np.float32)
    if radius < 1:
        return mean
    size = 2 * radius + 1
    sums = _window_sums(np.pad(mean, radius, mode="edge"), size, 0)
    sums = _window_sums(sums, size, 1)
    sums *= np.float32(1.0 / (size * size))
    return sums


def _window_sums(values: Array, size: int, axis: int) -> Array:
    """The sums of ``size`` neighbours along an axis of a plane: they are made of sums of 1, 2, 4, 8 ... of them."""

    def part(sums: Array, begin: int, end: int) -> Array:
        cut: Array = sums[begin:end] if axis == 0 else sums[:, begin:end]
        return cut

    count = values.shape[axis] - size + 1
    total = part(values, 0, count) * np.float32(size % 2)
    begin, span, sums = size % 2, 1, values
    for power in range(1, size.bit_length()):
        sums = part(sums, 0, sums.shape[axis] - span) + part(sums, span, sums.shape[axis])
        span *= 2
        if size >> power & 1:
            total += part(sums, begin, begin + count)
            begin += span
    return total


def grown(shape: Array, radius: int) -> Array:
    """A bool (h, w) grown by ``radius`` pixels, along diagonals too."""
    if radius < 1:
        return shape
    size = 2 * radius + 1
    for _axis in (0, 1):
        swept = np.pad(shape, ((radius, radius), (0, 0)))
        span = 1
        while span < size:
            step = min(span, size - span)
            swept[step:] |= swept[:-step].copy()
            span += step
        shape = np.ascontiguousarray(swept[size - 1 :].T)
    return shape


def shrunk(shape: Array, radius: int) -> Array:
    """A bool (h, w) without its outer ``radius`` pixels. It does not shrink where the border of the picture cuts it."""
    return ~grown(~shape, radius)


def closed(shape: Array, radius: int) -> Array:
    """A bool (h, w) whose gaps narrower than ``2 * radius`` pixels are filled."""
    return shrunk(grown(shape, radius), radius)


def filled(values: Array, known: Array, layers: int) -> Array:
    """Float32 (h, w, n) continued from where it is ``known``, bool (h, w), by ``layers`` pixels.

    Each layer takes a mean of what is known around it. Places that are farther away keep their values.
    """
    height, width = known.shape
    result = np.array(values, dtype=np.float32)
    flat, is_known = result.reshape(height * width, -1), known.copy()
    around = range(-_AROUND, _AROUND + 1)
    for _layer in range(layers):
        rows, columns = np.nonzero(grown(is_known, 1) & ~is_known)
        total, count = np.zeros((rows.size, flat.shape[1]), np.float32), np.zeros((rows.size, 1), np.float32)
        for down in around:
            for right in around:
                y, x = (rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1)
                share = is_known[y, x].astype(np.float32)[:, None] / (down * down + right * right + 1.0) ** 2
                total += flat[y * width + x] * share
                count += share
        flat[rows * width + columns] = total / count
        is_known[rows, columns] = True
    return result
