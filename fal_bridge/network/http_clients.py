# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP clients for the paid POST, for calls that may be repeated, and for downloads."""

import asyncio
import random
import ssl
import time

import httpx

from ..errors import (
    BridgeError,
    NetworkDownError,
    ServiceTroubleError,
)
from .answers import is_from_fal, read_limited, retry_after
from .limits import ANSWER_TIMEOUT, DOWNLOAD_TIMEOUT, WHOLE_ANSWER_SECONDS
from .response_bodies import reason_of
from .service import Service

FINAL = "photoreal_final"  # Request extension: an error response is the result of the job, so the call is not repeated.

REPEATABLE = "photoreal_repeatable"  # Request extension: a POST that changes nothing, so it may be repeated.

# httpx raises these before the first byte of a request leaves.
NOTHING_WAS_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def submit_client(service: Service, trust: ssl.SSLContext, answer_seconds: float) -> httpx.AsyncClient:
    """For the paid POST: no repetitions, no redirects, and a new connection each time.

    The server may have closed a kept connection, and that failure looks like a lost response.
    """
    return httpx.AsyncClient(
        verify=trust,
        headers=_headers(service),
        timeout=httpx.Timeout(answer_seconds, connect=15.0),
        limits=httpx.Limits(max_keepalive_connections=0),
        trust_env=not service.is_emulator,
    )


def safe_client(
    service: Service, trust: ssl.SSLContext, *, patience_seconds: float, first_pause: float
) -> httpx.AsyncClient:
    """For calls that change nothing: repeated until there is a response, for up to ``patience_seconds``."""
    return httpx.AsyncClient(
        transport=PatientTransport(service, trust, patience_seconds, first_pause),
        headers=_headers(service),
        timeout=ANSWER_TIMEOUT,
    )


def download_client(service: Service, trust: ssl.SSLContext) -> httpx.AsyncClient:
    """For files: public URLs on other hosts, which never receive the key."""
    return httpx.AsyncClient(verify=trust, timeout=DOWNLOAD_TIMEOUT, trust_env=not service.is_emulator)


class PatientTransport(httpx.AsyncBaseTransport):
    """Repeats GET and PUT after network errors and after responses that ask for it, respecting ``Retry-After``."""

    def __init__(
        self, service: Service, trust: ssl.SSLContext, patience_seconds: float, first_pause: float
    ) -> None:
        # A client, because a bare transport does not support proxies.
        self._inner = httpx.AsyncClient(verify=trust, trust_env=not service.is_emulator)
        self._patience_seconds = patience_seconds
        self._first_pause = first_pause

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and REPEATABLE not in request.extensions:
            raise ValueError("A POST is not repeated")
        deadline = time.monotonic() + self._patience_seconds
        delays = Backoff(self._first_pause)
        while True:
            wait = 0.0
            try:
                async with asyncio.timeout(WHOLE_ANSWER_SECONDS):
                    response = await self._inner.send(request, stream=True)
                    try:
                        response = await read_limited(response)
                    finally:
                        await response.aclose()
            except (httpx.TransportError, TimeoutError) as error:
                trouble: BridgeError = NetworkDownError(
                    f"{request.url.host} cannot be reached ({reason_of(error)})."
                )
            else:
                if not _asks_to_repeat(response):
                    return response
                wait = retry_after(response) or 0.0
                trouble = ServiceTroubleError(
                    f"{request.url.host} responds with error {response.status_code}."
                )
            wait = max(wait, delays.next())
            if time.monotonic() + wait > deadline:
                raise trouble
            await asyncio.sleep(wait)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Backoff:
    """Growing, randomized pauses in seconds, so that many jobs do not call at the same moment."""

    def __init__(self, first: float, max_pause: float = 15.0) -> None:
        self._first = first
        self._pause = first
        self._max_pause = max_pause

    def next(self) -> float:
        """The seconds of the next pause."""
        pause = self._pause * random.uniform(0.7, 1.3)
        self._pause = min(self._pause * 2, self._max_pause)
        return pause

    def reset(self) -> None:
        """Begin again with the first pause."""
        self._pause = self._first


def _headers(service: Service) -> dict[str, str]:
    return {
        "Authorization": f"Key {service.key}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # See ``response_bodies``.
        "User-Agent": "photoreal-set",
    }


def _asks_to_repeat(response: httpx.Response) -> bool:
    if response.status_code in (408, 425, 429):
        return True
    is_final = FINAL in response.request.extensions
    return response.status_code >= 500 and not is_final and not is_from_fal(response)
