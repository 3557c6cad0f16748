# SPDX-License-Identifier: GPL-3.0-or-later
"""Output files that are not what they claim to be: bombs, noise, and wrong indexes."""

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from PIL import Image

from .outputs import Product
from .schemas import Json

MANY = 300_000  # Of empty chunks.
MANY_SCANS = 5_000
MANY_FRAMES = 20_000
LARGE_BYTES = 20 << 20
DEEP = 20_000
CLAIMED_SIDE = 60_000

VIDEO, MODEL = "video/mp4", "model/gltf-binary"


def with_lies(product: Product, faults: Mapping[str, Json]) -> Product:
    """``product`` with the lies of the job's faults in it; files of other kinds are unchanged."""
    if product.content_type == VIDEO:
        if "box-bomb" in faults:
            return replace(product, data=box_bomb(int(faults["box-bomb"]["megabytes"])))
        if "noise-video" in faults:
            return replace(product, data=noise(product.data))
        if "lying-video" in faults:
            return replace(product, data=VIDEO_LIES[faults["lying-video"]["lie"]](product.data))
    if product.content_type == MODEL and "lying-model" in faults:
        return replace(product, data=MODEL_LIES[faults["lying-model"]["lie"]](product.data))
    if product.content_type.startswith("image/") and "lying-picture" in faults:
        return replace(product, data=PICTURE_LIES[faults["lying-picture"]["lie"]](product.data))
    return product


# --- MP4 ----------------------------------------------------------------------------------------


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of the content of each box."""
    position = 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position + 8, position + length
        position += length


def _content(data: bytes, wanted: bytes) -> tuple[int, int]:
    return next((begin, end) for kind, begin, end in _boxes(data) if kind == wanted)


def box_bomb(megabytes: int) -> bytes:
    head = _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
    return head + _box(b"free", b"") * ((megabytes << 20) // 8)


def noise(data: bytes) -> bytes:
    begin, end = _content(data, b"mdat")
    return data[:begin] + hashlib.shake_256(data[:64]).digest(end - begin) + data[end:]


def _with_index(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    begin, end = _content(data, b"moov")
    return data[: begin - 8] + _box(b"moov", change(data[begin:end])) + data[end:]


def _beyond(data: bytes) -> bytes:
    def change(index: bytes) -> bytes:
        place = index.index(b"stco") + 8  # Version and flags follow the type, then the count.
        (count,) = struct.unpack_from(">I", index, place)
        offsets = struct.unpack_from(f">{count}I", index, place + 4)
        moved = struct.pack(f">{count}I", *(offset + len(data) for offset in offsets))
        return index[: place + 4] + moved + index[place + 4 + 4 * count :]

    return _with_index(data, change)


def _without_samples(data: bytes) -> bytes:
    def change(index: bytes) -> bytes:
        place = index.index(b"stsz") + 12  # The common size of all samples follows version and flags.
        return index[:place] + bytes(4) + index[place + 4 :]

    return _with_index(data, change)


def _nested(index: bytes) -> bytes:
    headers = (struct.pack(">I4s", 8 * level, b"udta") for level in range(DEEP, 0, -1))
    return index + b"".join(headers)


VIDEO_LIES: dict[str, Callable[[bytes], bytes]] = {
    "beyond": _beyond,
    "no-track": lambda data: _with_index(data, lambda index: index.replace(b"trak", b"skip")),
    "no-samples": _without_samples,
    "deep": lambda data: _with_index(data, _nested),
    "large": lambda data: _with_index(data, lambda index: index + _box(b"free", bytes(LARGE_BYTES))),
}


# --- pictures -----------------------------------------------------------------------------------


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + _chunk(b"IEND", b"")


def _header(side: int) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))


def _scans(data: bytes) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(stream, "JPEG", progressive=True)
    whole = stream.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * MANY_SCANS + whole[-2:]


def _frames(data: bytes) -> bytes:
    stream = io.BytesIO()
    first = Image.open(io.BytesIO(data)).convert("RGB").resize((16, 16))
    first.save(stream, "WEBP", save_all=True, append_images=[first.rotate(90)])
    whole = stream.getvalue()
    frame = whole.index(b"ANMF")
    length = 8 + int.from_bytes(whole[frame + 4 : frame + 8], "little")
    body = whole[8:frame] + whole[frame : frame + length] * MANY_FRAMES
    return b"RIFF" + struct.pack("<I", len(body)) + body


PICTURE_LIES: dict[str, Callable[[bytes], bytes]] = {
    "pixels": lambda _data: _png(_header(CLAIMED_SIDE), _chunk(b"IDAT", zlib.compress(bytes(1 << 20)))),
    "pieces": lambda _data: _png(
        _header(8), _chunk(b"prIv", b"") * MANY, _chunk(b"IDAT", zlib.compress(bytes(8 * 25)))
    ),
    "truncated": lambda _data: _png(_header(64), _chunk(b"IDAT", zlib.compress(bytes(1000)))),
    "scans": _scans,
    "frames": _frames,
}


# --- models -------------------------------------------------------------------------------------


def _glb(description: bytes, rest: bytes = b"", announced: int | None = None) -> bytes:
    length = len(description) if announced is None else announced
    chunks = struct.pack("<I4s", length, b"JSON") + description + rest
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _padded(description: Json) -> bytes:
    text = json.dumps(description).encode()
    return text + b" " * (-len(text) % 4)


_ASSET: Json = {"asset": {"version": "2.0"}}

MODEL_LIES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _data: _glb(_padded(_ASSET)),
    "text": lambda _data: _glb(b"a sign-in page  "),
    "nested": lambda _data: _glb(b"[" * DEEP * 4),
    "large": lambda _data: _glb(_padded(_ASSET).ljust(LARGE_BYTES)),
    "beyond": lambda _data: _glb(_padded(_ASSET), announced=1 << 31),
    "chunks": lambda _data: _glb(_padded(_ASSET), struct.pack("<I4s", 0, b"NONE") * MANY),
}
