# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent of a picture: upright by its pixels, in sRGB, in a format that the endpoint accepts, without metadata.

Image models read the pixels of a file. Orientation, colour profile and further pictures are ignored by most of them,
and nothing says which.
"""

import contextlib
import importlib
import io
import struct
import warnings
from collections.abc import Collection, Iterator

from PIL import Image, ImageOps, UnidentifiedImageError, features

from ..files.kinds import PNG_END, FileKind, kind_of
from .picture_colours import in_srgb, is_srgb
from .picture_metadata import MAX_PADDING, without_metadata

MAX_SENT_SIDE = 8192  # In pixels. No endpoint documents that it uses more of a photo.
JPEG_QUALITY = 95  # With full colour resolution: the second loss is invisible.
_ORIENTATION = 0x0112  # Exif 3.0, 4.6.5.1.
_FORMATS = {
    FileKind.PNG: ("PNG",),
    FileKind.JPEG: ("JPEG",),  # Also those with further pictures (MPO).
    FileKind.WEBP: ("WEBP",),
    FileKind.AVIF: ("AVIF",),
    FileKind.HEIC: ("HEIF",),
}
_ENDS = {
    FileKind.PNG: PNG_END,
    FileKind.JPEG: b"\xff\xd9",
}  # Without them, only lenient decoders read the file.
# What Pillow raises for damaged files, by their format; those with too many pixels have an error of their kind.
DECODING_ERRORS = (OSError, SyntaxError, ValueError, RuntimeError, EOFError, struct.error)


class PictureError(ValueError):
    """Why a picture cannot be read; completes "NAME …". ``hint`` is what to do."""

    def __init__(self, reason: str, *, hint: str = "Export the photo again.") -> None:
        super().__init__(reason)
        self.hint = hint


@contextlib.contextmanager
def opened_picture(data: bytes) -> Iterator[Image.Image]:
    """The first picture of a file, decoded. Raises PictureError."""
    kind = kind_of(data)
    _require_decoder(kind)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", Image.DecompressionBombWarning
            )  # It is an error from twice as many on.
            with Image.open(io.BytesIO(data), formats=_FORMATS.get(kind, ())) as image:
                image.load()
                yield image
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(
            "has too many pixels to be read safely", hint="Scale it to 4096 pixels a side."
        ) from error
    except UnidentifiedImageError as error:  # Its text names an object of Python.
        raise PictureError("is damaged: it has no picture") from error
    except DECODING_ERRORS as error:
        raise PictureError(f"is damaged: {error}") from error


def as_sent(data: bytes, accepted: Collection[FileKind]) -> bytes:
    """The file to send to an endpoint that accepts these formats; ``data`` itself when nothing has to change.

    The same data gives the same bytes, as long as the same versions of the image libraries are used.
    Raises PictureError.
    """
    kind = kind_of(data)
    with opened_picture(data) as image:
        if kind in accepted and not _must_be_drawn(data, kind, image):
            plain = without_metadata(data)
            if _ENDS.get(kind, b"") in plain[-MAX_PADDING - 16 :]:
                return plain
        return _encoded(_drawn(image), kind, accepted)


def _require_decoder(kind: FileKind) -> None:
    if kind is FileKind.HEIC and not _reads_heic():
        raise PictureError(
            "is a HEIC photo, which cannot be read here",
            hint="Export it as JPEG, or install the package pillow-heif.",
        )
    if kind is FileKind.AVIF and not features.check("avif"):
        raise PictureError("is an AVIF photo, which cannot be read here", hint="Export it as JPEG.")


def _reads_heic() -> bool:
    """Whether the plug-in for HEIC is there. There are no wheels of it for every platform of the extension."""
    try:
        pillow_heif = importlib.import_module("pillow_heif")
    except ImportError:
        return False
    pillow_heif.register_heif_opener(thumbnails=False)
    return True


def _must_be_drawn(data: bytes, kind: FileKind, image: Image.Image) -> bool:
    """Whether the pixels have to be written again, because a reader could take them for something else."""
    has_deep_pixels = (
        kind is FileKind.PNG and data[24] > 8
    )  # The bit depth in IHDR (PNG, third edition, 11.2.1).
    is_webp_with_metadata = kind is FileKind.WEBP and bool({"exif", "xmp"} & set(image.info))
    return (
        image.mode not in ("RGB", "RGBA", "P")
        or has_deep_pixels
        or is_webp_with_metadata
        or (kind is not FileKind.JPEG and getattr(image, "n_frames", 1) > 1)
        or max(image.size) > MAX_SENT_SIDE
        or _orientation(image) != 1
        or not is_srgb(image.info.get("icc_profile") or b"")
    )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (ValueError, TypeError, KeyError, SyntaxError, OSError, struct.error):
        return 1  # Exif that cannot be read turns nothing.


def _drawn(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image) if _orientation(image) in range(2, 9) else image
    upright.info.setdefault("icc_profile", image.info.get("icc_profile"))
    drawn = in_srgb(upright)
    if max(drawn.size) > MAX_SENT_SIDE:
        drawn.thumbnail((MAX_SENT_SIDE, MAX_SENT_SIDE), Image.Resampling.LANCZOS)
    return drawn


def _encoded(image: Image.Image, kind: FileKind, accepted: Collection[FileKind]) -> bytes:
    """PNG for what is transparent or came as PNG, and JPEG for photos, which would be many times larger as PNG."""
    buffer = io.BytesIO()
    is_png = FileKind.JPEG not in accepted or image.mode == "RGBA" or kind is FileKind.PNG
    # Without ``info``, Pillow writes no metadata of the original.
    plain = Image.frombytes(image.mode, image.size, image.tobytes())
    if is_png and FileKind.PNG in accepted:
        plain.save(buffer, "PNG")
    else:
        plain.convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
