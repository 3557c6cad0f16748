# SPDX-License-Identifier: GPL-3.0-or-later
"""What channels ask of pictures, as data: each rule with its numbers, its source and the day it was read.

A channel here is a place where pictures are published, such as a marketplace. Marketplaces change their rules, and some
of them show them only to sellers: the source says how a number is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..files.kinds import FileKind


class Measure(StrEnum):
    """What a rule limits. The value is its name in reports."""

    LONGEST = "longest side"  # Pixels.
    SHORTEST = "shortest side"  # Pixels.
    MEGAPIXELS = "megapixels"
    BYTES = "file size"  # Megabytes.
    FILL = "fill"  # The larger of width and height of the product, in percent of the picture's.
    MARGIN = "margin"  # Pixels between the product and the nearest border; 0 when it is cut off.
    WHITE = "background"  # The darkest value at the border, of 255.
    ALPHA = "transparency"  # The share of pixels that are not opaque, in percent.
    RATIO = "shape"  # Width divided by height.
    QUALITY = "JPEG quality"  # Estimated from the quantization tables.
    COLOUR = "colors"  # The mode: RGB, grayscale, CMYK …
    FORMAT = "format"  # By content.
    SUFFIX = "name"  # Whether the extension is that of the content.
    COUNT = "number of pictures"
    ORIGIN = "origin"  # How the picture was made.
    TAG = "source type"  # Whether a generated picture says so.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Limits of one measure, both inclusive. ``is_advice``: the channel recommends it and accepts other pictures.

    ``read``: the day on which the source was read.
    """

    measure: Measure
    source: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    is_advice: bool = False
    is_for_one: bool = False  # It is enough that one picture of the channel meets it.
    read: str = "2026-11-26"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """How pictures for one channel are made, and the rules that they are checked against.

    ``side``: the longest side in pixels when the source is large enough; ``fill`` in percent, of pictures that show the
    whole product; ``ratio``: width divided by height, ``None``: as the source; ``angles``: "main" for the picture that
    represents the product, "all" or "further"; ``kind``: the format that is written. ``is_cut_out``: the product alone
    is shown, with the mask of its render as the alpha channel.
    """

    name: str
    title: str
    angles: str
    side: int
    rules: tuple[Rule, ...]
    fill: float | None = 87.0
    ratio: float | None = 1.0
    kind: FileKind = FileKind.JPEG
    quality: int = 92
    template: str = "{sku}_{angle}_{width}.jpg"
    keeps_alpha: bool = False
    is_cut_out: bool = False

    def limit(self, measure: Measure) -> tuple[float | None, float | None]:
        """The limits of a measure that is required: lower and upper, ``None`` without one."""
        rules = [rule for rule in self.rules if rule.measure is measure and not rule.is_advice]
        lows = [rule.low for rule in rules if rule.low is not None]
        highs = [rule.high for rule in rules if rule.high is not None]
        return max(lows, default=None), min(highs, default=None)


PHOTOGRAPH = "photograph"
_AMAZON = "guides for sellers that agree with each other; the official page needs a seller account"
_AMAZON_360 = "Amazon's specification of 360° View, version 4"
_GOOGLE = "Merchant Center help, image_link"
_GOOGLE_GUIDES = "guides for Merchant Center"
_SHOPIFY = "Shopify's help page on product media"
_EBAY = "eBay's picture policy"
_EBAY_GUIDE = "eBay's guide for developers"
_ETSY = "guides for Etsy sellers"
_OWN = "what a web page needs"
_CUT_OUT = "what a page with a colored background needs"

_RGB = Rule(measure=Measure.COLOUR, values=("RGB", "grayscale"), source="all channels show sRGB")
_OPAQUE = Rule(measure=Measure.ALPHA, high=0.0, source="transparent areas may become black")
_SUFFIX = Rule(measure=Measure.SUFFIX, values=("as the content",), source=_GOOGLE)
_WHOLE = Rule(measure=Measure.MARGIN, low=1.0, source="the whole product has to be in the picture")
_TAGGED = Rule(
    measure=Measure.TAG, values=("stated",), source="Merchant Center and the AI Act of the European Union"
)


def _formats(source: str, *names: str) -> Rule:
    return Rule(measure=Measure.FORMAT, values=names, source=source)


def _amazon_sizes() -> tuple[Rule, ...]:
    return (
        Rule(measure=Measure.LONGEST, low=1000, high=10_000, source=f"{_AMAZON}; 1000 pixels for zoom"),
        Rule(measure=Measure.LONGEST, low=1600, is_advice=True, source=_AMAZON),
        _formats(_AMAZON, "JPEG", "PNG", "TIFF", "GIF"),
        _RGB,
        _OPAQUE,
        _SUFFIX,
        _TAGGED,
    )


_WHITE = Rule(measure=Measure.WHITE, low=255, source=_AMAZON)

_ALL = (
    Channel(
        name="amazon-main",
        title="Amazon, main picture",
        angles="main",
        side=2000,
        template="{sku}.MAIN.jpg",
        rules=(
            *_amazon_sizes(),
            _WHITE,
            Rule(measure=Measure.FILL, low=85, source=_AMAZON),
            _WHOLE,
            Rule(measure=Measure.COUNT, low=1, high=1, source=_AMAZON),
            Rule(measure=Measure.ORIGIN, values=(PHOTOGRAPH,), source=_AMAZON),
        ),
    ),
    Channel(
        name="amazon-secondary",
        title="Amazon, further pictures",
        angles="further",
        side=2000,
        template="{sku}.PT{number:02}.jpg",
        rules=(*_amazon_sizes(), Rule(measure=Measure.COUNT, low=1, high=8, source=_AMAZON)),
    ),
    Channel(
        name="amazon-360",
        title="Amazon, 360° View",
        angles="spin",
        side=2000,
        fill=None,
        template="{sku}_{number:03}.jpg",
        rules=(
            *_amazon_sizes(),
            _WHITE,
            Rule(measure=Measure.FILL, low=85, is_for_one=True, source=_AMAZON_360),
            _WHOLE,
            Rule(measure=Measure.COUNT, values=("24", "48", "72"), source=_AMAZON_360),
        ),
    ),
    Channel(
        name="google",
        title="Google Merchant Center",
        angles="all",
        side=1500,
        rules=(
            Rule(measure=Measure.SHORTEST, low=500, source=f"{_GOOGLE}; from 2027-01-31"),
            Rule(measure=Measure.SHORTEST, low=1500, is_advice=True, source=_GOOGLE),
            Rule(measure=Measure.MEGAPIXELS, high=64, source=_GOOGLE),
            Rule(measure=Measure.BYTES, high=16, source=_GOOGLE),
            _formats(_GOOGLE, "JPEG", "WebP", "PNG", "GIF", "BMP", "TIFF"),
            _SUFFIX,
            Rule(measure=Measure.FILL, low=75, high=90, is_advice=True, source=_GOOGLE_GUIDES),
            Rule(measure=Measure.WHITE, low=250, is_advice=True, source=_GOOGLE_GUIDES),
            Rule(measure=Measure.COUNT, low=1, high=11, source=_GOOGLE),
            _RGB,
            _TAGGED,
        ),
    ),
    Channel(
        name="shopify",
        title="Shopify",
        angles="all",
        side=2048,
        rules=(
            Rule(measure=Measure.LONGEST, high=5000, source=_SHOPIFY),
            Rule(measure=Measure.LONGEST, low=2048, is_advice=True, source=_SHOPIFY),
            Rule(measure=Measure.SHORTEST, low=800, source="below it, themes do not zoom"),
            Rule(measure=Measure.MEGAPIXELS, high=25, source=_SHOPIFY),
            Rule(measure=Measure.BYTES, high=20, source=_SHOPIFY),
            _formats(_SHOPIFY, "JPEG", "PNG", "WebP", "GIF"),
            Rule(measure=Measure.RATIO, low=0.99, high=1.01, is_advice=True, source=_SHOPIFY),
            Rule(measure=Measure.COUNT, low=1, high=250, source=_SHOPIFY),
            _RGB,
            _SUFFIX,
            _TAGGED,
        ),
    ),
    Channel(
        name="ebay",
        title="eBay",
        angles="all",
        side=1600,
        rules=(
            Rule(measure=Measure.LONGEST, low=500, source=_EBAY),
            Rule(measure=Measure.LONGEST, low=1600, is_advice=True, source=_EBAY),
            Rule(measure=Measure.BYTES, high=12, source=_EBAY_GUIDE),
            Rule(measure=Measure.QUALITY, low=90, is_advice=True, source=_EBAY_GUIDE),
            _formats(_EBAY_GUIDE, "JPEG", "PNG", "GIF", "BMP", "TIFF"),
            Rule(measure=Measure.COUNT, low=1, high=24, source=_EBAY_GUIDE),
            _RGB,
            _OPAQUE,
            _SUFFIX,
            _TAGGED,
        ),
    ),
    Channel(
        name="etsy",
        title="Etsy",
        angles="all",
        side=2000,
        rules=(
            Rule(measure=Measure.LONGEST, low=2000, is_advice=True, source=_ETSY),
            Rule(measure=Measure.BYTES, high=10, source=_ETSY),
            _formats(_ETSY, "JPEG", "PNG", "GIF"),
            Rule(measure=Measure.COUNT, low=1, high=10, source=_ETSY),
            Rule(measure=Measure.ORIGIN, values=(PHOTOGRAPH,), source="Etsy's listing image requirements"),
            _RGB,
            _SUFFIX,
            _TAGGED,
        ),
    ),
    Channel(
        name="web",
        title="Web page",
        angles="all",
        side=1600,
        fill=None,
        ratio=None,
        kind=FileKind.WEBP,
        quality=85,
        template="{sku}_{angle}_{width}.webp",
        keeps_alpha=True,
        rules=(
            Rule(measure=Measure.BYTES, high=1, source=_OWN),
            _formats(_OWN, "JPEG", "PNG", "WebP", "AVIF"),
            _RGB,
            _SUFFIX,
            _TAGGED,
        ),
    ),
    Channel(
        name="cut-out",
        title="Cut-outs",
        angles="all",
        side=2000,
        fill=None,
        ratio=None,
        kind=FileKind.PNG,
        quality=90,
        template="{sku}_{angle}_{width}.png",
        keeps_alpha=True,
        is_cut_out=True,
        rules=(
            Rule(measure=Measure.ALPHA, low=0.1, is_advice=True, source=_CUT_OUT),
            _formats(_CUT_OUT, "PNG", "WebP", "AVIF"),
            _RGB,
            _SUFFIX,
            _TAGGED,
        ),
    ),
)
CHANNELS: Mapping[str, Channel] = {channel.name: channel for channel in _ALL}
