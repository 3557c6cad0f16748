# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform API: prices, estimates, models, the request list."""

import base64
import binascii
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from . import openapi
from .job_queue import JobQueue
from .jobs import Job, JobState
from .prices import default_quantity, published
from .schemas import Endpoint, Json, all_endpoints
from .state import Controls, iso
from .storage import base_of
from .wire import json_answer, platform_refusal

MAX_IDS = 50
DAY_SECONDS = 86400.0


class PlatformError(Exception):
    """A platform call is rejected."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(message)
        self.answer = platform_refusal(status, word, message)


class PlatformRoutes:
    """HTTP of ``/v1`` and of the OpenAPI documents."""

    def __init__(self, controls: Controls, queue: JobQueue) -> None:
        self.controls = controls
        self.queue = queue

    def endpoints(self) -> dict[str, Endpoint]:
        withdrawn = self.controls.settings.withdrawn
        return {name: found for name, found in all_endpoints().items() if name not in withdrawn}

    def price(self, endpoint: Endpoint) -> Json | None:
        """The price line: the data's, or the one that a control message set."""
        overrides = self.controls.settings.prices
        if endpoint.id not in overrides:
            return published(endpoint)
        wanted = overrides[endpoint.id]
        if wanted is None:
            return None
        line = published(endpoint) or {"endpoint_id": endpoint.id, "unit": "units", "currency": "USD"}
        return {**line, **wanted}

    async def pricing(self, request: web.Request) -> web.StreamResponse:
        wanted = ids_in(request, "endpoint_id")
        if not wanted:
            raise PlatformError(400, "validation_error", "endpoint_id is required")
        known = self.endpoints()
        unknown = [endpoint_id for endpoint_id in wanted if endpoint_id not in known]
        if unknown and self.controls.settings.unknown_price == "not_found":
            raise PlatformError(404, "not_found", f"Unknown endpoint: {', '.join(unknown)}")
        lines = [self.price(known[endpoint_id]) for endpoint_id in wanted if endpoint_id in known]
        return json_answer(
            {"prices": [line for line in lines if line], "next_cursor": None, "has_more": False}
        )

    async def estimate(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        kind = body.get("estimate_type")
        name = {"historical_api_price": "call_quantity", "unit_price": "unit_quantity"}.get(str(kind))
        asked = body.get("endpoints")
        if name is None or not isinstance(asked, dict) or not asked:
            raise PlatformError(400, "validation_error", "estimate_type or endpoints cannot be used")
        known, total = self.endpoints(), 0.0
        for endpoint_id, item in asked.items():
            endpoint = known.get(endpoint_id)
            line = self.price(endpoint) if endpoint else None
            if endpoint is None or line is None:
                raise PlatformError(404, "not_found", f"Unknown endpoint: {endpoint_id}")
            quantity = item.get(name) if isinstance(item, dict) else None
            least = 1 if name == "call_quantity" else 0.000001
            if isinstance(quantity, bool) or not isinstance(quantity, int | float) or quantity < least:
                raise PlatformError(400, "validation_error", f"{name} of {endpoint_id} cannot be used")
            each = default_quantity(endpoint) if name == "call_quantity" else 1.0
            total += line["unit_price"] * quantity * each
        return json_answer({"estimate_type": kind, "total_cost": round(total, 6), "currency": "USD"})

    async def models(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        wanted = ids_in(request, "endpoint_id")
        wanted_text = query.get("q", "").lower()
        expand = {part for value in query.getall("expand", []) for part in value.split(",")}
        found = [
            endpoint
            for endpoint in self.endpoints().values()
            if (not wanted or endpoint.id in wanted)
            and endpoint.id not in self.controls.settings.unlisted
            and wanted_text in f"{endpoint.id} {endpoint.data['title']}".lower()
            and query.get("category", endpoint.category) == endpoint.category
            and query.get("status", self._status(endpoint)) == self._status(endpoint)
        ]
        items = [self._model(endpoint, expand, base_of(request)) for endpoint in found]
        return json_answer(page_of(request, "models", items, default=50, highest=100))

    def _status(self, endpoint: Endpoint) -> str:
        if endpoint.id in self.controls.settings.deprecated:
            return "deprecated"
        return str(endpoint.data["status"])

    def _model(self, endpoint: Endpoint, expand: Iterable[str], base_url: str) -> Json:
        item: Json = {
            "endpoint_id": endpoint.id,
            "metadata": {
                "display_name": endpoint.data["title"],
                "category": endpoint.category,
                "description": "",
                "status": self._status(endpoint),
                "tags": [],
                "thumbnail_url": "",
                "model_url": f"{base_url}/run/{endpoint.id}",
                "date": "2026-01-01T00:00:00Z",
                "updated_at": "2026-08-01T00:00:00Z",
                "is_favorited": None,
                "highlighted": False,
                "pinned": False,
                "kind": "inference",
            },
        }
        if "openapi-3.0" in expand:
            item["openapi"] = openapi.document(endpoint, base_url)
        if "enterprise_status" in expand:
            item["enterprise_status"] = "ready"
        return item

    async def openapi(self, request: web.Request) -> web.StreamResponse:
        endpoint = self.endpoints().get(request.query.get("endpoint_id", ""))
        if endpoint is None:
            return json_answer({"detail": "Endpoint not found"}, 404)
        return json_answer(openapi.document(endpoint, base_of(request)))

    async def requests(self, request: web.Request) -> web.StreamResponse:
        """Jobs of one endpoint, to find one whose response was lost."""
        query = request.query
        endpoint_id = query.get("endpoint_id", "")
        if endpoint_id not in all_endpoints():
            word = ("validation_error", 400) if not endpoint_id else ("not_found", 404)
            raise PlatformError(word[1], word[0], "endpoint_id is missing or not known")
        now = self.controls.clock.now()
        begin = moment_of(query.get("start"), now - DAY_SECONDS)
        end = moment_of(query.get("end"), now + 1.0)
        jobs = [
            job
            for job in self.queue.jobs.values()
            if job.endpoint.id == endpoint_id
            and begin <= job.accepted_at < end
            and self._is_listed(job, now)
            and query.get("status") in (None, _word_for(job))
            and query.get("request_id") in (None, job.request_id)
        ]
        if query.get("sort_by") == "duration":
            jobs.sort(key=lambda job: (job.ended_at or now) - job.accepted_at, reverse=True)
        else:
            jobs.sort(key=lambda job: job.ended_at or now + job.accepted_at, reverse=True)
        return _request_page(request, jobs)

    async def search(self, request: web.Request) -> web.StreamResponse:
        """Jobs of all endpoints, the newest first."""
        now = self.controls.clock.now()
        jobs = [job for job in self.queue.jobs.values() if self._is_listed(job, now)]
        jobs.sort(key=lambda job: job.accepted_at, reverse=True)
        return _request_page(request, jobs)

    def _is_listed(self, job: Job, now: float) -> bool:
        if "unlisted" in job.faults:
            return False
        if job.state is JobState.IN_QUEUE and not self.controls.settings.list_unstarted:
            return False
        if not job.is_over and not self.controls.settings.list_running:
            return False
        delay = self.controls.settings.request_list_delay
        delay = float(job.faults.get("late-request-list", {}).get("seconds", delay))
        return now >= job.accepted_at + delay

    async def meta(self, _request: web.Request) -> web.StreamResponse:
        return json_answer({"webhook_ip_ranges": ["127.0.0.0/8"]})

    async def for_admins(self, _request: web.Request) -> web.StreamResponse:
        """Calls that need an ADMIN key; every key here is an API key."""
        return platform_refusal(403, "authorization_error", "The key lacks the scope for this")


def _request_page(request: web.Request, jobs: Iterable[Job]) -> web.StreamResponse:
    has_payloads = "payloads" in request.query.get("expand", "")
    items = [_item(job, has_payloads=has_payloads) for job in jobs]
    return json_answer(page_of(request, "items", items, default=50, highest=100))


def _item(job: Job, *, has_payloads: bool) -> Json:
    item: Json = {
        "request_id": job.request_id,
        "endpoint_id": job.endpoint.id,
        "sent_at": iso(job.accepted_at),
        "started_at": iso(job.started_at) if job.started_at else None,
        "ended_at": iso(job.ended_at) if job.ended_at else None,
        "status_code": job.outcome.status if job.outcome else None,
        "duration": job.ended_at - (job.started_at or job.accepted_at) if job.ended_at else None,
    }
    if has_payloads and job.is_stored:
        item |= {"json_input": job.input, "json_output": job.outcome.body if job.outcome else None}
    return item


def _word_for(job: Job) -> str | None:
    if job.outcome is None:
        return None
    if job.outcome.status < 400:
        return "success"
    return "user_error" if job.outcome.status < 500 else "error"


def ids_in(request: web.Request, name: str) -> list[str]:
    """Ids of endpoints or requests, given as a list with commas, or repeated."""
    values = request.query.getall(name, [])
    found = list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))
    if len(found) > MAX_IDS:
        raise PlatformError(400, "validation_error", f"At most {MAX_IDS} ids")
    return found


def page_of(request: web.Request, name: str, items: list[Json], *, default: int, highest: int) -> Json:
    """One page of a list; the cursor is the index of the next item."""
    limit = request.query.get("limit", str(default))
    if not limit.isdecimal() or not 1 <= int(limit) <= highest:
        raise PlatformError(400, "validation_error", f"limit is not between 1 and {highest}")
    cursor = request.query.get("cursor", "")
    try:
        begin = int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except (ValueError, binascii.Error) as error:
        raise PlatformError(400, "validation_error", "cursor cannot be used") from error
    end = begin + int(limit)
    has_more = end < len(items)
    next_cursor = base64.urlsafe_b64encode(str(end).encode()).decode() if has_more else None
    return {name: items[begin:end], "next_cursor": next_cursor, "has_more": has_more}


def moment_of(text: str | None, otherwise: float) -> float:
    """Seconds of an ISO date or date-time; without a zone it is UTC."""
    if text is None:
        return otherwise
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # A plain + in a query arrives as a space.
    except ValueError as error:
        raise PlatformError(400, "validation_error", f"{text} is not a date") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime.fromtimestamp(0, UTC)) / timedelta(seconds=1)


async def json_body(request: web.Request) -> Json:
    try:
        found: Any = json.loads(await request.read())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PlatformError(400, "validation_error", "The body is not JSON") from error
    if not isinstance(found, dict):
        raise PlatformError(400, "validation_error", "The body is not an object")
    return found
