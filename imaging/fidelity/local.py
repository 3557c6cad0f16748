# SPDX-License-Identifier: GPL-3.0-or-later
"""Local structure: what the render shows and the photo does not, and what the photo shows and nothing explains.

Light is not structure of the product. The photo in a window may be any mixture of the render, its relit renders, its base
colour and its normals: shading under a distant light is a linear function of the normal, and the logarithm of base colour
adds up with that of light.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .planes import linear_light, luminance, resized, soft
from .windows import window_mean

Array = NDArray[Any]

WINDOW = 0.04  # The side of a window, as a share of the longer side.
STEP = 0.008  # Between windows.
DARK = 0.012  # Linear; below it noise would become structure.
NOISE = 0.0003  # Variance of the logarithm of luminance that grain and compression make.


@dataclass(frozen=True, slots=True)
class Maps:
    """Planes over windows. ``missing``: variance of the render's structure that the photo lacks; ``unexplained``: of the
    photo's that nothing explains; ``new``: of the photo's that the render alone does not explain; ``strength``: of the
    render's; all of the logarithm of luminance. ``inside``: windows
    that lie on the product."""

    missing: Array
    unexplained: Array
    new: Array
    strength: Array
    inside: Array


def logarithm(picture: Array) -> Array:
    """Log of the luminance of display values (h, w, 3): (h, w)."""
    # Single pixels are grain, sharpening and compression.
    return window_mean(np.log(luminance(linear_light(picture)) + DARK), 1)


class Windows:
    """Regression in the windows of one view. ``cover``: weight of each pixel (h, w), 0 outside the product."""

    def __init__(self, cover: Array) -> None:
        height, width = cover.shape
        longer = max(height, width)
        self.step = max(1, round(STEP * longer))
        self.size = max(1, width // self.step), max(1, height // self.step)
        self.radius = max(1, round((WINDOW * longer / self.step - 1) / 2))
        self.cover = cover.astype(np.float32)
        self._share = self._sampled(self.cover)
        self.inside = self._share > 0.35

    def _sampled(self, plane: Array) -> Array:
        return window_mean(resized(plane, self.size), self.radius).astype(np.float64)

    def mean(self, plane: Array) -> Array:
        """The mean of a plane over the product in each window."""
        mean: Array = self._sampled(plane * self.cover) / np.maximum(self._share, 1e-3)
        return mean

    def unexplained(self, target: Array, sources: list[Array], floor: float = NOISE) -> tuple[Array, Array]:
        """The variance of ``target`` (h, w) in each window that no linear mixture of ``sources`` and a constant explains,
        and its whole variance."""
        middle = [self.mean(plane) for plane in (target, *sources)]
        count = len(sources)
        shape = (*middle[0].shape, count, count)
        gram, right = np.zeros(shape), np.zeros(shape[:-1])
        total = np.maximum(self.mean(target * target) - middle[0] ** 2, 0.0)
        for i, first in enumerate(sources):
            right[..., i] = self.mean(target * first) - middle[0] * middle[i + 1]
            for j in range(i, count):
                value: Array = self.mean(first * sources[j]) - middle[i + 1] * middle[j + 1]
                gram[..., i, j] = gram[..., j, i] = value
        gram += np.eye(count) * floor
        solved = np.linalg.solve(gram, right[..., None])[..., 0]
        rest = total - (solved * right).sum(axis=-1)
        return np.maximum(rest, 0.0), total


def compare(
    windows: Windows, photo: Array, render: Array, explaining: list[Array], floor: float = NOISE
) -> Maps:
    """``photo``, ``render``: logarithms (h, w). ``explaining``: planes that may show in the photo as well."""
    unexplained, _total = windows.unexplained(photo, [render, *explaining], floor)
    new, _total = windows.unexplained(photo, [render], floor)
    missing, strength = windows.unexplained(render, [photo], floor)
    return Maps(missing, unexplained, new, strength, windows.inside)


def wider(plane: Array) -> Array:
    """The largest value of each window and its neighbours."""
    padded = np.pad(plane, 1, mode="edge")
    parts = [padded[i : i + plane.shape[0], j : j + plane.shape[1]] for i in range(3) for j in range(3)]
    widest: Array = np.max(parts, axis=0)
    return widest


def smoothed(plane: Array) -> Array:
    return soft(plane.astype(np.float32), 1)
