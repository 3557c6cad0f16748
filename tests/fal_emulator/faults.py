# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that can be requested, and which requests each of them hits.

A fault hits at one *point* of the protocol. Points that respond to a request (``submit``, ``status``, ``result``,
``cancel``, ``token``, ``upload``, ``initiate``, ``download``, ``prices``, ``models``, ``requests``, ``billing``,
``assets``, ``openapi``) can be chosen with ``at``. Faults of the point ``job`` are chosen once,
when the job is accepted.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .schemas import Json

POINTS = (
    "submit",
    "status",
    "result",
    "cancel",
    "token",
    "upload",
    "initiate",
    "download",
    "prices",
    "models",
    "requests",
    "billing",
    "assets",
    "openapi",
)


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault: its default point, what it does, and its parameters."""

    point: str
    summary: str
    parameters: Json = field(default_factory=dict)

    @property
    def is_movable(self) -> bool:
        return self.point in POINTS


KINDS: dict[str, FaultKind] = {
    # The connection.
    "drop-submit-answer": FaultKind("submit", "accept the job, then close the connection without an answer"),
    "drop-before-accept": FaultKind("submit", "close the connection; nothing was accepted or done"),
    "reset-submit-answer": FaultKind("submit", "accept the job, send half of the answer, then reset"),
    "slow-answer": FaultKind("submit", "do the work, answer only after seconds", {"seconds": 30.0}),
    "slow-loris": FaultKind(
        "download", "send the body in crumbs with a pause between them", {"seconds": 0.5, "crumb": 1}
    ),
    "slow-headers": FaultKind(
        "download",
        "send headers in crumbs with a pause between them, without end",
        {"seconds": 0.5, "crumb": 1},
    ),
    "short-body": FaultKind("download", "announce the full length, send half, close"),
    # Responses that do not come from the endpoint. accepted=true: the job was accepted nevertheless;
    # names_job=true: the response then has the id of that job, otherwise another id.
    "rate-limited": FaultKind("submit", "429", {"retry_after": 1, "accepted": False, "names_job": False}),
    "proxy-page": FaultKind("submit", "an HTML page of a proxy", {"status": 403, "accepted": False}),
    "nginx-503": FaultKind("submit", "503 as an HTML page of the ingress", {"accepted": False}),
    "nginx-502": FaultKind("submit", "502 as an HTML page of the ingress", {"accepted": False}),
    "nginx-504": FaultKind("submit", "504 as an HTML page of the ingress", {"accepted": False}),
    "fal-503": FaultKind("submit", "503 as JSON with a request id", {"accepted": False, "names_job": False}),
    "gateway-timeout": FaultKind("submit", "504 as JSON, without a timeout type", {"accepted": False}),
    "user-timeout": FaultKind("submit", "504 as JSON, timeout type user", {"accepted": False}),
    "server-error": FaultKind("submit", "500 as JSON", {"accepted": False, "names_job": False}),
    "account-locked": FaultKind(
        "submit", "403, account locked", {"reason": "Exhausted balance", "accepted": False}
    ),
    "bad-key": FaultKind("submit", "401, key not known", {"accepted": False}),
    "wrong-scope": FaultKind("prices", "403 of the platform API", {"accepted": False}),
    "endpoint-withdrawn": FaultKind("submit", "404, endpoint not known", {"accepted": False}),
    "html-answer": FaultKind("submit", "200 with a web page instead of the answer", {"accepted": False}),
    "malformed-json": FaultKind("submit", "200 with JSON that is cut off", {"accepted": True}),
    "deep-answer": FaultKind("submit", "200 with JSON of 100,000 nested lists", {"accepted": True}),
    "empty-answer": FaultKind("submit", "200 with an empty JSON object", {"accepted": True}),
    "gzip-bomb": FaultKind(
        "download", "a small compressed body that unpacks to megabytes", {"megabytes": 256, "accepted": True}
    ),
    "encoded-body": FaultKind(
        "download",
        "the right body, then megabytes of zeros, compressed without a request for it (zstd, br, gzip, deflate)",
        {"coding": "zstd", "megabytes": 0},
    ),
    "redirect-loopback": FaultKind("download", "307 to the same address with ?followed=1"),
    "redirect-outside": FaultKind("download", "307 to an address that is not loopback"),
    # Files.
    "file-missing": FaultKind("download", "404"),
    "file-forbidden": FaultKind("download", "403"),
    "truncated-file": FaultKind("download", "half of the file with the length of that half"),
    "wrong-media-type": FaultKind("download", "the right bytes called text/plain"),
    "no-length": FaultKind("download", "the right bytes, chunked, without Content-Length or ranges"),
    # The job.
    "model-error": FaultKind(
        "job",
        "the result is a model error",
        {"type": "content_policy_violation", "status": 422, "units": 0.0},
    ),
    "model-crash": FaultKind("job", "the result is 500 internal_server_error"),
    "runner-error": FaultKind(
        "job", "the result is a platform error", {"type": "runner_disconnected", "status": 503}
    ),
    "result-timeout": FaultKind("job", "the result is 504", {"user": False}),
    "nsfw-black": FaultKind("job", "black pictures, flagged where the endpoint has the flag"),
    "planted-defect": FaultKind(
        "job",
        "the photo, or the video from a photo, does not show the product: shift, zoom, missing (a part), recoloured, scrambled (print); or shows it in "
        "warmer light; amount 0 is the usual size",
        {"defect": "shift", "amount": 0.0},
    ),
    "never-leaves-queue": FaultKind("job", "the job stays IN_QUEUE"),
    "never-finishes": FaultKind("job", "the job stays IN_PROGRESS"),
    "early-completed": FaultKind("job", "the status says COMPLETED while the job still runs"),
    "other-output": FaultKind("job", "the output has its members under other names"),
    "ignore-cancel": FaultKind("job", "cancel says 202 and changes nothing"),
    "wrong-units": FaultKind("job", "the result names these billable units", {"units": "-3"}),
    "missing-optional-members": FaultKind("job", "no file_size, width, timings, seed, metrics and the like"),
    "result-expired": FaultKind("job", "the result is 404 from the start"),
    "corrupt-output": FaultKind("job", "the output file has its magic bytes and then noise"),
    "box-bomb": FaultKind("job", "the video is made of empty boxes", {"megabytes": 60}),
    "noise-video": FaultKind("job", "the video has its index, and noise where its frames were"),
    "lying-video": FaultKind(
        "job",
        "the video's index is wrong: beyond (samples after the end of the file), no-track, no-samples, deep, large",
        {"lie": "beyond"},
    ),
    "lying-picture": FaultKind(
        "job",
        "the picture is not what it says: pixels (60000 x 60000), pieces (many empty chunks), scans (a JPEG with "
        "thousands of scans), truncated, frames (a WebP with thousands of frames)",
        {"lie": "pixels"},
    ),
    "lying-model": FaultKind(
        "job",
        "the GLB's description is wrong: empty (no mesh), text (not JSON), nested, large (20 MB), beyond (after the end of the file), "
        "chunks (many empty ones)",
        {"lie": "text"},
    ),
    "outside-output": FaultKind("job", "the output file's address is not loopback"),
    "duplicate-webhooks": FaultKind("job", "every webhook is delivered several times", {"times": 3}),
    "late-request-list": FaultKind("job", "listed in the request list only after seconds", {"seconds": 5.0}),
    "unlisted": FaultKind("job", "never listed in the request list"),
    "ignore-acl": FaultKind("job", "the output files are public, whatever was asked for"),
    "unbilled": FaultKind("job", "no billing event"),
    "odd-bill": FaultKind("job", "the amounts of its billing event contradict each other"),
    "fixed-acl": FaultKind("job", "the ACL of its output files cannot be set: status", {"status": 403}),
    "undeletable": FaultKind("job", "its output files cannot be deleted"),
    # Clocks.
    "clock-skew": FaultKind("skew", "expires_at of upload tokens is off by seconds", {"seconds": -3600.0}),
}
COMMON = ("name", "endpoint", "rate", "nth", "count", "at")


class FaultError(ValueError):
    """A fault was specified incorrectly."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """An active fault. Of the requests at its point whose endpoint matches, it hits the ``nth`` ones (all when
    empty), of these a share of ``rate``, and at most ``count``."""

    name: str
    endpoint: str = "*"
    rate: float = 1.0
    nth: tuple[int, ...] = ()
    count: int | None = None
    at: str = ""
    parameters: Json = field(default_factory=dict)
    seen: int = 0
    applied: int = 0

    def hits(self, point: str, endpoint_id: str, chance: random.Random) -> bool:
        """Whether this fault hits the request. A request that matches is counted."""
        if point != self.at or not fnmatchcase(endpoint_id, self.endpoint):
            return False
        self.seen += 1
        if self.nth and self.seen not in self.nth:
            return False
        if self.count is not None and self.applied >= self.count:
            return False
        if self.rate < 1 and chance.random() >= self.rate:
            return False
        self.applied += 1
        return True

    def described(self) -> Json:
        return {
            "name": self.name,
            "endpoint": self.endpoint,
            "rate": self.rate,
            "nth": list(self.nth),
            "count": self.count,
            "at": self.at,
            **self.parameters,
            "seen": self.seen,
            "applied": self.applied,
        }


def make_fault(spec: Json) -> Fault:
    """The fault of a control message: ``{"name": …, "endpoint": …, "rate": …, "nth": …, "count": …}``."""
    if not isinstance(spec, dict):
        raise FaultError("a fault is a JSON object with a name")
    name = str(spec.get("name", ""))
    kind = KINDS.get(name)
    if kind is None:
        raise FaultError(f"there is no fault named {name!r}; there are {', '.join(sorted(KINDS))}")
    parameters = dict(kind.parameters)
    for key, value in spec.items():
        if key in COMMON:
            continue
        if key not in parameters:
            raise FaultError(f"{name} has no parameter {key!r}; it has {', '.join(parameters) or 'none'}")
        parameters[key] = value
    at = str(spec.get("at", kind.point))
    if at != kind.point and not (kind.is_movable and at in POINTS):
        raise FaultError(f"{name} cannot hit at {at!r}")
    nth = spec.get("nth", ())
    return Fault(
        name=name,
        endpoint=str(spec.get("endpoint", "*")),
        rate=float(spec.get("rate", 1.0)),
        nth=(nth,) if isinstance(nth, int) else tuple(int(number) for number in nth),
        count=None if spec.get("count") is None else int(spec["count"]),
        at=at,
        parameters=parameters,
    )


def parse_fault(text: str) -> Fault:
    """The fault of a command line argument: ``NAME`` or ``NAME:key=value,key=value``; ``nth=1+3`` for several."""
    name, _, rest = text.partition(":")
    spec: Json = {"name": name}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise FaultError(f"{pair!r} is not key=value")
        spec[key] = _value_of(key, value)
    return make_fault(spec)


def _value_of(key: str, text: str) -> Any:
    if key == "nth":
        return [int(number) for number in text.split("+")]
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


class FaultPlan:
    """The active faults, checked at every point of the protocol."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.chance = random.Random(0)

    def replace(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)

    def at(self, point: str, endpoint_id: str) -> Fault | None:
        """The first fault that hits this request."""
        return next((fault for fault in self.faults if fault.hits(point, endpoint_id, self.chance)), None)

    def for_job(self, endpoint_id: str) -> dict[str, Json]:
        """All job faults of a newly accepted job: name and parameters."""
        return {
            fault.name: fault.parameters
            for fault in self.faults
            if fault.hits("job", endpoint_id, self.chance)
        }


def fault_help() -> str:
    """A line for each fault, for ``--help``."""
    lines = []
    for name, kind in KINDS.items():
        extra = "".join(f" {key}={value}" for key, value in kind.parameters.items())
        lines.append(f"  {name} (at {kind.point}{extra}): {kind.summary}")
    return "\n".join(lines)
