# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a picture file for the rules of channels. Nothing here knows a rule."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..files.input_files import read_regular
from ..files.kinds import excess_of
from ..imaging.provenance import SourceType, source_type_of
from ..imaging.sent_picture import DECODING_ERRORS
from .rules import PHOTOGRAPH, Measure

MAX_BYTES = 256 << 20
NEAR_BACKGROUND = 12  # Of 255: grain and compression change a plain background by this much.
FORMAT_NAMES = {
    "JPEG": "JPEG",
    "MPO": "JPEG",  # With further pictures behind the first; the decoder of JPEG opens it.
    "PNG": "PNG",
    "WEBP": "WebP",
    "AVIF": "AVIF",
    "GIF": "GIF",
    "BMP": "BMP",
    "TIFF": "TIFF",
}
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"),
}
_MODES = {
    "RGB": "RGB",
    "RGBA": "RGB",
    "P": "RGB",
    "PA": "RGB",
    "L": "grayscale",
    "LA": "grayscale",
    "1": "grayscale",
    "I;16": "16-bit grayscale",
}
ORIGINS = {
    SourceType.GENERATED.value: "made by an AI model",
    SourceType.COMPOSITE.value: "partly made by an AI model",
    SourceType.RENDER.value: "render",
}
Box = tuple[int, int, int, int]  # Left, top, right and bottom in pixels; right and bottom are outside.


@dataclass(frozen=True, slots=True)
class Measured:
    """The values of a file, numbers or names; ``problem`` says why it could not be read."""

    values: Mapping[Measure, float | str]
    problem: str = ""


def measured(path: Path, *, box: Box | None = None, origin: str = "") -> Measured:
    """The values of the picture in ``path``.

    ``box``: where the product is, when that is known from its mask; otherwise everything that differs from the
    background counts, its shadow too. ``origin``: how it was made, when the file itself does not say it.
    """
    try:
        if excess := excess_of(path):
            return Measured({}, f"it cannot be read safely: {excess}")
        data = read_regular(path, MAX_BYTES)
        with Image.open(io.BytesIO(data), formats=[name for name in FORMAT_NAMES if name != "MPO"]) as image:
            image.load()
            return Measured(_values(path, data, image, box, origin))
    except Image.DecompressionBombError:
        return Measured({}, "it has too many pixels")
    except DECODING_ERRORS as error:
        return Measured({}, f"it cannot be read as a picture ({error})")


def _values(
    path: Path, data: bytes, image: Image.Image, box: Box | None, origin: str
) -> dict[Measure, float | str]:
    width, height = image.size
    kind = FORMAT_NAMES[image.format or ""]
    alpha = alpha_of(image)
    colour = np.asarray(image.convert("RGB"))
    shown = box or product_box(colour, alpha)
    stated = source_type_of(data)
    source_type = stated or origin
    values: dict[Measure, float | str] = {
        Measure.LONGEST: max(width, height),
        Measure.SHORTEST: min(width, height),
        Measure.MEGAPIXELS: round(width * height / 1e6, 2),
        Measure.BYTES: round(len(data) / 1e6, 3),
        Measure.RATIO: round(width / height, 4),
        Measure.ALPHA: 0.0 if alpha is None else float(f"{100.0 * float((alpha < 255).mean()):.3g}"),
        Measure.COLOUR: _MODES.get(image.mode, image.mode),
        Measure.FORMAT: kind,
        Measure.SUFFIX: "as the content"
        if path.suffix.lower() in suffixes_of(kind)
        else f"{path.suffix} for {kind}",
        Measure.WHITE: _darkest_border(colour, alpha),
        Measure.ORIGIN: ORIGINS.get(source_type, PHOTOGRAPH),
        Measure.TAG: "stated" if stated or not source_type else "not stated",
    }
    if shown:
        values[Measure.FILL] = round(fill_of_box(shown, image.size), 2)
        values[Measure.MARGIN] = min(shown[0], shown[1], width - shown[2], height - shown[3])
    if kind == "JPEG":
        values[Measure.QUALITY] = jpeg_quality(image)
    return values


def suffixes_of(kind: str) -> tuple[str, ...]:
    """The extensions of a format, lower-case, with the dot; the first is the usual one."""
    return _SUFFIXES.get(kind, (f".{kind.lower()}",))


def alpha_of(image: Image.Image) -> NDArray[np.uint8] | None:
    """The alpha channel, (height, width); ``None`` when the picture has no transparency."""
    if not image.has_transparency_data:
        return None
    return np.asarray(image.convert("RGBA").getchannel("A"))


def fill_of_box(box: Box, size: tuple[int, int]) -> float:
    """The larger of width and height of a box, in percent of those of the picture."""
    return 100.0 * max((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1])


def product_box(colour: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> Box | None:
    """Where a picture, (height, width, 3), differs from its background; ``None`` when it is plain.

    The background is the usual colour of the border. With transparency, it is what is transparent.
    """
    if alpha is not None and int(alpha.min()) < 255:
        seen = alpha > 0
    else:
        border = np.median(_border(colour), axis=0)
        seen = np.abs(colour.astype(np.int16) - border.astype(np.int16)).max(axis=-1) > NEAR_BACKGROUND
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def jpeg_quality(image: Image.Image) -> float:
    """The quality of libjpeg, 1 to 100, that has such a table for brightness (ITU-T T.81, table K.1)."""
    tables = getattr(image, "quantization", {})
    if 0 not in tables:
        return 100.0
    scale = 100.0 * float(sum(tables[0])) / sum(_LUMINANCE)
    return float(round((200.0 - scale) / 2.0 if scale <= 100.0 else 5000.0 / scale))


def _border(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _darkest_border(colour: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> float:
    """The darkest value of the outermost pixels, as on white."""
    border = _border(colour).astype(np.float64)
    if alpha is not None:
        share = _border(alpha[..., None]).astype(np.float64) / 255.0
        border = border * share + 255.0 * (1.0 - share)
    return float(np.floor(border.min() + 0.5))


# ITU-T T.81, table K.1.
_LUMINANCE = [
    *(
        16,
        11,
        10,
        16,
        24,
        40,
        51,
        61,
        12,
        12,
        14,
        19,
        26,
        58,
        60,
        55,
        14,
        13,
        16,
        24,
        40,
        57,
        69,
        56,
        14,
        17,
        22,
        29,
    ),
    *(
        51,
        87,
        80,
        62,
        18,
        22,
        37,
        56,
        68,
        109,
        103,
        77,
        24,
        35,
        55,
        64,
        81,
        104,
        113,
        92,
        49,
        64,
        78,
        87,
        103,
        121,
    ),
    *(120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
]
