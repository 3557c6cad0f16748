# SPDX-License-Identifier: GPL-3.0-or-later
"""A small animation of a video, for web pages and mails that cannot play the video itself."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from .choices import Preview

SIDE = 360  # Pixels of the longer side.
NEAR = 8  # Colours that differ by less, in steps of 255, count as the same for the palette.
SHADOW_SHADES = 48  # Of the palette. Pillow compares colours in steps of 4, so more would not be used.
DARKEST_SHADOW = 0.3  # Of the background's display value.
EVERY = 2  # Half of the frames are enough at this size.


def preview_of(frames: Sequence[Path], frames_per_second: float, kind: Preview) -> bytes:
    """The pictures in ``frames`` as an animation that loops for ever, at most ``SIDE`` pixels wide or high."""
    pictures = []
    for path in frames[::EVERY]:
        with Image.open(path) as frame:
            frame.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            pictures.append(frame.convert("RGB"))
    if kind is Preview.GIF:
        palette = _palette(pictures)
        pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    buffer = io.BytesIO()
    options = {"quality": 82, "method": 4} if kind is Preview.WEBP else {"optimize": False}
    pictures[0].save(
        buffer,
        kind.value,
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000.0 * EVERY / frames_per_second),
        loop=0,
        **options,
    )
    return buffer.getvalue()


def _shadow_shades(background: Sequence[int]) -> list[list[int]]:
    """The background under more and more shadow. Few pixels have these colours, so Pillow would pick too few of them."""
    darkest = 1.0 - DARKEST_SHADOW
    shares = (1.0 - darkest * step / SHADOW_SHADES for step in range(1, SHADOW_SHADES + 1))
    return [[round(value * share) for value in background] for share in shares]


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """One palette for all frames, so that colours do not flicker. It contains the exact background colour."""
    some = pictures[:: max(1, len(pictures) // 12)]
    strip = Image.new("RGB", (some[0].width, some[0].height * len(some)))
    for index, picture in enumerate(some):
        strip.paste(picture, (0, index * picture.height))
    background = list(some[0].tobytes()[:3])
    shadow = _shadow_shades(background)
    found = strip.quantize(255 - len(shadow)).getpalette() or []
    colours = [found[start : start + 3] for start in range(0, len(found), 3)]
    # Pillow may pick a colour that is only near: leave none close to the background.
    others = [colour for colour in colours if max(map(abs, map(int.__sub__, colour, background))) > NEAR]
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for colour in (background, *shadow, *others) for value in colour])
    return palette
