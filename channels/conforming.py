# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops, pads, resizes and encodes a picture for a channel."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from ..files.kinds import FileKind
from ..imaging.compose import to_display, to_linear
from ..imaging.picture_colours import in_srgb
from ..imaging.provenance import Provenance
from ..photo_set.provenance import finished
from .measuring import NEAR_BACKGROUND, Box, alpha_of
from .rules import Channel, Measure

MIN_QUALITY = 60  # Below it, blocks become visible; a file that is still too large is reported.
_QUALITY_STEP = 6
_DATE = slice(
    24, 36
)  # Of an ICC profile: when it was made (ICC.1:2022, 7.2.9). Equal pictures shall be equal files.
_PILLOW_NAMES = {
    FileKind.JPEG: "JPEG",
    FileKind.PNG: "PNG",
    FileKind.WEBP: "WEBP",
    FileKind.AVIF: "AVIF",
}


class ConformError(ValueError):
    """Why a picture cannot be made to meet the rules, as a sentence."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of a source picture that is shown, in its pixels; it may reach beyond the picture."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """How a source picture is shown: the part of it, the size of the result in pixels, the product in the result."""

    frame: Frame
    size: tuple[int, int]
    box: Box | None


def layout_for(size: tuple[int, int], box: Box | None, channel: Channel, *, side: int) -> Layout:
    """How a picture of ``size`` is shown with at most ``side`` pixels; it is never enlarged."""
    frame = frame_for(size, box, channel)
    scale = min(1.0, side / max(frame.width, frame.height))
    result = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    return Layout(frame, result, box and _moved(box, frame, result))


def frame_for(size: tuple[int, int], box: Box | None, channel: Channel) -> Frame:
    """What a channel shows of a picture of ``size``: the product with the fill of the channel.

    ``box`` is ``None`` for a picture that does not show the whole product, which is only cut to the shape.
    """
    width, height = size
    if box is None or channel.fill is None:
        ratio = channel.ratio or width / height
        shown = (min(width, height * ratio), min(height, width / ratio))
        return Frame((width - shown[0]) / 2.0, (height - shown[1]) / 2.0, *shown)
    ratio = channel.ratio or width / height
    share = channel.fill / 100.0
    wide = max((box[2] - box[0]) / share, (box[3] - box[1]) / share * ratio)
    centre = ((box[0] + box[2]) / 2.0, (box[1] + box[3]) / 2.0)
    return Frame(centre[0] - wide / 2.0, centre[1] - wide / ratio / 2.0, wide, wide / ratio)


def conformed(picture: Image.Image, layout: Layout, channel: Channel) -> Image.Image:
    """The picture as the channel shows it, in sRGB, RGB or RGBA.

    Raises ConformError when the frame reaches beyond the picture and its background is not plain.
    """
    picture, frame = in_srgb(picture), layout.frame
    if not channel.keeps_alpha and picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    if (frame.left, frame.top) == (0, 0) and layout.size == picture.size == (frame.width, frame.height):
        return picture
    padded, margin = _padded(picture, frame)
    left, top = frame.left + margin, frame.top + margin
    return _resized(padded, layout.size, (left, top, left + frame.width, top + frame.height))


def encoded(
    picture: Image.Image, channel: Channel, kind: FileKind, provenance: Provenance, name: str
) -> bytes:
    """The file, with the profile of sRGB and how the picture was made; JPEG, WebP and AVIF within the channel's size."""
    _low, limit = channel.limit(Measure.BYTES)
    quality = channel.quality
    while True:
        data = finished(_encoded(picture, kind, quality, provenance), provenance, name)
        is_small = limit is None or len(data) <= limit * 1e6
        if is_small or kind is FileKind.PNG or quality - _QUALITY_STEP < MIN_QUALITY:
            return data
        quality -= _QUALITY_STEP


def srgb_profile() -> bytes:
    """An ICC profile of sRGB, the same every time."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[_DATE] = bytes((0x07, 0xEA, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))
    return bytes(data)


def _encoded(picture: Image.Image, kind: FileKind, quality: int, provenance: Provenance) -> bytes:
    options: dict[str, object] = {"icc_profile": srgb_profile()}
    if kind is FileKind.JPEG:
        options |= {"quality": quality, "subsampling": 0, "optimize": True}
    elif kind is FileKind.WEBP:
        options |= {"quality": quality, "method": 4}
    elif kind is FileKind.AVIF:
        options |= {"quality": quality, "xmp": provenance.packet()}
    else:
        options |= {"compress_level": 6}
    buffer = io.BytesIO()
    if kind is FileKind.JPEG and picture.mode != "RGB":
        picture = picture.convert("RGB")
    picture.save(buffer, _PILLOW_NAMES[kind], **options)
    return buffer.getvalue()


def _padded(picture: Image.Image, frame: Frame) -> tuple[Image.Image, int]:
    """The picture with enough background around it for the frame, and the width of what was added."""
    beyond = max(
        -frame.left,
        -frame.top,
        frame.left + frame.width - picture.width,
        frame.top + frame.height - picture.height,
    )
    if beyond <= 1e-6:
        return picture, 0
    margin = int(np.ceil(beyond)) + 4  # Lanczos reads beyond the frame.
    colour = _ground_of(picture)
    wide = Image.new(picture.mode, (picture.width + 2 * margin, picture.height + 2 * margin), colour)
    wide.paste(picture, (margin, margin))
    return wide, margin


def _ground_of(picture: Image.Image) -> tuple[int, ...]:
    """The colour of the background. Raises ConformError when it is not plain at the border."""
    if picture.mode == "RGBA":
        return (0, 0, 0, 0)
    values = np.asarray(picture)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]]).astype(np.int16)
    ground = np.median(border, axis=0)
    if np.percentile(np.abs(border - ground).max(axis=-1), 99) > NEAR_BACKGROUND:
        raise ConformError(
            "the product fills too much of it, and its background is not plain enough to add a margin"
        )
    return tuple(int(value) for value in ground)


def _resized(
    picture: Image.Image, size: tuple[int, int], area: tuple[float, float, float, float]
) -> Image.Image:
    """Lanczos in linear light, with premultiplied alpha: bright and dark details keep their weight."""
    alpha = alpha_of(picture)
    colour = to_linear(np.asarray(picture.convert("RGB")).astype(np.float32) / 255.0).astype(np.float32)
    planes = [colour[..., index] for index in range(3)]
    if alpha is not None:
        cover = alpha.astype(np.float32) / 255.0
        planes = [plane * cover for plane in planes] + [cover]
    small = [
        np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS, box=area))
        for plane in planes
    ]
    result = np.clip(np.stack(small, axis=-1), 0.0, 1.0)
    if alpha is not None:
        cover = result[..., 3:]
        result = np.concatenate([result[..., :3] / np.maximum(cover, 1e-4), cover], axis=-1)
        result = np.clip(result, 0.0, 1.0)
    result[..., :3] = to_display(result[..., :3])
    return Image.fromarray(np.floor(result * 255.0 + 0.5).astype(np.uint8))


def _moved(box: Box, frame: Frame, size: tuple[int, int]) -> Box:
    """A box of the source in the pixels of the result, rounded outwards."""
    across, down = size[0] / frame.width, size[1] / frame.height
    return (
        max(0, int(np.floor((box[0] - frame.left) * across + 1e-6))),
        max(0, int(np.floor((box[1] - frame.top) * down + 1e-6))),
        min(size[0], int(np.ceil((box[2] - frame.left) * across - 1e-6))),
        min(size[1], int(np.ceil((box[3] - frame.top) * down - 1e-6))),
    )
