# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a PNG, JPEG or WebP file can be decoded in bounded time and memory.

Decoders limit the pixels of a picture but not the number of its pieces: a few megabytes of empty chunks, scans or
frames keep them busy for minutes. The pieces are counted here without decoding them.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAX_CHUNKS = 1 << 18  # Of a PNG: two gigabytes in the 8 KB pieces that libpng writes.
MAX_OTHER_BYTES = 64 << 20  # Of a PNG, in chunks without pixels: as much text as Pillow accepts.
MAX_SEGMENTS = 2048  # Of a JPEG before its pixels; each is 64 KB at most.
MAX_SCANS = 200  # Of a JPEG: progressive ones have about ten. Each costs a pass over all pixels.
MAX_FRAMES = 4096  # Of an animated WebP.
BLOCK_BYTES = 1 << 20

PIXEL_CHUNKS = frozenset({b"IDAT", b"fdAT"})
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA  # Markers of JPEG (ITU-T T.81, table B.1).
BARE_MARKERS = frozenset({0x00, 0x01, SOI, *range(0xD0, 0xD8)})  # No length follows them.


def png_excess(stream: BinaryIO, size: int) -> str:
    """What a PNG of ``size`` bytes has too much of, or "" (PNG, third edition, 5.3)."""
    others = 0
    for number, (kind, length) in enumerate(_chunks(stream, 8, size, ">I4s", overhead=12)):
        if number >= MAX_CHUNKS:
            return f"it has more than {MAX_CHUNKS} chunks"
        others += 0 if kind in PIXEL_CHUNKS else length
        if others > MAX_OTHER_BYTES:
            return f"it has more than {MAX_OTHER_BYTES >> 20} MB in chunks without pixels"
        if kind == b"IEND":
            break
    return ""


def webp_excess(stream: BinaryIO, size: int) -> str:
    """What a WebP of ``size`` bytes has too much of, or "" (RFC 9649, 2.3)."""
    frames = 0
    for number, (kind, _length) in enumerate(_chunks(stream, 12, size, "<4sI", overhead=8, is_even=True)):
        frames += kind == b"ANMF"
        if frames > MAX_FRAMES or number >= 2 * MAX_FRAMES:
            return f"it has more than {MAX_FRAMES} frames"
    return ""


def jpeg_excess(stream: BinaryIO, size: int) -> str:
    """What a JPEG of ``size`` bytes has too much of, or "" (ITU-T T.81, B.1)."""
    position = 0
    for _step in range(MAX_SEGMENTS):
        stream.seek(position)
        head = stream.read(4)
        if len(head) < 4 or (head[0] == 0xFF and head[1] in (SOS, EOI)):
            break
        position += _length_at(head)
    else:
        return f"it has more than {MAX_SEGMENTS} segments before its pixels"
    return f"it has more than {MAX_SCANS} scans" if _scans(stream, position) > MAX_SCANS else ""


def _length_at(head: bytes) -> int:
    """Bytes to the next marker, from where one is expected; 1 when none is there."""
    if head[0] != 0xFF or head[1] == 0xFF:
        return 1
    return 2 if head[1] in BARE_MARKERS else 2 + max(2, int.from_bytes(head[2:4], "big"))


def _scans(stream: BinaryIO, position: int) -> int:
    """The number of scans. In coded pixels, 0xFF is never followed by their marker."""
    stream.seek(position)
    found, last = 0, b""
    while block := stream.read(BLOCK_BYTES):
        found += (last + block).count(bytes((0xFF, SOS)))
        if found > MAX_SCANS:
            break
        last = block[-1:]
    return found


def _chunks(
    stream: BinaryIO, start: int, size: int, form: str, *, overhead: int, is_even: bool = False
) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk, until one is cut off. ``overhead``: the bytes around the content."""
    while start + overhead <= size:
        stream.seek(start)
        first, second = struct.unpack(form, stream.read(8))
        kind, length = (second, first) if isinstance(first, int) else (first, second)
        yield kind, length
        start += overhead + length + (length % 2 if is_even else 0)
