# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for requests whose response was lost: by the id that a response gave, then by their inputs in fal.ai's lists.

A listed request is ours when its inputs equal ours in every value and no job of the folder has claimed it. Uploaded
files have unique URLs, so inputs with files cannot belong to anyone else. Inputs without files (a text) may be the
same in two set folders: then both may use the one result.

fal.ai documents two lists, and for neither whether it contains requests that are still running. Lists without the
request therefore prove nothing until it would have ended long ago (``Entry.resend_at``), and nothing at all when one
of them could not be read to its end, or shows requests without their inputs.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from .errors import BadKeyError, BridgeError, MissingPermissionError, ServiceTroubleError
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
LISTS = ("by-endpoint", "search")
MAY_NOT_READ = "Use a key that may read requests, or look for it in your fal.ai dashboard."
STATUSES = frozenset({"IN_QUEUE", "IN_PROGRESS", "COMPLETED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """Why no request was found. ``is_proof``: it was not accepted, because it would be listed by now."""

    reason: str
    is_proof: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """The result of one search in both lists. ``gaps``: why it proves nothing that the request was not found."""

    request_id: str = ""
    gaps: tuple[str, ...] = ()


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
            if not _sent(entry):
                return NotFound(reason="Its exact inputs are unknown, so it cannot be searched for.")
            listed = await self._listed_alike(entry, FAR_SECONDS if is_last else NEAR_SECONDS)
            if listed.request_id:
                return self._accepted(entry, listed.request_id)
            if is_last:
                return _not_listed(entry, listed.gaps)
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
        if Stage.SUBMITTED in entry.facts or not _sent(entry):
            return None  # Its id is certain, or there is nothing to search for.
        try:
            listed = await self._listed_alike(entry, FAR_SECONDS)
        except BadKeyError:
            return None  # The key may send requests but not read lists.
        if not listed.request_id:
            return None
        found = self._accepted(entry, listed.request_id)
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

    async def _listed_alike(self, entry: Entry, margin: float) -> _Listed:
        """A listed request with equal inputs that no job of the folder has.

        Among several, the oldest: they are interchangeable, and the next attempt finds the others. Raises BadKeyError
        or ServiceTroubleError when neither list can be read.
        """
        claimed = await asyncio.to_thread(self._journal.claimed_requests)
        troubles: list[BridgeError] = []
        gaps: list[str] = []
        for name in LISTS:
            view = _View(entry, claimed, entry.sent_at - margin)
            try:
                gap = await self._read(name, view, max(time.time(), entry.sent_at) + margin)
            except (BadKeyError, ServiceTroubleError) as error:
                troubles.append(error)
                continue
            if view.alike:
                return _Listed(request_id=min(view.alike)[1])
            gaps += filter(None, (gap, view.gap))
        if len(troubles) == len(LISTS):
            raise troubles[0]
        return _Listed(gaps=(*(error.message for error in troubles), *gaps))

    async def _read(self, name: str, view: "_View", end: float) -> str:
        """Show a list to ``view``, page by page. Returns why it was not read to its end, or ""."""
        query = {"expand": "payloads", "limit": str(PAGE)}
        if name == "by-endpoint":
            query |= {"endpoint_id": view.entry.endpoint, "start": _iso(view.begin), "end": _iso(end)}
        for _page in range(MAX_PAGES):
            page = await self._page(name, query)
            items = page.get("items")
            if not isinstance(items, list):
                return "fal.ai's list of requests cannot be understood."
            are_new = [view.shows(item) for item in items if isinstance(item, dict)]
            if name == "search" and not all(are_new):
                return ""  # It is sorted: older requests follow.
            if not page.get("has_more"):
                return ""
            if not page.get("next_cursor"):
                return "fal.ai's list of requests is incomplete."
            query["cursor"] = str(page["next_cursor"])
        return f"fal.ai lists more than {MAX_PAGES * PAGE} requests since then."

    async def _page(self, name: str, query: Mapping[str, str]) -> Facts:
        response = await self._client.get(
            f"{self._service.platform_url}/models/requests/{name}", params=query
        )
        body = body_of(response)
        if response.status_code in (401, 403):
            error = MissingPermissionError if response.status_code == 403 else BadKeyError
            raise error("fal.ai does not show the list of requests to this key.", hint=MAY_NOT_READ)
        if response.status_code != 200 or not isinstance(body, dict):
            raise ServiceTroubleError(
                f"fal.ai responds with error {response.status_code} when asked for the list of requests."
            )
        return body


class _View:
    """What is seen of one list of requests, searching for one request."""

    def __init__(self, entry: Entry, claimed: set[str], begin: float) -> None:
        self.entry = entry
        self.begin = begin  # In seconds since 1970; older requests do not count.
        self.alike: list[tuple[float, str]] = []
        self._claimed = claimed
        self._sent = _sent(entry)
        self._blank = 0  # Requests of that time and endpoint that are listed without inputs.

    def shows(self, item: Facts) -> bool:
        """Look at an item; whether it is not older than ``begin``."""
        moment = _moment(item.get("sent_at"), self.begin)
        if moment < self.begin:
            return False
        request_id = str(item.get("request_id") or "")
        is_other = item.get("endpoint_id", self.entry.endpoint) != self.entry.endpoint
        if not request_id or request_id in self._claimed or is_other:
            return True
        if item.get("json_input") == self._sent:
            self.alike.append((moment, request_id))
        elif item.get("json_input") is None and abs(moment - self.entry.sent_at) <= NEAR_SECONDS:
            self._blank += 1
        return True

    @property
    def gap(self) -> str:
        """Why the list proves nothing, although it was read to its end; "" when it does."""
        if not self._blank:
            return ""
        return f"{self._blank} requests of that time are listed without their inputs, and this request may be one of them."


def _sent(entry: Entry) -> Facts:
    """The exact inputs of an attempt; empty when they, or its time, are not known."""
    sent = entry.facts.get(Stage.IN_FLIGHT, {}).get("sent")
    return sent if isinstance(sent, dict) and entry.sent_at else {}


def _not_listed(entry: Entry, gaps: Iterable[str]) -> NotFound:
    if gaps := " ".join(dict.fromkeys(gaps)):
        return NotFound(reason=f"It was not found, but fal.ai's lists of requests are not complete: {gaps}")
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
