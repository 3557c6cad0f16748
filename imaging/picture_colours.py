# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of photos in sRGB, whatever profile and number of bits they come with."""

import io

import numpy as np
from PIL import Image, ImageCms

SAME_COLOUR = 3  # Of 255: sRGB profiles of different makers differ by this much.
_STEPS = 5  # Of each channel, to compare a profile with sRGB.
_SRGB = ImageCms.createProfile("sRGB")
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # Of pixels, by the colour space of their profile.
_BASES = {
    "1": "L",
    "L": "L",
    "LA": "L",
    "CMYK": "CMYK",
}  # Modes that are not converted to RGB before the profile.


def is_srgb(profile: bytes) -> bool:
    """Whether an ICC profile is that of sRGB, judged by what it does. True for one that cannot be read."""
    source = _read(profile)
    if source is None:
        return True
    if source.profile.xcolor_space != "RGB ":
        return False
    levels = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(_STEPS, -1, 3)
    shown = _converted(Image.fromarray(colours), source)
    return shown is None or bool(np.abs(np.asarray(shown, int) - colours.astype(int)).max() <= SAME_COLOUR)


def in_srgb(image: Image.Image) -> Image.Image:
    """The picture with 8 bits in sRGB: RGB, or RGBA where something of it is transparent.

    A profile that is damaged, or is not one for such pixels, is ignored, as browsers do.
    """
    source = _read(image.info.get("icc_profile") or b"")
    image = _eight_bits(image)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    colour = (image.convert("RGBA") if image.mode == "P" else image).convert(_BASES.get(image.mode, "RGB"))
    is_for_it = source is not None and _MODES.get(source.profile.xcolor_space) == colour.mode
    result = (_converted(colour, source) if source and is_for_it else None) or colour.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        result.putalpha(alpha)
    return result


def _eight_bits(image: Image.Image) -> Image.Image:
    """Pillow would clip grey pictures of 16 bits instead of scaling them."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    return Image.fromarray(
        (values >> 8 if image.mode != "I" or values.max() > 255 else values).astype(np.uint8)
    )


def _read(profile: bytes) -> ImageCms.ImageCmsProfile | None:
    if not profile:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ValueError, TypeError):
        return None


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    """From the colours of a profile to sRGB; ``None`` when that cannot be done."""
    try:
        return ImageCms.profileToProfile(
            image,
            source,
            _SRGB,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, ValueError):
        return None
