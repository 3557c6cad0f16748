# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that can change while the emulator runs, its clock, and its counters."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from .faults import FaultError, FaultPlan, make_fault
from .schemas import Json, all_endpoints

DELAY_KINDS = ("queue", "model", "photo", "video", "image", "upscale", "other")
DEFAULT_DELAY_SECONDS = 0.05
CLIENT_KEY = "emulator:emulator"
PERMISSIONS = ("submit", "requests", "uploads", "assets", "billing", "payloads")
API_PERMISSIONS = ("submit", "requests", "uploads", "assets")  # The others need an admin key.


class ControlError(ValueError):
    """A control message asks for something that does not exist."""


@dataclass(kw_only=True)
class Settings:
    """Everything that ``POST /control`` sets, besides faults."""

    delays: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(DELAY_KINDS, DEFAULT_DELAY_SECONDS)
    )
    concurrency: int | None = None  # Jobs running at once, over all endpoints; None: no limit.
    queue_ahead: int = 3  # Jobs of other accounts that are ahead of ours at first.
    request_list_delay: float = 0.0  # Seconds until an accepted job is in the request lists.
    list_unstarted: bool = True  # Whether the request lists contain jobs that have not begun,
    list_running: bool = True  # and jobs that have not ended.
    result_lifetime: float = 30 * 86400.0
    file_lifetime: float | None = None  # Of files without a requested lifetime; None: unlimited.
    token_lifetime: float = 3600.0
    permissions: list[str] = field(default_factory=lambda: list(API_PERMISSIONS))  # Of every key.
    percent_discount: float = 0.0  # Of the account, in billing events.
    billing_delay: float = 0.0  # Seconds from the end of a job to its billing event.
    log_window: int = 4  # Log lines in one status response.
    unknown_price: str = "not_found"  # Or "left_out": how pricing treats unknown ids.
    prices: dict[str, Json | None] = field(default_factory=dict)  # Overrides; None: price unknown.
    withdrawn: list[str] = field(default_factory=list)  # Neither listed nor callable.
    deprecated: list[str] = field(default_factory=list)  # Listed as deprecated, callable.
    unlisted: list[str] = field(default_factory=list)  # Callable, with a schema, in no list.
    output_host: str = ""  # Host and port in the URLs of output files; "": those of the request.


class Clock:
    """The emulator's time: real time plus what tests have added."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


def iso(moment: float) -> str:
    """ISO 8601 in UTC as the queue writes it, with Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def iso_offset(moment: float) -> str:
    """ISO 8601 in UTC with a numeric offset, which every Python can read."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=moment)).isoformat()


class Stats:
    """Counts of requests by route, and hashes of the received keys."""

    def __init__(self) -> None:
        self.routes: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
        self.highest_concurrency = 0

    def saw_key(self, key: str) -> None:
        self.keys[key_mark(key)] += 1

    def described(self) -> Json:
        known = key_mark(CLIENT_KEY)
        return {
            "routes": dict(self.routes),
            "answers": dict(self.answers),
            "keys": dict(self.keys),
            "emulator_key": known,
            "foreign_keys": sorted(mark for mark in self.keys if mark != known),
            "highest_concurrency": self.highest_concurrency,
        }


def key_mark(key: str) -> str:
    """A short hash that identifies a key without revealing it."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


class Controls:
    """Settings, faults, clock and counts of one emulator."""

    def __init__(self, defaults: Json | None = None) -> None:
        self.defaults = defaults or {}
        self.on_reset: list[Callable[[], None]] = []
        self._begin()

    def _begin(self) -> None:
        self.clock = Clock()
        self.settings = Settings()
        self.plan = FaultPlan()
        self.stats = Stats()
        self._apply(self.defaults)

    def apply(self, message: Any) -> None:
        """Apply a control message; a message with an error changes nothing."""
        if not isinstance(message, dict):
            raise ControlError("a control message is a JSON object")
        self._check(message)
        if message.get("reset"):
            for forget in self.on_reset:
                forget()
            self._begin()
        self._apply(message)

    def _check(self, message: Json) -> None:
        names = {item.name for item in fields(Settings)} | {"reset", "faults", "advance", "random_seed"}
        if unknown := sorted(set(message) - names):
            raise ControlError(f"unknown control {', '.join(unknown)}; known are {', '.join(sorted(names))}")
        if unknown := sorted(set(message.get("delays", {})) - set(DELAY_KINDS)):
            raise ControlError(f"unknown delay {', '.join(unknown)}; known are {', '.join(DELAY_KINDS)}")
        if unknown := sorted(set(message.get("prices", {})) - set(all_endpoints())):
            raise ControlError(f"unknown endpoint {', '.join(unknown)}")
        if unknown := sorted(set(message.get("permissions", [])) - set(PERMISSIONS)):
            raise ControlError(f"unknown permission {', '.join(unknown)}; known are {', '.join(PERMISSIONS)}")
        try:
            for spec in message.get("faults", []):
                make_fault(spec)
        except FaultError as error:
            raise ControlError(str(error)) from error

    def _apply(self, message: Json) -> None:
        for item in fields(Settings):
            if item.name not in message:
                continue
            value = message[item.name]
            if item.name in ("delays", "prices"):
                getattr(self.settings, item.name).update(value)
            else:
                setattr(self.settings, item.name, value)
        if "faults" in message:
            self.plan.replace(make_fault(spec) for spec in message["faults"])
        if "random_seed" in message:
            self.plan.chance.seed(message["random_seed"])
        self.clock.advance(float(message.get("advance", 0.0)))

    def described(self) -> Json:
        """The state that ``GET /control`` shows."""
        return {
            **{item.name: getattr(self.settings, item.name) for item in fields(Settings)},
            "faults": [fault.described() for fault in self.plan.faults],
            "now": iso(self.clock.now()),
        }
