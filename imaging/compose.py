# SPDX-License-Identifier: GPL-3.0-or-later
"""Composes the product, its soft shadow and a background of exact colour."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .choices import Background
from .coverage import NOISE

Array = NDArray[Any]
Box = tuple[int, int, int, int]

# Where less than the first share of the light is missing no shadow is drawn, from the second on all of it. Otherwise the
# wide, faint shadow of a large product would reach the border of the picture and end there in a visible edge.
SHADOW_BEGINS, SHADOW_WHOLE = 0.05, 0.40
BORDER = 0.12  # Share of the picture over which the shadow fades out towards each border.
GREY_LEVEL = 0.214  # Linear value of the neutral grey: 8-bit 127.

LEVELS = {Background.WHITE: 1.0, Background.GREY: GREY_LEVEL, Background.BLACK: 0.0}  # Linear.


def compose(
    colour: Array, shadow: Array, background: Background, through: Array | None = None
) -> Image.Image:
    """Put the product over its shadow over the background.

    ``colour``: uint8 (h, w, 4), sRGB display values with straight alpha. ``shadow``: float (h, w), the share of the
    light that is missing on the ground. ``through``: float (h, w, 3), the share of the light of the background that
    comes through glass, by colour, which ``colour`` then does not contain. ``None``: there is no glass, or it shows the
    light of the studio. Returns RGB, or RGBA for the transparent background.
    """
    coverage = colour[..., 3:].astype(np.float32) / 255.0
    product = colour[..., :3].astype(np.float32) / 255.0 * coverage
    lit = 1.0 - _soft_shadow(shadow)[..., None]
    if background is not Background.TRANSPARENT:
        picture = _over(LEVELS[background] * lit, product, coverage, through)
        return Image.fromarray(_to_bytes(picture * 255.0), "RGB")
    # The picture on white and the one on black together tell how much of a background is seen (Smith and Blinn, Blue
    # Screen Matting, 1996). A picture has one alpha for three colours: the one of the darkest keeps tinted glass exactly
    # as it is on white.
    on_white = _over(lit, product, coverage, through)
    seen = (on_white - product).min(axis=-1, keepdims=True)
    alpha = 1.0 - seen
    rgb = np.where(alpha > 0.0, (on_white - seen) / np.maximum(alpha, 1e-6), 0.0)
    return Image.fromarray(_to_bytes(np.concatenate((rgb, alpha), axis=-1) * 255.0), "RGBA")


def _over(ground: Array, product: Array, coverage: Array, through: Array | None) -> Array:
    """The product over a ground of the linear value ``ground``: display values, 0 to 1.

    ``product`` are display values multiplied by ``coverage``.
    """
    picture: Array = product + to_display(ground) * (1.0 - coverage)
    if through is None:
        return picture
    # Light adds up in linear values.
    return to_display(np.minimum(to_linear(picture) + through * ground, 1.0))


def mask_of(colour: Array) -> Image.Image:
    """The coverage of the product as an 8-bit picture: 255 is product."""
    return Image.fromarray(np.ascontiguousarray(colour[..., 3]), "L")


def fill_of(mask: Image.Image) -> float:
    """The share of the frame that the product fills, in width or in height, whichever is larger; 0 without a product."""
    box = box_of(mask)
    if box is None:
        return 0.0
    left, top, right, bottom = box
    return max((right - left) / mask.width, (bottom - top) / mask.height)


def box_of(mask: Image.Image) -> Box | None:
    """Left, top, right and bottom of the product in pixels, as Pillow counts them; None without a product."""
    return mask.point(lambda value: 255 if value > NOISE else 0).getbbox()


def png(picture: Image.Image, level: int = 0) -> bytes:
    """A PNG file; without compression unless zlib's ``level`` asks for it, which is fast to write and to read."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def _soft_shadow(shadow: Array) -> Array:
    """The shadow without its faint outer parts, and with none at the borders of the picture."""
    height, width = shadow.shape
    kept = shadow * _rise((shadow - SHADOW_BEGINS) / (SHADOW_WHOLE - SHADOW_BEGINS))
    faded: Array = kept * np.minimum.outer(_border_fade(height), _border_fade(width))
    return faded


def _border_fade(length: int) -> Array:
    """0 at both ends, 1 inside, smooth in between: (length,)."""
    from_border = np.minimum(np.arange(length), np.arange(length)[::-1]) / (length * BORDER)
    return _rise(from_border)


def _rise(share: Array) -> Array:
    """Smoothstep: rises smoothly from 0 to 1 as ``share`` does."""
    held = np.clip(share, 0.0, 1.0)
    rise: Array = held * held * (3.0 - 2.0 * held)
    return rise


def to_display(linear: Array) -> Array:
    """sRGB transfer function (IEC 61966-2-1), 0 to 1."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.power(linear, 1.0 / 2.4) - 0.055)


def to_linear(display: Array) -> Array:
    """The inverse of ``to_display``."""
    return np.where(display <= 0.04045, display / 12.92, np.power((display + 0.055) / 1.055, 2.4))


def _to_bytes(values: Array) -> Array:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
