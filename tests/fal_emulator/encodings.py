# SPDX-License-Identifier: GPL-3.0-or-later
"""Content codings of HTTP, written by hand where the standard library has none.

zstd is written in raw and run-length blocks (RFC 8878), brotli in uncompressed meta-blocks (RFC 7932). Both are valid
streams that any decoder accepts.
"""

import zlib
from collections.abc import Callable, Iterator

MEGABYTE = 1 << 20
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_WINDOW = b"\x00\x38"  # No content size and no checksum; a window of 128 KiB.
ZSTD_BLOCK_BYTES = 128 << 10
ZSTD_RAW, ZSTD_RUN = 0, 1
BROTLI_BLOCK_BYTES = 1 << 16
BROTLI_END = b"\x03"  # The last meta-block, empty.
ZLIB_FORMATS = {"gzip": 31, "deflate": 15}  # Window bits of zlib, which choose the container.


def encoded(coding: str, data: bytes, megabytes: int) -> bytes:
    """``data``, followed by a number of megabytes of zeros, compressed with ``coding``. Raises KeyError for an unknown coding."""
    return CODINGS[coding](data, megabytes)


def _zlib(wbits: int) -> Callable[[bytes, int], bytes]:
    def pack(data: bytes, megabytes: int) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
        zeros = bytes(MEGABYTE)
        parts = [packer.compress(data), *(packer.compress(zeros) for _ in range(megabytes)), packer.flush()]
        return b"".join(parts)

    return pack


def _zstd(data: bytes, megabytes: int) -> bytes:
    def block(kind: int, size: int, content: bytes, *, is_last: bool = False) -> bytes:
        return (size << 3 | kind << 1 | is_last).to_bytes(3, "little") + content

    run = block(ZSTD_RUN, ZSTD_BLOCK_BYTES, b"\0")
    raw = [block(ZSTD_RAW, len(part), part) for part in _pieces(data, ZSTD_BLOCK_BYTES)]
    runs = run * (megabytes * MEGABYTE // ZSTD_BLOCK_BYTES)
    return ZSTD_MAGIC + ZSTD_WINDOW + b"".join(raw) + runs + block(ZSTD_RAW, 0, b"", is_last=True)


def _brotli(data: bytes, megabytes: int) -> bytes:
    parts = []
    for part in _pieces(data + bytes(megabytes * MEGABYTE), BROTLI_BLOCK_BYTES):
        # From the lowest bit: not last (1), four nibbles of length (2), length - 1 (16), uncompressed (1).
        header = (len(part) - 1) << 3 | 1 << 19
        if not parts:
            header <<= 1  # Before the first one: a window of 16 bits, one bit 0.
        parts.append(header.to_bytes(3, "little") + part)
    return b"".join(parts) + BROTLI_END if parts else b"\x06"  # 0x06: the window and an empty last block.


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]


CODINGS: dict[str, Callable[[bytes, int], bytes]] = {
    **{name: _zlib(wbits) for name, wbits in ZLIB_FORMATS.items()},
    "zstd": _zstd,
    "br": _brotli,
}
