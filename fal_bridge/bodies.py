# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies of answers, read as they come: never unpacked, never without a limit.

We ask for nothing packed. A body that is packed all the same is refused by its header: a few kilobytes of zstd or gzip
unpack to gigabytes, and httpx unpacks each piece as a whole.
"""

from collections.abc import AsyncIterator

import httpx


class UnusableBodyError(httpx.RemoteProtocolError):
    """A body that is packed, or larger than it may be."""


def require_plain(response: httpx.Response) -> None:
    """Raises UnusableBodyError when the body is packed (RFC 9110, 8.4)."""
    given = response.headers.get("content-encoding", "")
    codings = [word.strip().lower() for word in given.split(",")]
    if packed := [word for word in codings if word not in ("", "identity")]:
        raise UnusableBodyError(f"it came packed as {packed[0][:20]!r}, which was not asked for")


async def plain_parts(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body piece by piece, as it came. Raises UnusableBodyError when it is packed."""
    require_plain(response)
    async for part in response.aiter_raw():
        yield part


async def read_body(response: httpx.Response, most_bytes: int) -> bytes:
    """The whole body. Raises UnusableBodyError when it is packed or larger than ``most_bytes``."""
    parts, size = [], 0
    async for part in plain_parts(response):
        size += len(part)
        if size > most_bytes:
            raise UnusableBodyError(f"it is larger than {most_bytes >> 20} MB")
        parts.append(part)
    return b"".join(parts)


def reason_of(error: Exception) -> str:
    """A few words on why there is no answer."""
    return str(error) if isinstance(error, UnusableBodyError) else type(error).__name__
