# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what a JPEG or PNG says about the person who took it, without touching its pixels.

Exif has place, time and the serial number of the camera; XMP and IPTC may have the same.
"""

import struct

from ..files.picture_files import BARE_MARKERS, EOI, SOS

_SOI = b"\xff\xd8"
_APP1, _APP2, _APP13 = 0xE1, 0xE2, 0xED
MAX_PADDING = (
    32  # Bytes behind the end of a picture. More is another file, such as the clip of a motion photo.
)
_PNG_SIGNATURE_BYTES = 8
# Chunks of a PNG with text, in which ImageMagick ("Raw profile type …") and others keep Exif, XMP and IPTC.
_TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PRIVATE_KEYWORDS = (b"XML:com.adobe.xmp", b"Raw profile type")


def without_metadata(data: bytes) -> bytes:
    """The file without Exif, XMP and IPTC, and without what follows the end of the picture.

    ``data`` itself when it has none, and for other formats. What is damaged is left as it is.
    """
    try:
        if data.startswith(_SOI):
            return _of_jpeg(data)
        if data.startswith(b"\x89PNG"):
            return _of_png(data)
    except (struct.error, IndexError):
        return data
    return data


def _of_jpeg(data: bytes) -> bytes:
    """ITU-T T.81, B.1: segments up to the first scan, then coded pixels up to the end marker."""
    kept, position, has_private = [_SOI], 2, False
    while True:
        if data[position] != 0xFF:
            return data
        marker = data[position + 1]
        if marker == 0xFF:  # A fill byte.
            position += 1
            continue
        if marker in (SOS, EOI):
            break
        if marker in BARE_MARKERS:
            return data
        end = position + 2 + int(struct.unpack_from(">H", data, position + 2)[0])
        if _is_private_segment(marker, data[position + 4 : position + 40]):
            has_private = True
        else:
            kept.append(data[position:end])
        position = end
    end = _end_of_pixels(data, position)
    is_followed = len(data) - end > MAX_PADDING
    return b"".join(kept) + data[position:end] if has_private or is_followed else data


def _is_private_segment(marker: int, head: bytes) -> bool:
    """The index of further pictures (MPF) counts: they follow the end of the first, with Exif of their own."""
    if marker == _APP1:
        return True
    return (marker == _APP2 and head.startswith(b"MPF\0")) or marker == _APP13


def _end_of_pixels(data: bytes, position: int) -> int:
    """Where the first picture ends. A progressive one has tables between its scans."""
    while position < len(data):
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            break
        marker = data[position + 1]
        if marker == EOI:
            return position + 2
        if marker == 0xFF:
            position += 1
        elif marker in BARE_MARKERS:
            position += 2
        else:
            position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
    return len(data)


def _of_png(data: bytes) -> bytes:
    """PNG, third edition, 5.3: length, type, content and checksum of each chunk."""
    kept, position, has_private = [data[:_PNG_SIGNATURE_BYTES]], _PNG_SIGNATURE_BYTES, False
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + int(length)
        content = data[position + 8 : position + 40]
        if kind == b"eXIf" or (kind in _TEXT_CHUNKS and content.startswith(_PRIVATE_KEYWORDS)):
            has_private = True
        else:
            kept.append(data[position:end])
        position = end
        if kind == b"IEND":
            break
    is_followed = len(data) - position > MAX_PADDING
    return b"".join(kept) if has_private or is_followed else data
