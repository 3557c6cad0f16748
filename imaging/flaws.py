# SPDX-License-Identifier: GPL-3.0-or-later
"""What is essentially wrong with a finished picture of a product, judged from its pixels and its mask.

Only the product's own pixels are judged, so that a black product on black and a white one on white are right as long as
they show any light or shade.
"""

from collections.abc import Iterator
from enum import StrEnum

from PIL import Image

NOISE = 8  # Coverage of 255 up to which a pixel shows nothing of the product.
# Coverage from which a pixel shows the product; at its edge the background shines through. The second one is for glass
# and gauze, which nowhere cover more.
SOLID, THIN = 254, 64
FEW_PIXELS = 16  # With fewer, nothing can be said about light and shade.
# Levels of 255. The darkest matt paints and velvets reflect 0.3 % of the light, which is level 9 and more.
BLACK, WHITE = 3, 253
SHADE = 250  # Below it a pixel shows a shadow or an edge.
OUTLIERS = 0.005  # The share of the product's pixels that may be brighter than black, or darker than white.
SHADED = 0.0002  # The share of the picture from which shadow and edges can be seen.


class Flaw(StrEnum):
    """The values are the kinds of findings in ``set.json``."""

    EMPTY = "product_not_visible"
    CLIPPED = "product_clipped"
    BLACK = "picture_black"
    WHITE = "picture_white"


def flaws_of(picture: Image.Image, mask: Image.Image, *, shows_whole_product: bool) -> Iterator[Flaw]:
    """The flaws of ``picture``, RGB or RGBA. ``mask``: coverage of the product, L, of the same shape or size.

    ``shows_whole_product``: whether the product may not reach the border.
    """
    if _maximum(mask) <= NOISE:
        yield Flaw.EMPTY
        return
    if shows_whole_product and _touches_border(mask):
        yield Flaw.CLIPPED
    product = _product_pixels(mask, picture.size)
    if product is None:
        return
    grey = picture.convert("RGB").convert("L")
    levels = grey.histogram(product)
    if sum(levels[BLACK + 1 :]) <= OUTLIERS * sum(levels):
        yield Flaw.BLACK
    elif sum(levels[:WHITE]) <= OUTLIERS * sum(levels):
        whole = grey.histogram()
        if picture.mode == "RGBA" or sum(whole[:SHADE]) <= SHADED * sum(whole):
            yield Flaw.WHITE


def _touches_border(mask: Image.Image) -> bool:
    width, height = mask.size
    sides = (
        (0, 0, width, 1),
        (0, height - 1, width, height),
        (0, 0, 1, height),
        (width - 1, 0, width, height),
    )
    return any(_maximum(mask.crop(side)) > NOISE for side in sides)


def _maximum(mask: Image.Image) -> int:
    return int(mask.getextrema()[1])  # type: ignore[arg-type]  # One band has one pair of numbers.


def _product_pixels(mask: Image.Image, size: tuple[int, int]) -> Image.Image | None:
    """255 where the picture shows the product; ``None`` when it shows too little of it."""
    if mask.size != size:
        mask = mask.resize(size, Image.Resampling.BILINEAR)
    for limit in (SOLID, THIN):
        product = mask.point([255 if level >= limit else 0 for level in range(256)])
        if product.histogram()[255] >= FEW_PIXELS:
            return product
    return None
