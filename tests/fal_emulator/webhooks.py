# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhook deliveries, signed. Unlike fal.ai, only loopback targets are called."""

import asyncio
import hashlib
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from .inputs import is_loopback
from .signatures import SigningKey

if TYPE_CHECKING:
    from .jobs import Job

FIRST_TRY_SECONDS = 15.0
TRIES = 3
USER_ID = "emulated-user"
SIGNING_KEY = SigningKey(secrets.token_bytes(32))
OTHER_KEY = SigningKey(secrets.token_bytes(32))  # The key set has several keys; a receiver must try all.


def key_set() -> dict[str, Any]:
    """What ``/.well-known/jwks.json`` publishes."""
    return {"keys": [OTHER_KEY.json_web_key(), SIGNING_KEY.json_web_key()]}


def message_about(job: "Job") -> dict[str, Any]:
    """The body of a webhook: output or error of a finished job."""
    assert job.outcome is not None
    is_good = job.outcome.status < 400
    message: dict[str, Any] = {
        "request_id": job.request_id,
        "gateway_request_id": job.request_id,
        "status": "OK" if is_good else "ERROR",
        "payload": job.outcome.body,
    }
    if not is_good:
        message["error"] = f"Invalid status code: {job.outcome.status}"
    return message


def signed_headers(request_id: str, body: bytes, moment: int) -> dict[str, str]:
    """The four headers that prove to a receiver that the body is genuine."""
    text = "\n".join([request_id, USER_ID, str(moment), hashlib.sha256(body).hexdigest()])
    return {
        "Content-Type": "application/json",
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": USER_ID,
        "X-Fal-Webhook-Timestamp": str(moment),
        "X-Fal-Webhook-Signature": SIGNING_KEY.sign(text.encode()).hex(),
    }


async def deliver(job: "Job") -> None:
    """POST the outcome, again after a failure; a redirect counts as a permanent failure."""
    try:
        host = URL(job.webhook).host or ""
    except ValueError:
        return
    if not is_loopback(host):
        return
    body = json.dumps(message_about(job)).encode()
    headers = signed_headers(job.request_id, body, int(time.time()))
    for _ in range(int(job.faults.get("duplicate-webhooks", {}).get("times", 1))):
        await _deliver_once(job.webhook, body, headers)


async def _deliver_once(url: str, body: bytes, headers: dict[str, str]) -> None:
    timeout = aiohttp.ClientTimeout(total=FIRST_TRY_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for attempt in range(TRIES):
            try:
                async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                    if answer.status < 400:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1 * 2**attempt)
