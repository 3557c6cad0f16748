# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses in fal.ai's format, and the faults of a response on its way."""

import asyncio
import json
import uuid
import zlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from aiohttp import web

from .encodings import encoded
from .faults import Fault

Produce = Callable[[], Awaitable[web.StreamResponse]]
REQUEST_ID_HEADER = "x-fal-request-id"
PLATFORM_POINTS = ("prices", "models", "requests", "billing", "assets")


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=json.dumps(value).encode(), status=status, content_type="application/json", headers=headers
    )


def refusal(status: int, detail: Any, word: str = "", headers: dict[str, str] | None = None) -> web.Response:
    """A queue error: ``detail``, and for platform errors the error type in body and header."""
    body = {"detail": detail, "error_type": word} if word else {"detail": detail}
    extra = {"X-Fal-Error-Type": word} if word else {}
    return json_answer(body, status, {**extra, REQUEST_ID_HEADER: str(uuid.uuid4()), **(headers or {})})


def platform_refusal(status: int, word: str, message: str) -> web.Response:
    """An error in the shape of the platform API."""
    return json_answer({"error": {"type": word, "message": message, "request_id": str(uuid.uuid4())}}, status)


def nginx_page(status: int, reason: str) -> web.Response:
    """The response of the ingress when no server is reachable: without a request id."""
    title = f"{status} {reason}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(text=page, status=status, content_type="text/html")


async def faulty(request: web.Request, fault: Fault, produce: Produce) -> web.StreamResponse:
    """The answer to ``request`` with ``fault`` in it."""
    if not fault.parameters.get("accepted"):
        return await WAYS[fault.name](request, fault, produce)
    accepted = await produce()
    answer = await WAYS[fault.name](request, fault, produce)
    if fault.parameters.get("names_job"):
        answer.headers[REQUEST_ID_HEADER] = accepted.headers[REQUEST_ID_HEADER]
    return answer


def _bytes_of(answer: web.StreamResponse) -> bytes:
    body = answer.body if isinstance(answer, web.Response) else b""
    return body if isinstance(body, bytes) else b""


def _cut(request: web.Request, *, hard: bool) -> None:
    """End the connection now: with a reset, or after what was sent."""
    if request.transport is not None:
        if hard:
            request.transport.abort()
        else:
            request.transport.close()


async def _begin(
    request: web.Request, answer: web.StreamResponse, length: int | None = None
) -> web.StreamResponse:
    """Send status and headers of ``answer`` with the body still to come."""
    stream = web.StreamResponse(status=answer.status)
    for name, value in answer.headers.items():
        if name.lower() not in ("content-length", "transfer-encoding", "content-encoding"):
            stream.headers[name] = value
    if length is not None:
        stream.content_length = length
    await stream.prepare(request)
    return stream


async def _drop(request: web.Request, _fault: Fault, produce: Produce) -> web.StreamResponse:
    await produce()
    _cut(request, hard=False)
    return web.Response()


async def _drop_at_once(request: web.Request, _fault: Fault, _produce: Produce) -> web.StreamResponse:
    _cut(request, hard=True)
    return web.Response()


async def _reset(request: web.Request, _fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    body = _bytes_of(answer)
    stream = await _begin(request, answer, len(body))
    await stream.write(body[: len(body) // 2])
    await asyncio.sleep(0.02)  # Send the first half before the reset discards the rest.
    _cut(request, hard=True)
    return stream


async def _short_body(request: web.Request, _fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    body = _bytes_of(answer)
    stream = await _begin(request, answer, len(body))
    await stream.write(body[: len(body) // 2])
    _cut(request, hard=False)
    return stream


async def _slow_answer(_request: web.Request, fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    await asyncio.sleep(float(fault.parameters["seconds"]))
    return answer


async def _slow_loris(request: web.Request, fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    body, crumb = _bytes_of(answer), int(fault.parameters["crumb"])
    stream = await _begin(request, answer, len(body))
    for begin in range(0, len(body), crumb):
        await stream.write(body[begin : begin + crumb])
        await asyncio.sleep(float(fault.parameters["seconds"]))
    return stream


async def _slow_headers(request: web.Request, fault: Fault, _produce: Produce) -> web.StreamResponse:
    """Written directly to the socket, because aiohttp sends all headers at once."""
    pause, crumb = float(fault.parameters["seconds"]), b"x" * int(fault.parameters["crumb"])
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    while request.transport is not None and not request.transport.is_closing():
        request.transport.write(crumb)
        await asyncio.sleep(pause)
    return web.Response()


async def _truncated(_request: web.Request, _fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    body = _bytes_of(answer)
    return web.Response(body=body[: len(body) // 2], status=200, content_type=answer.content_type)


async def _no_length(request: web.Request, _fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    answer.headers.pop("Accept-Ranges", None)
    stream = await _begin(request, answer)
    await stream.write(_bytes_of(answer))
    return stream


async def _wrong_media_type(_request: web.Request, _fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    return web.Response(body=_bytes_of(answer), content_type="text/plain")


async def _gzip_bomb(_request: web.Request, fault: Fault, _produce: Produce) -> web.StreamResponse:
    body = await asyncio.to_thread(_bomb, int(fault.parameters["megabytes"]))
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


async def _encoded(_request: web.Request, fault: Fault, produce: Produce) -> web.StreamResponse:
    answer = await produce()
    coding = str(fault.parameters["coding"])
    body = await asyncio.to_thread(encoded, coding, _bytes_of(answer), int(fault.parameters["megabytes"]))
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    return web.Response(body=body, status=answer.status, headers={**headers, "Content-Encoding": coding})


@cache
def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    return b"".join([*(packer.compress(zeros) for _ in range(megabytes)), packer.flush()])


async def _redirect_loopback(request: web.Request, _fault: Fault, produce: Produce) -> web.StreamResponse:
    if "followed" in request.query:
        return await produce()
    where = request.url.update_query(followed="1")
    return web.Response(status=307, headers={"Location": str(where)})


async def _redirect_outside(_request: web.Request, _fault: Fault, _produce: Produce) -> web.StreamResponse:
    # TEST-NET-1 is unused: a client that follows it reaches nothing.
    return web.Response(status=307, headers={"Location": "http://192.0.2.1/elsewhere"})


async def _malformed(_request: web.Request, _fault: Fault, _produce: Produce) -> web.StreamResponse:
    return web.Response(body=b'{"request_id": "3f0c7a52-', content_type="application/json")


Writer = Callable[[Fault], web.Response]


def _answers(write: Writer) -> Callable[[web.Request, Fault, Produce], Awaitable[web.StreamResponse]]:
    async def way(_request: web.Request, fault: Fault, _produce: Produce) -> web.StreamResponse:
        return write(fault)

    return way


def _rate_limited(fault: Fault) -> web.Response:
    headers = {"Retry-After": str(fault.parameters["retry_after"])}
    if fault.at in PLATFORM_POINTS:
        answer = platform_refusal(429, "rate_limited", "Too many requests")
        answer.headers.update(headers)
        return answer
    return refusal(429, "Too many requests", headers=headers)


def _server_error(fault: Fault) -> web.Response:
    if fault.at in PLATFORM_POINTS:
        return platform_refusal(500, "server_error", "Something failed on the server")
    return refusal(500, "Internal Server Error", "internal_error")


def _proxy_page(fault: Fault) -> web.Response:
    page = "<!DOCTYPE html><html><body><h1>The proxy does not allow this</h1></body></html>"
    return web.Response(text=page, status=int(fault.parameters["status"]), content_type="text/html")


def _locked(fault: Fault) -> web.Response:
    reason = fault.parameters["reason"]
    return refusal(403, f"User is locked. Reason: {reason}. Top up your balance at fal.ai/dashboard/billing.")


def _bad_key(fault: Fault) -> web.Response:
    if fault.at in PLATFORM_POINTS:
        return platform_refusal(401, "authorization_error", "The key is not known")
    return refusal(401, "No user found for Key ID and Secret")


WAYS: dict[str, Callable[[web.Request, Fault, Produce], Awaitable[web.StreamResponse]]] = {
    "drop-submit-answer": _drop,
    "drop-before-accept": _drop_at_once,
    "reset-submit-answer": _reset,
    "slow-answer": _slow_answer,
    "slow-loris": _slow_loris,
    "slow-headers": _slow_headers,
    "short-body": _short_body,
    "rate-limited": _answers(_rate_limited),
    "proxy-page": _answers(_proxy_page),
    "nginx-503": _answers(lambda _fault: nginx_page(503, "Service Temporarily Unavailable")),
    "nginx-502": _answers(lambda _fault: nginx_page(502, "Bad Gateway")),
    "nginx-504": _answers(lambda _fault: nginx_page(504, "Gateway Time-out")),
    "fal-503": _answers(lambda _fault: refusal(503, "No runner available", "runner_scheduling_failure")),
    "gateway-timeout": _answers(lambda _fault: refusal(504, "The request timed out", "request_timeout")),
    "user-timeout": _answers(
        lambda _fault: refusal(
            504, "The request timed out", "request_timeout", {"X-Fal-Request-Timeout-Type": "user"}
        )
    ),
    "server-error": _answers(_server_error),
    "account-locked": _answers(_locked),
    "bad-key": _answers(_bad_key),
    "wrong-scope": _answers(
        lambda _fault: platform_refusal(403, "authorization_error", "The key lacks the scope for this")
    ),
    "endpoint-withdrawn": _answers(lambda _fault: refusal(404, "Application not found")),
    "html-answer": _answers(
        lambda _fault: web.Response(
            text="<!DOCTYPE html><html><body>Sign in to the network</body></html>", content_type="text/html"
        )
    ),
    "malformed-json": _malformed,
    "deep-answer": _answers(
        lambda _fault: web.Response(body=b"[" * 100_000 + b"]" * 100_000, content_type="application/json")
    ),
    "empty-answer": _answers(lambda _fault: json_answer({})),
    "gzip-bomb": _gzip_bomb,
    "encoded-body": _encoded,
    "redirect-loopback": _redirect_loopback,
    "redirect-outside": _redirect_outside,
    "file-missing": _answers(lambda _fault: json_answer({"detail": "Not Found"}, 404)),
    "file-forbidden": _answers(lambda _fault: json_answer({"detail": "Forbidden"}, 403)),
    "truncated-file": _truncated,
    "wrong-media-type": _wrong_media_type,
    "no-length": _no_length,
}
