# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a photo has its own edge of the product: it may be a pixel off and soft."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .windows import grown, window_mean

Array = NDArray[Any]

REACH = 5  # Pixels to both sides of the mask's edge that are looked at.
FARTHEST = 2.0  # Pixels by which the edge may be off.
SOFTEST, SHARPEST = 2.5, 0.6  # Standard deviation in pixels of the blur of the edge.
SHARP_MASK = 0.3  # The same of an edge that only its pixels soften.
FAINT = 0.08  # Contrast of product and ground, of display values, below which an edge says nothing.
UNEVEN = 0.25  # Of the contrast of product and ground: differences within the product that count.
MOST = 6000  # Places of the edge that are looked at.
STRAY = 0.4  # Pixels from which a place counts less: shadows and reflections look like a moved edge.
ROUNDS = 8
OTHER_SIDE = 0.25  # Of what one side of the product shows of a move, at least so much must show on the other.
LEAST_MOVE = 0.02  # Pixels below which a move would only blur and round.
LEAST = 40  # Places without which nothing is known.


@dataclass(frozen=True)
class PhotoEdge:
    """How far the photo's edge is off, in pixels to the right and down, and the standard deviation of its blur."""

    right: float = 0.0
    down: float = 0.0
    blur: float = 1.0


def photo_edge(photo: Array, product: Array, mask: Array) -> PhotoEdge:
    """Measure the edge of the product in ``photo``, display values float (h, w, 3), along that of ``mask``, uint8 (h, w).

    ``product``: the render without the ground behind its edge, as ``photo``. Places where it is not even below the edge do
    not count: the outline of a thin part there looks like an edge that has moved. Neither does an edge that is farther off
    than a photo in its place can be.
    """
    coverage = mask.astype(np.float32) / 255.0
    places, normals = _places(coverage)
    if len(places) < LEAST:
        return PhotoEdge()
    steps = np.arange(-REACH, REACH + 1)
    at = np.rint(places[:, None, :] + steps[None, :, None] * normals[:, None, :]).astype(int)
    rows, columns = (at[..., axis].clip(0, coverage.shape[axis] - 1) for axis in (0, 1))
    seen, known = photo[rows, columns], coverage[rows, columns]
    inner, ground = seen[:, :2].mean(axis=1), seen[:, -2:].mean(axis=1)
    contrast = inner - ground
    strength = (contrast**2).sum(axis=1)
    share = ((seen - ground[:, None]) * contrast[:, None]).sum(axis=2) / np.maximum(strength, 1e-6)[:, None]
    good = (strength > FAINT**2) & (known[:, :2].min(axis=1) > 0.98) & (known[:, -2:].max(axis=1) < 0.02)
    good &= _unevenness(product[rows, columns], known) < UNEVEN * np.sqrt(strength)
    if good.sum() < LEAST:
        return PhotoEdge()
    share = share[good].clip(0.0, 1.0)
    offsets, weights = _offset(_halfway(share) - _halfway(known[good]), normals[good])
    fits = weights > 0.5
    width = (
        np.sqrt(np.pi) * float(np.median((share * (1.0 - share)).sum(axis=1)[fits])) if fits.any() else 1.0
    )
    blur = float(np.clip(np.sqrt(max(width**2 - SHARP_MASK**2, 0.0)), SHARPEST, SOFTEST))
    if np.abs(offsets).max() > FARTHEST:
        return PhotoEdge(blur=blur)
    return PhotoEdge(float(offsets[1]), float(offsets[0]), blur)


def _halfway(share: Array) -> Array:
    """Where profiles (n, steps) fall below one half for the first time, in steps, (n,).

    A soft shadow beside the edge hardly moves this place, however far it reaches.
    """
    below = share < 0.5
    after = np.where(below.any(axis=1), below.argmax(axis=1), share.shape[1] - 1).clip(1)
    row = np.arange(len(share))
    before, behind = share[row, after - 1], share[row, after]
    place: Array = after - 1 + (before - 0.5) / np.maximum(before - behind, 1e-6)
    return place


def _unevenness(product: Array, known: Array) -> Array:
    """The largest difference from the innermost colour along each profile within the product, display values (n,).

    ``product``: (n, steps, 3), ``known``: coverage (n, steps), both from the inside out.
    """
    apart = np.linalg.norm(product - product[:, :1], axis=-1)
    largest: Array = np.where(known > 0.9, apart, 0.0).max(axis=1)
    return largest


def put_back(photo: Array, edge: PhotoEdge) -> Array:
    """The photo, uint8 (h, w, 3), moved so that its edge lies on that of the mask."""
    return _moved(photo, -edge.right, -edge.down)


def coverage_in_photo(mask: Array, edge: PhotoEdge) -> Array:
    """The coverage of the product as the photo shows it, float32 (h, w), 0 to 1."""
    moved = Image.fromarray(_moved(mask, edge.right, edge.down))
    return np.asarray(moved.filter(ImageFilter.GaussianBlur(edge.blur)), dtype=np.float32) / np.float32(255.0)


def _moved(picture: Array, right: float, down: float) -> Array:
    """Moved by parts of pixels; what comes in at the border continues what is there."""
    if max(abs(right), abs(down)) < LEAST_MOVE:
        return picture
    room = round(FARTHEST) + 1
    wide = picture
    for axis in (0, 1):
        first, last = np.take(wide, [0] * room, axis), np.take(wide, [-1] * room, axis)
        wide = np.concatenate((first, wide, last), axis=axis)
    size = picture.shape[1], picture.shape[0]
    coefficients = (1.0, 0.0, room - right, 0.0, 1.0, room - down)
    moved = Image.fromarray(wide).transform(
        size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
    )
    return np.asarray(moved)


def _places(coverage: Array) -> tuple[Array, Array]:
    """Places on the edge and the directions out of the product there, rows before columns: two (n, 2)."""
    inside = coverage >= 0.5
    found = np.argwhere(inside & grown(~inside, 1))
    found = found[:: max(1, len(found) // MOST)]
    slope = np.stack(np.gradient(window_mean(window_mean(coverage, 2), 2)), axis=-1)[found[:, 0], found[:, 1]]
    length = np.linalg.norm(slope, axis=1, keepdims=True)
    return found.astype(np.float64), -slope / np.maximum(length, 1e-6)


def _offset(apart: Array, normals: Array) -> tuple[Array, Array]:
    """The move (down, right) that explains how far places of the edge are ``apart``, and the weight of each place.

    Iteratively reweighted least squares with Cauchy's weights, from no move at all. A move that the edge on one side alone
    shows is a shadow or a reflection: then there is none.
    """
    move = np.zeros(2)
    for _round in range(ROUNDS):
        weights = 1.0 / (1.0 + ((apart - normals @ move) / STRAY) ** 2)
        weighted = normals * weights[:, None]
        move = np.linalg.solve(weighted.T @ normals + 1e-3 * np.eye(2), weighted.T @ apart)
    along = weights * (normals @ move)
    sides = along.clip(0.0).sum(), -along.clip(None, 0.0).sum()
    return (move if min(sides) > OTHER_SIDE * max(sides) else np.zeros(2)), weights
