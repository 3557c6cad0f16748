# SPDX-License-Identifier: GPL-3.0-or-later
"""The only module that knows fal-client from inside: its hosts are module globals without a setting."""

import os
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fal_client
import fal_client.client as internals
import httpx

from .service import LOOPBACK_HOSTS, Service
from .transport import read_limited


class _LimitedClient(httpx.AsyncClient):
    """What fal-client uploads with: responses are uncompressed and of a limited size."""

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        request.headers["Accept-Encoding"] = "identity"
        response = await super().send(request, stream=True, **options)
        if stream:
            return response
        try:
            return await read_limited(response)
        finally:
            await response.aclose()


class _Httpx(types.ModuleType):
    """httpx as fal-client sees it: it makes clients in several places, without a way to hand one in."""

    AsyncClient = _LimitedClient

    def __getattr__(self, name: str) -> Any:
        return getattr(httpx, name)


@asynccontextmanager
async def opened_client(service: Service) -> AsyncIterator[fal_client.AsyncClient]:
    """A client for the running event loop. One service at a time in a process."""
    point_at(service)
    client = fal_client.AsyncClient(key=service.key, default_timeout=60.0)
    try:
        yield client
    finally:
        if "_client" in vars(client):  # Made at the first use; the library never closes it.
            await (await client._client).aclose()


def point_at(service: Service) -> None:
    """Must come before the first upload: a client remembers the address of its token from then on."""
    vars(internals)["httpx"] = _Httpx("httpx")
    internals.REST_URL = service.rest_url
    internals.CDN_URL = service.cdn_url
    internals.QUEUE_URL_FORMAT = f"{service.queue_url}/"
    if service.is_emulator:
        listed = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
        os.environ["NO_PROXY"] = ",".join(filter(None, [listed, *LOOPBACK_HOSTS]))
