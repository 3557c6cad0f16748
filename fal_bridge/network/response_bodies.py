# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the bodies of responses without decompressing them, and with a limit on their size.

All requests ask for the ``identity`` encoding. A body that is compressed nevertheless is refused by its header: a few
kilobytes of zstd or gzip can expand to gigabytes, and httpx decompresses each piece as a whole.
"""

from collections.abc import AsyncIterator

import httpx


class UnusableBodyError(httpx.RemoteProtocolError):
    """A body is compressed or too large."""


def require_plain(response: httpx.Response) -> None:
    """Raises UnusableBodyError when the body is compressed (RFC 9110, 8.4)."""
    given = response.headers.get("content-encoding", "")
    codings = [word.strip().lower() for word in given.split(",")]
    if compressed := [word for word in codings if word not in ("", "identity")]:
        raise UnusableBodyError(f"the response is compressed ({compressed[0][:20]}), which was not requested")


async def plain_parts(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body piece by piece, unchanged. Raises UnusableBodyError when it is compressed."""
    require_plain(response)
    async for part in response.aiter_raw():
        yield part


async def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The whole body. Raises UnusableBodyError when it is compressed or larger than ``max_bytes``."""
    parts, size = [], 0
    async for part in plain_parts(response):
        size += len(part)
        if size > max_bytes:
            raise UnusableBodyError(f"the response is larger than {max_bytes >> 20} MB")
        parts.append(part)
    return b"".join(parts)


def reason_of(error: Exception) -> str:
    """Why there is no usable response, for a message."""
    return str(error) if isinstance(error, UnusableBodyError) else type(error).__name__
