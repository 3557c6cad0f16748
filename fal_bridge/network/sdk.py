# SPDX-License-Identifier: GPL-3.0-or-later
"""The only module that knows the inside of fal-client, whose hosts and HTTP clients cannot be configured.

A private copy of its module is configured instead, so the installed one stays as it is: other add-ons in the same
Blender may use it, and one process may use several services.
"""

import importlib.util
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import fal_client
import httpx

from .answers import read_limited
from .service import Service


@asynccontextmanager
async def opened_client(service: Service) -> AsyncIterator[fal_client.AsyncClient]:
    """A client of ``service`` for the running event loop. Its responses are uncompressed and of a limited size."""
    copy = configured_copy(service)
    client: fal_client.AsyncClient = copy.AsyncClient(key=service.key, default_timeout=60.0)
    try:
        yield client
    finally:
        if "_client" in vars(client):  # Created by the first upload; the library never closes it.
            await (await client._client).aclose()


def configured_copy(service: Service) -> types.ModuleType:
    """A private copy of the module ``fal_client.client`` whose requests go to ``service``."""
    spec = importlib.util.find_spec("fal_client.client")
    assert spec is not None and spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    settings = {
        "httpx": _limited_httpx(service),
        "REST_URL": service.rest_url,
        "CDN_URL": service.cdn_url,
        "QUEUE_URL_FORMAT": f"{service.queue_url}/",
        # It raises the installed module's error, the one that callers can catch.
        "FalClientHTTPError": fal_client.FalClientHTTPError,
    }
    for name, value in settings.items():
        if not hasattr(copy, name):
            raise RuntimeError(f"This version of fal-client has no {name}")
        setattr(copy, name, value)
    return copy


def _limited_httpx(service: Service) -> types.ModuleType:
    """httpx as fal-client sees it: the clients that it creates in several places keep to our limits."""

    class LimitedClient(httpx.AsyncClient):
        def __init__(self, **options: Any) -> None:
            # No proxy is asked for an emulator, which is on this machine.
            super().__init__(trust_env=not service.is_emulator, **options)

        async def send(
            self, request: httpx.Request, *, stream: bool = False, **options: Any
        ) -> httpx.Response:
            request.headers["Accept-Encoding"] = "identity"
            response = await super().send(request, stream=True, **options)
            if stream:
                return response
            try:
                return await read_limited(response)
            finally:
                await response.aclose()

    class LimitedHttpx(types.ModuleType):
        AsyncClient = LimitedClient

        def __getattr__(self, name: str) -> Any:
            return getattr(httpx, name)

    return LimitedHttpx("httpx")
