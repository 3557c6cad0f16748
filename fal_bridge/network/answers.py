# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the answers of fal.ai: their JSON, whether fal.ai itself sent them, and what an error means."""

import email.utils
import time
from typing import Any

import httpx

from ...files.input_files import MAX_INNER_LEVELS, parsed_json
from ..errors import (
    AccountLockedError,
    BadKeyError,
    BridgeError,
    ContentPolicyError,
    InputRefusedError,
    JobCancelledError,
    MissingPermissionError,
    RateLimitedError,
    RunnerTroubleError,
    UnknownEndpointError,
)
from .limits import MAX_ANSWER_BYTES
from .response_bodies import read_body
from .service import Service

SENTENCE_LENGTH = 300


async def read_limited(response: httpx.Response) -> httpx.Response:
    """The same response with its body. Raises UnusableBodyError when that is compressed or too large."""
    body = await read_body(response, MAX_ANSWER_BYTES)
    return httpx.Response(
        response.status_code, headers=response.headers, content=body, request=response.request
    )


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_storable(name): _storable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_storable(member) for member in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return value


def retry_after(response: httpx.Response) -> float | None:
    """The seconds of a ``Retry-After`` header, which is a number or a date; at most 60."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return min(float(text), 60.0)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(moment.timestamp() - time.time(), 0.0), 60.0)


def is_from_fal(response: httpx.Response) -> bool:
    """Whether an error response comes from fal.ai itself and not from a proxy on the way."""
    if "x-fal-request-id" in response.headers or "x-fal-error-type" in response.headers:
        return True
    body = body_of(response)
    return isinstance(body, dict) and "detail" in body


def body_of(response: httpx.Response) -> Any:
    """The JSON of a response, without what our JSON files cannot store; ``None`` when it is not JSON."""
    try:
        return _storable(parsed_json(response.content, max_levels=MAX_INNER_LEVELS, is_lenient=True))
    except ValueError:
        return None


def error_of(response: httpx.Response, *, label: str, endpoint: str, service: Service) -> BridgeError:
    """The BridgeError for an error response of the queue."""
    status = response.status_code
    details = _details(body_of(response))
    said = service.without_key(_sentence(details, response))
    kinds = {str(detail.get("type", "")) for detail in details}
    if status == 401:
        return BadKeyError("fal.ai does not accept the key.")
    if status == 403:
        if "locked" in said.lower() or "balance" in said.lower() or "budget" in said.lower():
            return AccountLockedError(f"fal.ai has locked the account: {said}")
        return MissingPermissionError(f"fal.ai does not allow {endpoint} with this key: {said}")
    if status in (404, 410):
        return UnknownEndpointError(f"fal.ai does not know {endpoint}: {said}")
    if status == 429:
        return RateLimitedError(
            f"{label}: fal.ai does not accept more requests at the moment.",
            wait_seconds=retry_after(response),
        )
    if "content_policy_violation" in kinds:
        return ContentPolicyError(f"{label}: {endpoint} rejects the content: {said}")
    if status == 499:
        return JobCancelledError(f"{label}: the job was cancelled at fal.ai.")
    if status >= 500 or any(kind.startswith("downstream_service") for kind in kinds):
        return RunnerTroubleError(f"{label}: {endpoint} failed at fal.ai ({status}): {said}")
    return InputRefusedError(f"{label}: {endpoint} rejects {_fields(details) or 'the input'}: {said}")


def is_fetch_trouble(response: httpx.Response) -> bool:
    """Whether an endpoint could not fetch its input: the URL is to blame, not the picture."""
    return any(detail.get("type") == "file_download_error" for detail in _details(body_of(response)))


def error_type_of(response: httpx.Response) -> str:
    """The error types of a response, without the texts, which may differ each time."""
    body = body_of(response)
    kind = body.get("error_type", "") if isinstance(body, dict) else ""
    return " ".join([str(kind), *(str(detail.get("type", "")) for detail in _details(body))])


def _details(body: Any) -> list[dict[str, Any]]:
    """The error entries of a body. A plain text becomes one entry."""
    detail = body.get("detail", body) if isinstance(body, dict) else body
    if isinstance(detail, list):
        return [entry for entry in detail if isinstance(entry, dict)]
    if isinstance(detail, dict):
        return [detail]
    return [{"msg": detail}] if isinstance(detail, str) else []


def _sentence(details: list[dict[str, Any]], response: httpx.Response) -> str:
    texts = [str(detail.get("msg") or detail.get("message") or "") for detail in details]
    text = " ".join("; ".join(filter(None, texts)).split()) or f"error {response.status_code}."
    return text if len(text) <= SENTENCE_LENGTH else f"{text[:SENTENCE_LENGTH]}…"


def _fields(details: list[dict[str, Any]]) -> str:
    """The names of the rejected inputs, without the "body" at the start of each location."""
    places = [detail.get("loc") for detail in details]
    names = [".".join(map(str, place[1:])) for place in places if isinstance(place, list) and len(place) > 1]
    return ", ".join(dict.fromkeys(names))
