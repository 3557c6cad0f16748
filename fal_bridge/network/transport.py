# SPDX-License-Identifier: GPL-3.0-or-later
"""Three ways over the network: the one paid POST, calls that may be repeated, and bare downloads."""

import asyncio
import email.utils
import random
import ssl
import time
from typing import Any

import httpx

from ...files.input_files import MOST_INNER_LEVELS, parsed_json
from ..errors import (
    AccountLockedError,
    BadKeyError,
    BridgeError,
    ContentPolicyError,
    InputRefusedError,
    JobCancelledError,
    NetworkDownError,
    RateLimitedError,
    RunnerTroubleError,
    ServiceTroubleError,
    UnknownEndpointError,
)
from .bodies import read_body, reason_of
from .limits import ANSWER_TIMEOUT, DOWNLOAD_TIMEOUT, MAX_ANSWER_BYTES, WHOLE_ANSWER_SECONDS
from .service import Service

SENTENCE_LENGTH = 300

FINAL = "photoreal_final"  # Request extension: an error answer is the job's own, do not ask again.

# httpx raises these before the first byte of a request leaves.
NOTHING_WAS_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def submit_client(service: Service, trust: ssl.SSLContext, answer_seconds: float) -> httpx.AsyncClient:
    """For the paid POST. No repeats, no redirects, and a new connection each time: a kept one may
    have been closed by the other side, and the failure could not be told from a lost answer."""
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
    """For calls that change nothing: repeated until they are answered or patience ends."""
    return httpx.AsyncClient(
        transport=PatientTransport(service, trust, patience_seconds, first_pause),
        headers=_headers(service),
        timeout=ANSWER_TIMEOUT,
    )


def download_client(service: Service, trust: ssl.SSLContext) -> httpx.AsyncClient:
    """For files: public addresses on other hosts, which never see the key."""
    return httpx.AsyncClient(verify=trust, timeout=DOWNLOAD_TIMEOUT, trust_env=not service.is_emulator)


class PatientTransport(httpx.AsyncBaseTransport):
    """Repeats GET and PUT on network trouble and on answers that ask for it, as ``Retry-After`` says."""

    def __init__(
        self, service: Service, trust: ssl.SSLContext, patience_seconds: float, first_pause: float
    ) -> None:
        # A whole client, because a bare transport knows nothing of proxies.
        self._inner = httpx.AsyncClient(verify=trust, trust_env=not service.is_emulator)
        self._patience_seconds = patience_seconds
        self._first_pause = first_pause

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise ValueError("A POST is never repeated")
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
                    f"{request.url.host} answers with error {response.status_code}."
                )
            wait = max(wait, delays.next())
            if time.monotonic() + wait > deadline:
                raise trouble
            await asyncio.sleep(wait)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Backoff:
    """Growing pauses with chance in them, so that many jobs do not knock at the same moment."""

    def __init__(self, first: float, most: float = 15.0) -> None:
        self._first = first
        self._pause = first
        self._most = most

    def next(self) -> float:
        pause = self._pause * random.uniform(0.7, 1.3)
        self._pause = min(self._pause * 2, self._most)
        return pause

    def reset(self) -> None:
        self._pause = self._first


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks us to wait: given as a number or as a date, at most a minute."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return min(float(text), 60.0)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(moment.timestamp() - time.time(), 0.0), 60.0)


def is_from_fal(response: httpx.Response) -> bool:
    """Whether an error answer comes from fal.ai itself and not from something in between."""
    if "x-fal-request-id" in response.headers or "x-fal-error-type" in response.headers:
        return True
    body = body_of(response)
    return isinstance(body, dict) and "detail" in body


def body_of(response: httpx.Response) -> Any:
    """The JSON of an answer, without what JSON files of ours cannot hold; ``None`` when it is none."""
    try:
        return _storable(parsed_json(response.content, most_levels=MOST_INNER_LEVELS, is_lenient=True))
    except ValueError:
        return None


def error_of(response: httpx.Response, *, label: str, endpoint: str, service: Service) -> BridgeError:
    """What an error answer of the queue means, in our words."""
    status = response.status_code
    details = _details(body_of(response))
    said = service.without_key(_sentence(details, response))
    kinds = {str(detail.get("type", "")) for detail in details}
    if status == 401:
        return BadKeyError("fal.ai does not accept the key.")
    if status == 403:
        if "locked" in said.lower() or "balance" in said.lower() or "budget" in said.lower():
            return AccountLockedError(f"fal.ai has locked the account: {said}")
        return BadKeyError(f"fal.ai does not allow {endpoint} with this key: {said}")
    if status in (404, 410):
        return UnknownEndpointError(f"fal.ai does not know {endpoint}: {said}")
    if status == 429:
        return RateLimitedError(
            f"{label}: fal.ai accepts no more requests at the moment.", wait_seconds=retry_after(response)
        )
    if "content_policy_violation" in kinds:
        return ContentPolicyError(f"{label}: {endpoint} refuses the content: {said}")
    if status == 499:
        return JobCancelledError(f"{label}: the job was cancelled at fal.ai.")
    if status >= 500 or any(kind.startswith("downstream_service") for kind in kinds):
        return RunnerTroubleError(f"{label}: {endpoint} failed at fal.ai ({status}): {said}")
    return InputRefusedError(f"{label}: {endpoint} refuses {_fields(details) or 'the input'}: {said}")


def is_fetch_trouble(response: httpx.Response) -> bool:
    """Whether a model could not fetch its input: the address is to blame, not the picture."""
    return any(detail.get("type") == "file_download_error" for detail in _details(body_of(response)))


def error_words(response: httpx.Response) -> str:
    """The machine words of an error answer, without what differs each time it is given."""
    body = body_of(response)
    word = body.get("error_type", "") if isinstance(body, dict) else ""
    return " ".join([str(word), *(str(detail.get("type", "")) for detail in _details(body))])


def _headers(service: Service) -> dict[str, str]:
    return {
        "Authorization": f"Key {service.key}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # See ``bodies``.
        "User-Agent": "photoreal-set",
    }


async def read_limited(response: httpx.Response) -> httpx.Response:
    """The same answer with its body. Raises UnusableBodyError when that is compressed or too large."""
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


def _asks_to_repeat(response: httpx.Response) -> bool:
    if response.status_code in (408, 425, 429):
        return True
    is_final = FINAL in response.request.extensions
    return response.status_code >= 500 and not is_final and not is_from_fal(response)


def _details(body: Any) -> list[dict[str, Any]]:
    """The error entries of a body; a plain text becomes one entry."""
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
    """The inputs that an answer complains about, without the word "body" that starts each place."""
    places = [detail.get("loc") for detail in details]
    names = [".".join(map(str, place[1:])) for place in places if isinstance(place, list) and len(place) > 1]
    return ", ".join(dict.fromkeys(names))
