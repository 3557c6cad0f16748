# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that do not show the product of their picture: moved, incomplete, recoloured, with scrambled print."""

import hashlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from .pictures import background_of, product_weight

SOLID = 0.5  # Of ``product_weight``: more is product.


def planted(image: Image.Image, defect: str, amount: float, seed: int) -> Image.Image:
    """``image`` with a defect of ``DEFECTS``. ``amount`` is its size, 0 for the usual one; ``seed`` chooses its place."""
    make, usual = DEFECTS[defect]
    return make(image.convert("RGB"), amount or usual, seed)


def _moved(image: Image.Image, scale: float, right: float, down: float) -> Image.Image:
    """Enlarged about the middle and shifted by shares of the frame; the ground continues."""
    width, height = image.size
    ground = tuple(int(value) for value in background_of(np.asarray(image, dtype=np.float32)))
    data = (
        1.0 / scale,
        0.0,
        width / 2 * (1.0 - 1.0 / scale) - right * width / scale,
        0.0,
        1.0 / scale,
        height / 2 * (1.0 - 1.0 / scale) - down * height / scale,
    )
    return image.transform(
        image.size, Image.Transform.AFFINE, data, Image.Resampling.BICUBIC, fillcolor=ground
    )


def shifted(image: Image.Image, amount: float, seed: int) -> Image.Image:
    angle = _chance(seed, "shift").uniform(0.0, 2.0 * np.pi)
    return _moved(image, 1.0, amount * float(np.cos(angle)), amount * float(np.sin(angle)))


def zoomed(image: Image.Image, amount: float, _seed: int) -> Image.Image:
    return _moved(image, 1.0 - amount, 0.0, 0.0)  # Smaller, so that nothing is cut off.


def with_part_missing(image: Image.Image, amount: float, seed: int) -> Image.Image:
    """A part of the product, ``amount`` of its area, is replaced by the ground."""
    pixels = np.array(image, dtype=np.float32)
    solid = product_weight(pixels) > SOLID
    rows, columns = np.nonzero(solid)
    if not len(rows):
        return image
    towards = _chance(seed, "missing").uniform(0.0, 2.0 * np.pi)
    along = columns * np.cos(towards) + rows * np.sin(towards)
    gone = along > np.quantile(along, 1.0 - amount)
    pixels[rows[gone], columns[gone]] = background_of(pixels)
    return Image.fromarray(pixels.round().astype(np.uint8))


def recoloured(image: Image.Image, amount: float, _seed: int) -> Image.Image:
    """The product in another hue and, where it has none, tinted; ``amount`` from 0 to 1."""
    pixels = np.asarray(image, dtype=np.float32)
    weight = product_weight(pixels)[..., None]
    other = np.roll(pixels, 1, axis=2) * np.array([1.0, 0.75, 0.55], np.float32)
    mixed = pixels * (1.0 - weight * amount) + other * weight * amount
    return Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8))


def warmer(image: Image.Image, amount: float, _seed: int) -> Image.Image:
    """The product in warmer light: linear red is raised and blue is lowered by about the share ``amount``."""
    pixels = np.asarray(image, dtype=np.float32)
    weight = product_weight(pixels)[..., None]
    gains = np.array([1.0 + amount, 1.0, 1.0 - amount]) ** (1.0 / 2.2)
    mixed = pixels * (1.0 + weight * (gains - 1.0))
    return Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8))


def scrambled(image: Image.Image, amount: float, seed: int) -> Image.Image:
    """The busiest part of the product, ``amount`` of the frame wide, cut into pieces that are mixed up."""
    pixels = np.array(image)
    side = max(8, round(amount * min(image.size)) // 4 * 4)
    top, left = _busiest(pixels, side)
    cut = pixels[top : top + side, left : left + side].copy()
    piece = side // 4
    places = [(row, column) for row in range(4) for column in range(4)]
    order = _chance(seed, "scrambled").permutation(len(places))
    for (row, column), number in zip(places, order, strict=True):
        from_row, from_column = places[int(number)]
        source = cut[
            from_row * piece : (from_row + 1) * piece, from_column * piece : (from_column + 1) * piece
        ]
        pixels[
            top + row * piece : top + (row + 1) * piece, left + column * piece : left + (column + 1) * piece
        ] = source[:, ::-1]
    return Image.fromarray(pixels)


def _busiest(pixels: np.ndarray, side: int) -> tuple[int, int]:
    """Top and left of the square with the most contrast inside the product."""
    grey = pixels.mean(axis=2)
    busy = np.abs(np.diff(grey, axis=0, prepend=grey[:1])) + np.abs(
        np.diff(grey, axis=1, prepend=grey[:, :1])
    )
    busy *= product_weight(pixels.astype(np.float32)) > SOLID
    total = np.pad(busy.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    top, left = np.unravel_index(int(sums.argmax()), sums.shape)
    return int(top), int(left)


def _chance(seed: int, name: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


# Each with its usual amount.
DEFECTS: dict[str, tuple[Callable[[Image.Image, float, int], Image.Image], float]] = {
    "shift": (shifted, 0.06),
    "zoom": (zoomed, 0.10),
    "missing": (with_part_missing, 0.25),
    "recoloured": (recoloured, 1.0),
    "scrambled": (scrambled, 0.3),
    "warmer": (warmer, 0.05),
}
