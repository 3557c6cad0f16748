# SPDX-License-Identifier: GPL-3.0-or-later
"""What shops and pages take of a spin: JPEG files in a zip, one sprite, and small frames for a page."""

import io
import math
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms

JPEG_QUALITY = 95
WEBP_QUALITY = 84
PAGE_SIDE = 1024  # Pixels of a frame in the page, at most.
SPRITE_SIDE = 8192  # Pixels of the sprite, at most: what phones decode, and half of what WebP allows.
SPRITE_FRAME = 512  # Pixels of a frame in it, at most.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # The earliest that a zip can hold: the time of the run does not matter.


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How frames lie in a sprite: row by row from the upper left corner; ``side`` is that of a frame in pixels."""

    columns: int
    rows: int
    side: int


def grid_for(count: int, side: int) -> Grid:
    """The grid for ``count`` square frames of ``side`` pixels, which are made smaller if there is no room for them."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    return Grid(columns=columns, rows=rows, side=min(side, SPRITE_FRAME, SPRITE_SIDE // columns))


def sprite_of(frames: Sequence[Path], grid: Grid) -> bytes:
    """All frames in one WebP picture; what is left of the last row has the color of the first corner."""
    sprite: Image.Image | None = None
    for index, path in enumerate(frames):
        picture = _shrunk(path, grid.side)
        if sprite is None:
            corner = picture.getpixel((0, 0))
            size = (grid.columns * grid.side, grid.rows * grid.side)
            sprite = Image.new(picture.mode, size, corner)
        row, column = divmod(index, grid.columns)
        sprite.paste(picture, (column * grid.side, row * grid.side))
    assert sprite is not None, "a spin has frames"
    return _webp(sprite)


def page_frame(path: Path) -> bytes:
    """A frame as WebP, at most ``PAGE_SIDE`` pixels, with its transparency."""
    return _webp(_shrunk(path, PAGE_SIDE))


def jpeg_of(path: Path) -> bytes:
    """A frame as JPEG in sRGB, with the profile in it; white replaces transparency."""
    with Image.open(path) as picture:
        if picture.mode == "RGBA":
            ground = Image.new("RGBA", picture.size, "white")
            shown = Image.alpha_composite(ground, picture).convert("RGB")
        else:
            shown = picture.convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True, icc_profile=profile)
    return buffer.getvalue()


def zip_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of pictures, which are compressed already, by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def _shrunk(path: Path, side: int) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        if picture.width <= side:
            return picture.copy()
        return picture.resize((side, side), Image.Resampling.LANCZOS)


def _webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    return buffer.getvalue()
