# SPDX-License-Identifier: GPL-3.0-or-later
"""What a key may do at fal.ai: asked by calls that are free and change nothing.

Each call is about something that does not exist, or reads a list of one item. Only an answer of 401 or 403 counts as a
missing permission. Source: fal.ai's documentation of key permissions, and of each call.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from ..endpoints.choosing import DEFAULT_PHOTO_ENDPOINT
from ..errors import BadKeyError, BridgeError, ServiceTroubleError
from .answers import body_of, error_of, is_from_fal
from .event_loops import new_runner
from .http_clients import FINAL, REPEATABLE, safe_client
from .service import Service
from .storage_api import NOBODYS_FILE

PATIENCE_SECONDS = 20.0
NOBODYS_ENDPOINT = "fal-ai/photoreal-set-key-test"  # Only fal.ai could make it, so nothing can be charged.


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One thing that a key may do. ``text`` completes "may"; ``without`` says what does not work without it."""

    name: str
    text: str
    without: str
    is_needed: bool = True  # For sets that use fal.ai.


SUBMIT = Permission(name="submit", text="send requests", without="nothing can be made by fal.ai")
UPLOADS = Permission(name="uploads", text="upload pictures", without="photos and videos need it")
REQUESTS = Permission(
    name="requests",
    text="read the lists of requests",
    without="a request whose answer is lost cannot be looked for",
)
ASSETS = Permission(
    name="assets",
    text="read restricted files",
    without="private results need the permission to read assets",
    is_needed=False,
)
HIDING = Permission(
    name="hiding",
    text="hide files",
    without="cleaning up needs the permission to write assets",
    is_needed=False,
)
BILLING = Permission(
    name="billing",
    text="read the bill",
    without="comparing costs with it needs an admin key",
    is_needed=False,
)
PAYLOADS = Permission(
    name="payloads",
    text="delete what is stored about requests",
    without="that needs an admin key",
    is_needed=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """``is_granted`` is None when the answer does not tell, for the given ``reason``."""

    permission: Permission
    is_granted: bool | None
    reason: str = ""


def permissions_of(service: Service) -> list[Granted]:
    """What the key may do. Raises BadKeyError for a key that fal.ai does not know, and NetworkDownError."""

    with new_runner() as runner:
        return runner.run(_answers(service))


async def _answers(service: Service) -> list[Granted]:
    trust = httpx.create_ssl_context()
    found = []
    async with safe_client(service, trust, patience_seconds=PATIENCE_SECONDS, first_pause=0.3) as client:
        for permission, ask in _questions(service, client).items():
            try:
                found.append(_judged(permission, await ask(), service))
            except ServiceTroubleError as error:
                found.append(Granted(permission=permission, is_granted=None, reason=error.message))
    return found


def _questions(
    service: Service, client: httpx.AsyncClient
) -> dict[Permission, Callable[[], Awaitable[httpx.Response]]]:
    platform, post = service.platform_url, {FINAL: True, REPEATABLE: True}
    file = {"url": f"{service.cdn_url}/{NOBODYS_FILE}"}
    lists = {"endpoint_id": DEFAULT_PHOTO_ENDPOINT, "limit": "1"}
    token = {"storage_type": "fal-cdn-v3"}
    return {
        SUBMIT: lambda: client.post(f"{service.queue_url}/{NOBODYS_ENDPOINT}", json={}, extensions=post),
        UPLOADS: lambda: client.post(
            f"{service.rest_url}/storage/auth/token", params=token, json={}, extensions=post
        ),
        REQUESTS: lambda: client.get(f"{platform}/models/requests/by-endpoint", params=lists),
        ASSETS: lambda: client.post(
            f"{platform}/storage/files/sign", params=file, json={"expiration_seconds": 1}, extensions=post
        ),
        HIDING: lambda: client.put(
            f"{platform}/storage/files/acl", params=file, json={"default": "hide", "rules": []}
        ),
        BILLING: lambda: client.get(f"{platform}/models/billing-events", params={"limit": "1"}),
        PAYLOADS: lambda: client.delete(f"{platform}/models/requests/{uuid.uuid4()}/payloads"),
    }


def _judged(permission: Permission, response: httpx.Response, service: Service) -> Granted:
    status, body = response.status_code, body_of(response)
    is_own = is_from_fal(response) or (isinstance(body, dict) and "error" in body)
    if status == 401 and is_own:
        raise BadKeyError("fal.ai does not accept the key.")
    if status == 403 and is_own:
        return Granted(permission=permission, is_granted=False, reason=_lock(response, service))
    if status >= 500 or status in (401, 403):
        reason = f"{response.request.url.host} responds with error {status}"
        return Granted(permission=permission, is_granted=None, reason=reason)
    return Granted(permission=permission, is_granted=True)


def _lock(response: httpx.Response, service: Service) -> str:
    """What fal.ai says when the account, and not the key, is the reason; otherwise ""."""
    error: BridgeError = error_of(response, label="The key", endpoint="requests", service=service)
    return "" if isinstance(error, BadKeyError) else error.message
