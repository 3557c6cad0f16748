# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for requests whose answer was lost, in fal.ai's own list, by what exactly was sent.

A request is taken for ours when its inputs equal ours in every value and no job of the folder has it already.
Uploaded files have addresses of their own, so such inputs are nobody else's. Inputs without files (a text)
may be the same in two set folders: then both get the one result.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from .errors import BadKeyError, ServiceTroubleError
from .journal import Entry, Facts, Journal, Stage
from .service import Service
from .submits import Accepted
from .transport import Backoff, body_of

PAGE = 100
MOST_PAGES = 50
NEAR_SECONDS = 900.0  # Around the time of sending: our clock may be a little wrong.
FAR_SECONDS = 26 * 3600.0  # The last look: or wrong by a time zone.
MOST_PAUSE = 30.0


class Lookup:
    """The list may lag behind, so it is read several times until ``lag`` seconds after the sending."""

    def __init__(
        self, service: Service, client: httpx.AsyncClient, journal: Journal, *, lag: float, first_pause: float
    ) -> None:
        self._service = service
        self._client = client
        self._journal = journal
        self._lag = lag
        self._first_pause = first_pause

    async def find(self, entry: Entry, *, is_last: bool = False) -> Accepted | str:
        """The request of an uncertain attempt, or a sentence that says why none can be taken for it."""
        intent = entry.facts.get(Stage.IN_FLIGHT, {})
        sent, sent_at = intent.get("sent"), intent.get("time")
        if not isinstance(sent, dict) or not isinstance(sent_at, int | float):
            return "What exactly was sent is not known, so it cannot be looked for."
        age = min(max(time.time() - sent_at, 0.0), self._lag)
        give_up = time.monotonic() + self._lag - age
        pauses = Backoff(self._first_pause, MOST_PAUSE)
        while True:
            pause = pauses.next()
            is_last = is_last or time.monotonic() + pause > give_up
            margin = FAR_SECONDS if is_last else NEAR_SECONDS
            found = await self._unclaimed(entry.endpoint, sent, sent_at - margin, sent_at + margin)
            if len(found) == 1:
                return Accepted.from_answer({"request_id": found.pop()}, self._service, entry.endpoint)
            if found:
                return f"{len(found)} requests like it are at fal.ai, and which one it is cannot be told."
            if is_last:
                return "It is not in fal.ai's list of requests."
            await asyncio.sleep(pause)

    async def _unclaimed(self, endpoint: str, sent: Facts, begin: float, end: float) -> set[str]:
        listed = await self._listed(endpoint, begin, end)
        alike = {
            str(item["request_id"])
            for item in listed
            if item.get("request_id") and item.get("json_input") == sent
        }
        return alike - await asyncio.to_thread(self._journal.claimed_requests)

    async def _listed(self, endpoint: str, begin: float, end: float) -> list[dict[str, Any]]:
        query: dict[str, str | int] = {
            "endpoint_id": endpoint,
            "start": _iso(begin),
            "end": _iso(end),
            "expand": "payloads",
            "limit": PAGE,
        }
        items: list[dict[str, Any]] = []
        for _page in range(MOST_PAGES):
            address = f"{self._service.platform_url}/models/requests/by-endpoint"
            response = await self._client.get(address, params=query)
            if response.status_code in (401, 403):
                raise BadKeyError("fal.ai does not show the list of requests to this key.")
            body = body_of(response)
            if response.status_code != 200 or not isinstance(body, dict):
                raise ServiceTroubleError(f"The list of requests answers with error {response.status_code}.")
            page = body.get("items")
            items += [item for item in page if isinstance(item, dict)] if isinstance(page, list) else []
            if not body.get("has_more") or not body.get("next_cursor"):
                break
            query["cursor"] = str(body["next_cursor"])
        return items


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
