# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks: the URLs that ``--webhook`` accepts and, for receivers, whether a webhook is from fal.ai.

A receiver fetches the key set from ``KEYS_URL`` (and keeps it for at most a day), and for each POST calls::

    delivery = verify(request.headers, request.body, key_set["keys"], time.time())

before it uses the body. A delivery may be repeated: the request id tells whether it is known already.
The same keys sign for every account, so compare ``delivery.user_id`` with your own.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ...files.values import shown
from ..errors import ForeignWebhookError, MissingPackageError, WrongRequestError
from .service import LOOPBACK_HOSTS, Service

KEYS_URL = "https://rest.fal.ai/.well-known/jwks.json"
CLOCK_SECONDS = 300
MAX_ADDRESS_LENGTH = 2048

_HEADER = "x-fal-webhook-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A genuine webhook."""

    request_id: str
    user_id: str


def webhook_address(value: Any) -> str:
    """The rule for the URL of a webhook. Whether it can be reached is not checked."""
    reason = "is not the URL of a webhook, like https://shop.example/photos"
    if not isinstance(value, str) or len(value) > MAX_ADDRESS_LENGTH:
        raise ValueError(reason)
    try:
        parts = urlsplit(value)
        is_address = bool(parts.hostname) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError as error:
        raise ValueError(reason) from error
    if not is_address or not value.isprintable() or " " in value:
        raise ValueError(reason)
    return value


def shown_webhook(url: str) -> str:
    """Scheme, host and path of a URL. The other parts may contain secrets."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def checked_webhook(url: str, service: Service) -> str:
    """Return ``url`` if fal.ai, or the emulator, can send to it. Raises WrongRequestError otherwise."""
    try:
        parts = urlsplit(webhook_address(url))
    except ValueError as error:
        raise WrongRequestError(f"{shown(url)} {error}.") from error
    host = parts.hostname or ""
    if service.is_emulator:
        if parts.scheme == "http" and host in LOOPBACK_HOSTS:
            return url
        raise WrongRequestError(
            f"The webhook {shown_webhook(url)} cannot be reached by an emulator.",
            hint="Use http://127.0.0.1:PORT/…",
        )
    if parts.scheme != "https" or "." not in host:
        raise WrongRequestError(
            f"The webhook {shown_webhook(url)} cannot be reached by fal.ai.",
            hint="Use a public https URL.",
        )
    return url


def verify(
    headers: Mapping[str, str], body: bytes, keys: Iterable[Mapping[str, Any]], now: float
) -> Delivery:
    """Check that fal.ai signed ``body`` within five minutes of ``now`` (seconds since 1970).

    ``headers`` may be in any case; ``body`` is the raw bytes; ``keys`` is the member "keys" of the key set.
    Raises ForeignWebhookError when it did not, and MissingPackageError without the package ``cryptography``.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        request_id, user_id, moment, signature = (
            given[_HEADER + name] for name in ("request-id", "user-id", "timestamp", "signature")
        )
        age = abs(now - int(moment))
        signed = bytes.fromhex(signature)
    except (KeyError, ValueError) as error:
        raise ForeignWebhookError("A header of the webhook is missing or invalid.") from error
    if age > CLOCK_SECONDS:
        raise ForeignWebhookError(f"The time of the webhook differs from our clock by {age:.0f} seconds.")
    message = "\n".join([request_id, user_id, moment, hashlib.sha256(body).hexdigest()]).encode()
    if not any(_is_signed(message, signed, key) for key in keys):
        raise ForeignWebhookError("The webhook is not signed with a key of fal.ai.")
    return Delivery(request_id=request_id, user_id=user_id)


def _is_signed(message: bytes, signature: bytes, key: Mapping[str, Any]) -> bool:
    try:
        # Only receivers of webhooks need this package, so it is not always installed.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    except ImportError as error:
        raise MissingPackageError(
            "Checking a webhook's signature needs the Python package cryptography."
        ) from error
    try:
        x = str(key["x"])
        public = base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, KeyError, ValueError, binascii.Error):
        return False
    return True
