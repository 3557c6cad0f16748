# SPDX-License-Identifier: GPL-3.0-or-later
"""The smaller of two boxes around a product: upright, or along the product."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ProductBox:
    """``corners`` (4, 2): right and down from the middle of the picture, ``sides``: lengths; shares of the longer side."""

    corners: Array
    sides: tuple[float, float]

    @property
    def thickness(self) -> float:
        return min(self.sides)


def box_around(mask: Array) -> ProductBox:
    """The box around the pixels of ``mask`` (h, w) that are above 0.5. At least one must be."""
    height, width = mask.shape
    longer = max(mask.shape)
    rows, columns = np.nonzero(mask > 0.5)
    places = np.stack((columns + 0.5 - width / 2, rows + 0.5 - height / 2), axis=1) / longer
    _sizes, axes = np.linalg.eigh(np.cov(places.T, bias=True) if len(places) > 1 else np.eye(2))
    boxes = [_along(places, directions, 0.5 / longer) for directions in (np.eye(2), axes)]
    return min(boxes, key=lambda box: box.sides[0] * box.sides[1])


def _along(places: Array, directions: Array, half_pixel: float) -> ProductBox:
    """``directions`` (2, 2): orthonormal columns."""
    along = places @ directions
    low, high = along.min(axis=0) - half_pixel, along.max(axis=0) + half_pixel
    corners = np.array([(a, b) for a in (low[0], high[0]) for b in (low[1], high[1])]) @ directions.T
    return ProductBox(corners, (float(high[0] - low[0]), float(high[1] - low[1])))
