# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognize a file by its content, and tell whether it is complete."""

import os
import struct
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from ..processes.fal_keys import PHOTO_SUFFIXES
from . import mp4, picture_files
from .input_files import open_regular

HEAD_BYTES = 16  # Enough to recognize every type.
MAX_BOXES = 1024  # At the top level of an AVIF or HEIC file, which has about five.
PNG_END = b"IEND\xaeB`\x82"  # The last chunk of a PNG: its type and checksum.


class FileKind(StrEnum):
    """File types by their content. The value is the usual extension, without the dot."""

    GLB = "glb"
    PNG = "png"
    JPEG = "jpg"
    WEBP = "webp"
    AVIF = "avif"
    HEIC = "heic"
    MP4 = "mp4"
    MOV = "mov"
    UNKNOWN = ""


# The types of picture that fal.ai's endpoints accept and return.
PICTURES = frozenset({FileKind.PNG, FileKind.JPEG, FileKind.WEBP})
MEDIA_TYPES = {
    FileKind.PNG: "image/png",
    FileKind.JPEG: "image/jpeg",
    FileKind.WEBP: "image/webp",
    FileKind.MP4: "video/mp4",
}
PHOTOS = PICTURES | {
    FileKind.AVIF,
    FileKind.HEIC,
}  # What photos may be; they are sent in a type of ``PICTURES``.
PHOTO_NAMES = "PNG, JPEG, WebP, AVIF or HEIC photo"
PICTURE_SUFFIXES = frozenset(PHOTO_SUFFIXES)  # Lower-case, with the dot.

# The major brands of ISO media files that are not MP4 (ISO/IEC 23008-12, annex B; AV1 Image File Format, 6; QuickTime File
# Format, "Movie header").
_OTHER_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), FileKind.AVIF),
    b"qt  ": FileKind.MOV,
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), FileKind.HEIC),
}


def media_type(kind: FileKind) -> str:
    """The media type (RFC 9110, 8.3) of a file for an upload."""
    return MEDIA_TYPES.get(kind, "application/octet-stream")


def kind_of(head: bytes) -> FileKind:
    """The type of a file by its first 12 bytes or more."""
    if head.startswith(b"glTF"):
        return FileKind.GLB
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return FileKind.WEBP
    if head[4:8] == b"ftyp":
        return _OTHER_BRANDS.get(head[8:12], FileKind.MP4)
    return FileKind.UNKNOWN


def kind_of_file(path: Path) -> FileKind:
    """The type of a file by its content. Raises OSError, as ``open_regular``."""
    with open_regular(path) as stream:
        return kind_of(stream.read(HEAD_BYTES))


def missing_end(path: Path) -> str:
    """Why a file is not complete by the rules of its format, or "" when it is. It takes a bounded time.

    Pictures of too many pieces to be decoded in bounded time do not count as complete (``picture_files``).

    GLB: the length in the 12-byte header (glTF 2.0, 4.4.2). PNG: the IEND chunk. JPEG: the EOI marker. WebP: the RIFF
    length. MP4: as ``mp4.gap``. AVIF and HEIC: the lengths of the boxes (ISO/IEC 14496-12, 4.2). Raises OSError, as ``open_regular``.
    """
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        head = stream.read(HEAD_BYTES)
        match kind_of(head):
            case FileKind.GLB:
                return _missing_bytes(size, struct.unpack_from("<I", head, 8)[0] if size >= 12 else 12)
            case FileKind.WEBP:
                announced = struct.unpack_from("<I", head, 4)[0] + 8
                return _missing_bytes(size, announced) or picture_files.webp_excess(stream, size)
            case FileKind.PNG:
                is_whole = PNG_END in _tail(stream, size)
                return picture_files.png_excess(stream, size) if is_whole else "its end (IEND) is missing"
            case FileKind.JPEG:
                is_whole = b"\xff\xd9" in _tail(stream, size)
                return picture_files.jpeg_excess(stream, size) if is_whole else "its end marker is missing"
            case FileKind.MP4 | FileKind.MOV:
                return mp4.gap(stream, size)
            case FileKind.AVIF | FileKind.HEIC:
                return _missing_box(stream, size)
            case _:
                return "its type is unknown"


def excess_of(path: Path) -> str:
    """What a picture has too many of to be decoded in bounded time, or "" (``picture_files``). Raises OSError."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        match kind_of(stream.read(HEAD_BYTES)):
            case FileKind.PNG:
                return picture_files.png_excess(stream, size)
            case FileKind.JPEG:
                return picture_files.jpeg_excess(stream, size)
            case FileKind.WEBP:
                return picture_files.webp_excess(stream, size)
            case _:
                return ""


def _missing_bytes(size: int, announced: int) -> str:
    return "" if size >= announced else f"it has {size} of {announced} bytes"


def _tail(stream: BinaryIO, size: int) -> bytes:
    stream.seek(max(0, size - 64))
    return stream.read()


def _missing_box(stream: BinaryIO, size: int) -> str:
    """Each box begins with its length in 4 bytes and its type; 1 means that 8 bytes follow, 0 the rest of the file."""
    place = 0
    for _box in range(MAX_BOXES):
        stream.seek(place)
        head = stream.read(16)
        if len(head) < 8:
            return "" if not head else f"a box is cut off at byte {place}"
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            return ""
        if length < 8 or place + length > size:
            return f"it has {size} of {max(place + length, size + 1)} bytes"
        place += length
    return f"it has more than {MAX_BOXES} boxes"
