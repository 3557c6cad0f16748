# SPDX-License-Identifier: GPL-3.0-or-later
"""The one POST that costs money: sent at most once, with an outcome that is never a guess.

The journal relies on the three outcomes of ``post_once``: it returns (accepted), raises ``UncertainSubmitError``
(possibly accepted), or raises another ``BridgeError`` (certainly not accepted). The errors have the request id that the
response named, which is checked before anything is sent again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from ..errors import NetworkDownError, UncertainSubmitError
from .answers import body_of, error_of, is_from_fal, read_limited
from .http_clients import NOTHING_WAS_SENT
from .service import Service

# Statuses that tell nothing about the request, even in a response of fal.ai itself.
_TELLS_NOTHING = frozenset({408, 425, 499})
REQUEST_ID_HEADER = "x-fal-request-id"
MAX_ID_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A request that fal.ai has accepted, and the URLs to follow it."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str

    @classmethod
    def from_answer(cls, body: Mapping[str, Any], service: Service, endpoint: str) -> Self:
        """From the body of a response. URLs of other hosts are replaced: the key is sent to them."""
        request_id = str(body["request_id"])
        base = f"{service.queue_url}/{_application(endpoint)}/requests/{quote(request_id, safe='')}"

        def address(name: str, ending: str) -> str:
            given = body.get(name)
            return given if isinstance(given, str) and service.owns_queue_url(given) else base + ending

        return cls(
            request_id=request_id,
            status_url=address("status_url", "/status"),
            response_url=address("response_url", ""),
            cancel_url=address("cancel_url", "/cancel"),
        )


async def post_once(
    client: httpx.AsyncClient, request: httpx.Request, *, service: Service, endpoint: str, label: str
) -> Accepted:
    """Send ``request`` once. Raises as described for the module."""
    try:
        async with asyncio.timeout(client.timeout.read):
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                response = await read_limited(response)
            finally:
                await response.aclose()
    except NOTHING_WAS_SENT as error:
        raise NetworkDownError(
            f"{label}: {request.url.host} cannot be reached.",
            hint="Nothing was sent. Check the network, then resume.",
        ) from error
    except Exception as error:  # Whatever it was, the request may have been sent.
        reason = type(error).__name__
        raise UncertainSubmitError(
            f"{label}: it was sent to {endpoint} and the response was lost ({reason})."
        ) from error
    body = body_of(response)
    named = _named(body, response)
    if response.is_success and isinstance(body, dict) and body.get("request_id"):
        return Accepted.from_answer(body, service, endpoint)
    if _is_refusal(response):
        refusal = error_of(response, label=label, endpoint=endpoint, service=service)
        refusal.request_id = named
        raise refusal
    uncertain = UncertainSubmitError(
        f"{label}: it was sent to {endpoint} and the response ({response.status_code}) does not tell whether it "
        "was accepted.",
        request_id=named,
    )
    uncertain.is_refusal = response.status_code >= 500 and is_from_fal(response)
    raise uncertain


def _is_refusal(response: httpx.Response) -> bool:
    """Whether fal.ai itself rejects the request.

    A server error (5xx) may follow the acceptance, and the page of a proxy tells nothing about fal.ai.
    """
    return (
        400 <= response.status_code < 500
        and response.status_code not in _TELLS_NOTHING
        and is_from_fal(response)
    )


def _named(body: Any, response: httpx.Response) -> str:
    """The request id in the body or the header of a response, or ""."""
    given = body.get("request_id") if isinstance(body, dict) else None
    return str(given or response.headers.get(REQUEST_ID_HEADER, ""))[:MAX_ID_LENGTH]


def _application(endpoint: str) -> str:
    """The part of an endpoint id that the URLs of its requests contain."""
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])
