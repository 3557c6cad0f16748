# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the platform API about what an account owns: its bill, its files, and what its requests contained."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from .job_queue import JobQueue
from .jobs import Job
from .platform_api import (
    DAY_SECONDS,
    PlatformError,
    PlatformRoutes,
    ids_in,
    json_body,
    moment_of,
    page_of,
)
from .schemas import Json
from .state import Controls, iso
from .storage import ACLS, MAX_SIGNED_SECONDS, FileStore, StoredFile
from .wire import json_answer

MAX_EVENTS = 10_000
MAX_SPAN_SECONDS = 90 * DAY_SECONDS
NANO = 1_000_000_000


class AccountRoutes:
    """HTTP of ``/v1/models/billing-events``, ``/v1/storage`` and of deleting payloads."""

    def __init__(
        self, controls: Controls, queue: JobQueue, store: FileStore, platform: PlatformRoutes
    ) -> None:
        self.controls = controls
        self.queue = queue
        self.store = store
        self.platform = platform

    async def billing_events(self, request: web.Request) -> web.StreamResponse:
        query, now = request.query, self.controls.clock.now()
        begin = moment_of(query.get("start"), now - DAY_SECONDS)
        end = moment_of(query.get("end"), now)
        if not begin < end <= begin + MAX_SPAN_SECONDS:
            raise PlatformError(400, "validation_error", "start and end span more than 90 days, or nothing")
        wanted, endpoints = ids_in(request, "request_id"), ids_in(request, "endpoint_id")
        found = [
            self._event(job)
            for job in self._billed(now)
            if begin <= (job.ended_at or 0.0) < end
            and (not wanted or job.request_id in wanted)
            and (not endpoints or job.endpoint.id in endpoints)
        ]
        return json_answer(page_of(request, "billing_events", found, default=50, highest=MAX_EVENTS))

    def _billed(self, now: float) -> Iterator[Job]:
        for job in self.queue.jobs.values():
            is_due = job.is_over and now >= (job.ended_at or 0.0) + self.controls.settings.billing_delay
            if is_due and job.units > 0 and "unbilled" not in job.faults:
                yield job

    def _event(self, job: Job) -> Json:
        line = self.platform.price(job.endpoint) or {"unit_price": 0.0}
        price, units = Decimal(str(line["unit_price"])), Decimal(str(job.units))
        percent = Decimal(str(self.controls.settings.percent_discount))
        subtotal = price * units
        discount = subtotal * percent / 100
        return {
            "request_id": job.request_id,
            "endpoint_id": job.endpoint.id,
            "timestamp": iso(job.ended_at or 0.0),
            "output_units": float(units),
            "unit_price": float(price),
            "percent_discount": float(percent),
            "cost_subtotal": float(subtotal),
            "cost_discount": float(discount),
            "cost_total": float(subtotal - discount) * (3 if "odd-bill" in job.faults else 1),
            "cost_estimate_nano_usd": round((subtotal - discount) * NANO),
        }

    async def delete_payloads(self, request: web.Request) -> web.StreamResponse:
        """Delete the stored input and output of a request, and its output files."""
        job = self.queue.jobs.get(request.match_info["id"])
        if job is None:
            raise PlatformError(404, "not_found", "There is no such request")
        results: list[Json] = []
        for path in job.files:
            error = "The file cannot be deleted" if "undeletable" in job.faults else None
            if error is None:
                self.store.files.pop(path, None)
            results.append({"link": f"{job.base_url}/cdn/{path}", "exception": error})
        job.is_stored = False
        return json_answer({"cdn_delete_results": results})

    async def acl(self, request: web.Request) -> web.StreamResponse:
        stored = self._file(request)
        if request.method == "PUT":
            if status := stored.fixed_acl_status:
                kind = "authorization_error" if status == 403 else "validation_error"
                raise PlatformError(status, kind, "The ACL of this file cannot be set")
            wanted = (await json_body(request)).get("default")
            if wanted not in ACLS:
                raise PlatformError(400, "validation_error", "default is not allow, forbid or hide")
            stored.acl = wanted
        return json_answer({"default": stored.acl, "rules": []})

    async def sign(self, request: web.Request) -> web.StreamResponse:
        stored = self._file(request)
        seconds: Any = (await json_body(request)).get("expiration_seconds")
        if not isinstance(seconds, int) or not 1 <= seconds <= MAX_SIGNED_SECONDS:
            raise PlatformError(400, "validation_error", "expiration_seconds cannot be used")
        url = request.query["url"]
        return json_answer({"signed_url": f"{url}?identity={self.store.identity(stored, seconds)}"})

    def _file(self, request: web.Request) -> StoredFile:
        parts = urlsplit(request.query.get("url", ""))
        if not parts.scheme or parts.query:
            raise PlatformError(400, "validation_error", "url is missing or has query parameters")
        stored = self.store.get(parts.path.removeprefix("/cdn/"))
        if stored is None:
            raise PlatformError(404, "not_found", "There is no such file")
        return stored
