# SPDX-License-Identifier: GPL-3.0-or-later
"""The product on its background: exact colour where nothing stands, a soft shadow where it does."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
Box = tuple[int, int, int, int]

# Below the first share of missing light there is no visible shadow, above the second it is whole: the wide, faint
# shade of a big product would reach the frame and end there in an edge.
SHADOW_BEGINS, SHADOW_WHOLE = 0.05, 0.40
BORDER = 0.12  # Share of the frame along which the shadow fades: its borders are pure background.
GREY = 0.214  # Linear value of the neutral grey: 8-bit 127.


class Background(StrEnum):
    WHITE = "white"
    GREY = "grey"
    BLACK = "black"
    TRANSPARENT = "transparent"


LEVELS = {Background.WHITE: 1.0, Background.GREY: GREY, Background.BLACK: 0.0}  # Linear.


def compose(colour: Array, shadow: Array, background: Background) -> Image.Image:
    """Lay the product over its shadow over the background.

    colour: uint8 (h, w, 4), sRGB display values, not premultiplied; shadow: float (h, w), the share of
    light missing on the ground. Returns RGB, or RGBA for the transparent background.
    """
    coverage = colour[..., 3:].astype(np.float32) / 255.0
    product = colour[..., :3].astype(np.float32)
    dark = _soft_shadow(shadow)[..., None]
    if background is Background.TRANSPARENT:
        # Black with alpha darkens display values: take the alpha that gives the physical tone on white.
        below = (1.0 - _to_display(1.0 - dark)) * (1.0 - coverage)
        alpha = coverage + below
        rgb = np.where(alpha > 0.0, product * coverage / np.maximum(alpha, 1e-6), 0.0)
        return Image.fromarray(_to_bytes(np.concatenate((rgb, alpha * 255.0), axis=-1)), "RGBA")
    level = LEVELS[background]
    ground = _to_display(level * (1.0 - dark)) * 255.0
    return Image.fromarray(_to_bytes(product * coverage + ground * (1.0 - coverage)), "RGB")


def mask_of(colour: Array) -> Image.Image:
    """The product's coverage as an 8-bit picture: 255 is product."""
    return Image.fromarray(np.ascontiguousarray(colour[..., 3]), "L")


def fill_of(mask: Image.Image) -> float:
    """Share of the frame that the product takes where it takes most, across or down; 0 when it is not there.

    For a square picture that is the share of the product's larger side.
    """
    box = box_of(mask)
    if box is None:
        return 0.0
    left, top, right, bottom = box
    return max((right - left) / mask.width, (bottom - top) / mask.height)


def box_of(mask: Image.Image) -> Box | None:
    """The pixels that the product reaches, left, top, right and bottom as Pillow counts; None: it is not there."""
    return mask.point(lambda value: 255 if value > 127 else 0).getbbox()


def _soft_shadow(shadow: Array) -> Array:
    """Without its faint outskirts, and nothing at the borders of the frame."""
    height, width = shadow.shape
    kept = shadow * _rise((shadow - SHADOW_BEGINS) / (SHADOW_WHOLE - SHADOW_BEGINS))
    faded: Array = kept * np.minimum.outer(_border_fade(height), _border_fade(width))
    return faded


def _border_fade(length: int) -> Array:
    """0 at both ends, 1 inside, smooth between."""
    from_border = np.minimum(np.arange(length), np.arange(length)[::-1]) / (length * BORDER)
    return _rise(from_border)


def _rise(share: Array) -> Array:
    """Smoothly from 0 to 1 while ``share`` does."""
    held = np.clip(share, 0.0, 1.0)
    rise: Array = held * held * (3.0 - 2.0 * held)
    return rise


def _to_display(linear: Array) -> Array:
    """sRGB transfer function (IEC 61966-2-1), 0 to 1."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.power(linear, 1.0 / 2.4) - 0.055)


def _to_bytes(values: Array) -> Array:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
