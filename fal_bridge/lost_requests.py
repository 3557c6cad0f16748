# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for requests whose response was lost: by the id that a response gave, then by their inputs in fal.ai's lists.

A listed request is ours when its inputs equal ours in every value and no job of the folder has claimed it. Uploaded
files have unique URLs, so inputs with files cannot belong to anyone else. Inputs without files (a text) may be the
same in two set folders: then both may use the one result.

fal.ai documents two lists, and for neither whether it contains requests that are still running. A list without the
request therefore proves nothing until the request would have ended long ago (``Entry.resend_at``).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from .errors import BadKeyError, ServiceTroubleError
from .journal import Entry, Facts, Journal, Stage
from .network.answers import body_of, is_from_fal
from .network.http_clients import FINAL, Backoff
from .network.paid_post import Accepted
from .network.service import Service
from .pace import Pace

PAGE = 100
MAX_PAGES = 50
NEAR_SECONDS = 900.0  # Around the time of sending: our clock may be slightly wrong.
FAR_SECONDS = 26 * 3600.0  # For the last search: the clock may be wrong by a time zone.
MAX_PAUSE = 30.0
STATUSES = frozenset({"IN_QUEUE", "IN_PROGRESS", "COMPLETED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """Why no request was found. ``is_proof``: it was not accepted, because it would be listed by now."""

    reason: str
    is_proof: bool = False


class Lookup:
    """Searches for the requests of one journal. The lists may lag, so they are read several times."""

    def __init__(self, service: Service, client: httpx.AsyncClient, journal: Journal, pace: Pace) -> None:
        self._service = service
        self._client = client
        self._journal = journal
        self._pace = pace

    async def find(self, entry: Entry, *, is_last: bool = False) -> Accepted | NotFound:
        """The request of an uncertain attempt. ``is_last``: search once, however recently it was sent.

        Raises BadKeyError, ServiceTroubleError and NetworkDownError when fal.ai does not respond.
        """
        seconds = self._pace.lookup_seconds(entry.kind)
        age = min(max(time.time() - entry.sent_at, 0.0), seconds)
        give_up = time.monotonic() + seconds - age
        pauses = Backoff(self._pace.first_look, MAX_PAUSE)
        while True:
            pause = pauses.next()
            is_last = is_last or time.monotonic() + pause > give_up
            if found := await self._named(entry):
                return found
            listed = await self._listed_alike(entry, FAR_SECONDS if is_last else NEAR_SECONDS)
            if isinstance(listed, NotFound):
                return listed
            if listed:
                return self._accepted(entry, listed)
            if is_last:
                return _not_listed(entry)
            await asyncio.sleep(pause)

    async def _named(self, entry: Entry) -> Accepted | None:
        """The request by an id that a response gave, if fal.ai knows it and no other attempt follows it."""
        names, claimed = await asyncio.to_thread(self._names, entry)
        for name in names:
            accepted = self._accepted(entry, name)
            if name not in claimed and await self.status(accepted):
                return accepted
        return None

    def _names(self, entry: Entry) -> tuple[list[str], set[str]]:
        """The ids that may belong to an attempt, and the ids of other attempts."""
        loose = self._journal.loose_requests(entry)
        names = [name for name in (entry.likely_request, *loose) if name]
        return names, self._journal.claimed_requests(apart_from=entry) - set(loose)

    async def alive(self, entry: Entry) -> Accepted | None:
        """The request of a failed attempt, if it is waiting, running or finished successfully after all.

        Raises BadKeyError, ServiceTroubleError and NetworkDownError when fal.ai does not respond.
        """
        if (named := await self._named(entry)) and not await self._has_failed(named):
            return named
        if Stage.SUBMITTED in entry.facts:
            return None  # Its id is certain, so there is nothing to search for.
        try:
            listed = await self._listed_alike(entry, FAR_SECONDS)
        except BadKeyError:
            return None  # The key may send requests but not read lists.
        if isinstance(listed, NotFound) or not listed:
            return None
        found = self._accepted(entry, listed)
        return None if await self._has_failed(found) else found

    async def _has_failed(self, accepted: Accepted) -> bool:
        """Whether fal.ai itself reports a failure, in the status or in the result."""
        status = await self.status(accepted)
        if status is None or status.get("error"):
            return True
        if status["status"] != "COMPLETED":
            return False
        response = await self._client.get(accepted.response_url, extensions={FINAL: True})
        if response.is_success:
            return False
        if not is_from_fal(response):
            raise ServiceTroubleError(f"fal.ai responds with error {response.status_code}.")
        return True

    async def status(self, accepted: Accepted) -> Facts | None:
        """The status object of a request; None when fal.ai reports that there is no such request."""
        response = await self._client.get(accepted.status_url)
        body = body_of(response)
        if response.is_success and isinstance(body, dict) and body.get("status") in STATUSES:
            return body
        if response.status_code in (401, 403) and is_from_fal(response):
            raise BadKeyError("fal.ai does not accept the key.")
        if response.status_code in (404, 410) and is_from_fal(response):
            return None
        raise ServiceTroubleError(
            f"fal.ai responds with error {response.status_code} when asked about a request."
        )

    def _accepted(self, entry: Entry, request_id: str) -> Accepted:
        return Accepted.from_answer({"request_id": request_id}, self._service, entry.endpoint)

    async def _listed_alike(self, entry: Entry, margin: float) -> str | NotFound:
        """The id of a listed request with equal inputs that no job of the folder has; "" when there is none.

        Among several, the oldest: they are interchangeable, and the next attempt finds the others.
        """
        sent = entry.facts.get(Stage.IN_FLIGHT, {}).get("sent")
        if not isinstance(sent, dict) or not entry.sent_at:
            return NotFound(reason="Its exact inputs are unknown, so it cannot be searched for.")
        begin, end = entry.sent_at - margin, max(time.time(), entry.sent_at) + margin
        claimed = await asyncio.to_thread(self._journal.claimed_requests)
        for pages in (self._by_endpoint(entry.endpoint, begin, end), self._newest(begin)):
            alike = [
                (_moment(item.get("sent_at"), begin), str(item["request_id"]))
                async for item in pages
                if item.get("request_id")
                and str(item["request_id"]) not in claimed
                and item.get("endpoint_id", entry.endpoint) == entry.endpoint
                and item.get("json_input") == sent
            ]
            if alike:
                return min(alike)[1]
        return ""

    def _by_endpoint(self, endpoint: str, begin: float, end: float) -> AsyncIterator[dict[str, Any]]:
        query = {"endpoint_id": endpoint, "start": _iso(begin), "end": _iso(end)}
        return self._pages("by-endpoint", query)

    async def _newest(self, begin: float) -> AsyncIterator[dict[str, Any]]:
        """All requests of the account since ``begin``, newest first. The API may not offer this list yet."""
        async for item in self._pages("search", {}, may_be_missing=True):
            if _moment(item.get("sent_at"), begin) < begin:
                return
            yield item

    async def _pages(
        self, name: str, query: Mapping[str, str], *, may_be_missing: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        asked: dict[str, str | int] = {**query, "expand": "payloads", "limit": PAGE}
        for _page in range(MAX_PAGES):
            response = await self._client.get(
                f"{self._service.platform_url}/models/requests/{name}", params=asked
            )
            body = body_of(response)
            if may_be_missing and response.status_code in (400, 403, 404, 405, 422):
                return
            if response.status_code in (401, 403):
                raise BadKeyError("fal.ai does not show the list of requests to this key.")
            if response.status_code != 200 or not isinstance(body, dict):
                raise ServiceTroubleError(
                    f"fal.ai responds with error {response.status_code} when asked for the list of requests."
                )
            page = body.get("items")
            for item in page if isinstance(page, list) else []:
                if isinstance(item, dict):
                    yield item
            if not body.get("has_more") or not body.get("next_cursor"):
                return
            asked["cursor"] = str(body["next_cursor"])


def _not_listed(entry: Entry) -> NotFound:
    if time.time() >= entry.resend_at:
        return NotFound(reason="It is not in fal.ai's lists of requests.", is_proof=True)
    return NotFound(
        reason="It is not in fal.ai's lists of requests, which may not show requests that are still running."
    )


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: Any, otherwise: float) -> float:
    """An ISO date-time in seconds since 1970; without a time zone it is UTC."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return otherwise
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
