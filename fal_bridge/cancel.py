# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel the pending requests of a folder at fal.ai, and report what became of them and what they cost."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx

from ..messages.labels import shown_label
from ..messages.money import dollars
from .decisions import is_abandoned
from .errors import BadKeyError, BridgeError, JobCancelledError, facts_of
from .journal import Entry, Journal, Stage
from .money.budget import Budget
from .money.spending import release
from .network.answers import body_of
from .network.http_clients import FINAL, safe_client
from .network.paid_post import Accepted
from .network.service import Service

PATIENCE_SECONDS = 20.0
WATCH_SECONDS = 20.0
LOOK_SECONDS = 0.5
MANY = 50  # Jobs that are cancelled at the same time.


class Fate(StrEnum):
    """What became of a job. The values appear in JSON output."""

    NEVER_RAN = "never-ran"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    STILL_THERE = "still-there"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"
    BEING_SENT = "being-sent"


SENTENCES = {
    Fate.NEVER_RAN: "cancelled while it was waiting: fal.ai does not charge for it.",
    Fate.STOPPED: "cancelled while it was running: it may still be charged.",
    Fate.FINISHED: "had finished before it could be cancelled: it is charged, and resume fetches it.",
    Fate.FAILED: "had ended with an error before it could be cancelled.",
    Fate.STILL_THERE: "was asked to stop and is still running: it may still be charged. Cancel again, or resume to fetch it.",
    Fate.UNKNOWN: "is no longer known to fal.ai.",
    Fate.UNREACHABLE: "could not be cancelled: fal.ai cannot be reached. It may still run and be charged.",
    Fate.UNCERTAIN: "has no request id because its response was lost, so it cannot be cancelled. Resume looks for it.",
    Fate.BEING_SENT: "is being sent right now by another run: it may be charged. Cancel again.",
}
_BRIEFLY = {
    Fate.NEVER_RAN: "cancelled while they were waiting",
    Fate.STOPPED: "cancelled while they were running",
    Fate.FINISHED: "finished earlier (resume fetches them)",
    Fate.FAILED: "ended with an error earlier",
    Fate.STILL_THERE: "were asked to stop and are still running",
    Fate.UNKNOWN: "no longer known to fal.ai",
    Fate.UNREACHABLE: "not cancelled, because fal.ai cannot be reached",
    Fate.UNCERTAIN: "uncertain, because their response was lost (resume looks for them)",
    Fate.BEING_SENT: "being sent right now by another run",
}
IS_OVER = {Fate.NEVER_RAN, Fate.STOPPED, Fate.FINISHED, Fate.FAILED, Fate.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """One job after ``cancel_all``. ``max_cost``: its highest expected cost in US dollars, or None when unknown."""

    journal: Path
    key: str
    label: str
    request_id: str
    fate: Fate
    max_cost: Decimal | None = None

    @property
    def sentence(self) -> str:
        return f"{shown_label(self.label)}: {SENTENCES[self.fate]}"


def summary_of(results: Iterable[Cancelled]) -> str:
    """Two sentences on what became of many jobs, and how much may be charged."""
    found = list(results)
    if not found:
        return "There is nothing left to cancel at fal.ai."
    counts = Counter(result.fate for result in found)
    fates = ", ".join(f"{counts[fate]} {_BRIEFLY[fate]}" for fate in Fate if counts[fate])
    paid = [result for result in found if result.fate is not Fate.NEVER_RAN]
    if not paid:
        return f"{len(found)} requests: {fates}. None of them is charged."
    known = sum((result.max_cost for result in paid if result.max_cost is not None), Decimal(0))
    unknown = sum(result.max_cost is None for result in paid)
    more = f", and {unknown} of unknown price" if unknown else ""
    return f"{len(found)} requests: {fates}. Charged or possibly charged: up to {dollars(known)}{more}."


def cancel_all(
    service: Service,
    *journals: Journal,
    watch_seconds: float = WATCH_SECONDS,
    budget: Budget | None = None,
) -> list[Cancelled]:
    """Cancel every submitted, unfinished job of these folders. Raises BadKeyError.

    What was cancelled before it ran no longer counts in ``budget``.
    """
    found = [(journal, key, entry) for journal in journals for key, entry in _open_jobs(journal)]
    return asyncio.run(_cancel_all(service, found, watch_seconds, budget)) if found else []


async def _cancel_all(
    service: Service,
    found: list[tuple[Journal, str, Entry]],
    watch_seconds: float,
    budget: Budget | None,
) -> list[Cancelled]:
    trust = httpx.create_ssl_context()
    not_all_at_once = asyncio.Semaphore(MANY)
    async with safe_client(service, trust, patience_seconds=PATIENCE_SECONDS, first_pause=0.3) as client:

        async def cancelled(journal: Journal, key: str, entry: Entry) -> Cancelled:
            async with not_all_at_once:
                return await _Canceller(service, journal, client, watch_seconds, budget).cancel(key, entry)

        return list(await asyncio.gather(*(cancelled(*job) for job in found)))


def _open_jobs(journal: Journal) -> list[tuple[str, Entry]]:
    entries = [(key, journal.read(key)) for key in journal.job_keys()]
    return [(key, entry) for key, entry in entries if entry.stage in _OPEN]


_OPEN = (Stage.IN_FLIGHT, Stage.UNCERTAIN, Stage.SUBMITTED)


def _max_cost(entry: Entry) -> Decimal | None:
    try:
        return Decimal(str(entry.price["max"]))
    except (KeyError, InvalidOperation):
        return None


class _Canceller:
    def __init__(
        self,
        service: Service,
        journal: Journal,
        client: httpx.AsyncClient,
        watch_seconds: float,
        budget: Budget | None,
    ) -> None:
        self._service = service
        self._journal = journal
        self._client = client
        self._watch_seconds = watch_seconds
        self._budget = budget

    async def cancel(self, key: str, entry: Entry) -> Cancelled:
        request_id, fate = "", Fate.UNCERTAIN
        if entry.stage is Stage.SUBMITTED:
            accepted = Accepted.from_answer(entry.facts[Stage.SUBMITTED], self._service, entry.endpoint)
            request_id = accepted.request_id
            try:
                fate = await self._fate(key, entry, accepted)
            except BadKeyError:
                raise
            except BridgeError:
                fate = Fate.UNREACHABLE
        elif entry.stage is Stage.IN_FLIGHT and not is_abandoned(entry):
            fate = Fate.BEING_SENT
        return Cancelled(
            journal=self._journal.folder,
            key=key,
            label=entry.label,
            request_id=request_id,
            fate=fate,
            max_cost=_max_cost(entry),
        )

    async def _fate(self, key: str, entry: Entry, accepted: Accepted) -> Fate:
        ran = await self._status(accepted) != "IN_QUEUE"
        answer = self._allowed(await self._client.put(accepted.cancel_url))
        if answer.status_code == 404:
            return Fate.UNKNOWN
        give_up = time.monotonic() + self._watch_seconds
        while (status := await self._status(accepted)) != "COMPLETED":
            ran = ran or status == "IN_PROGRESS"
            if time.monotonic() > give_up:
                return Fate.STILL_THERE
            await asyncio.sleep(LOOK_SECONDS)
        return await asyncio.to_thread(
            self._recorded, key, entry, accepted, await self._result(accepted), ran
        )

    async def _status(self, accepted: Accepted) -> str:
        body = body_of(self._allowed(await self._client.get(accepted.status_url)))
        return str(body.get("status", "")) if isinstance(body, dict) else ""

    async def _result(self, accepted: Accepted) -> httpx.Response:
        return self._allowed(await self._client.get(accepted.response_url, extensions={FINAL: True}))

    def _recorded(
        self, key: str, entry: Entry, accepted: Accepted, response: httpx.Response, ran: bool
    ) -> Fate:
        body: Any = body_of(response)
        if response.status_code == 499:
            error = JobCancelledError(f"{shown_label(entry.label)}: the job was cancelled at fal.ai.")
            facts = {
                **facts_of(error),
                "may_send_again": True,
                "request_id": accepted.request_id,
                "status": response.status_code,
                "units": None if ran else 0.0,
            }
            self._journal.record(key, entry.attempt, Stage.ENDED, facts)
            if self._budget is not None and not ran:
                release(self._budget, entry.price)
            return Fate.STOPPED if ran else Fate.NEVER_RAN
        if response.status_code == 200 and isinstance(body, dict):
            return Fate.FINISHED  # Resume fetches it: fal.ai keeps results for a while.
        return Fate.FAILED

    def _allowed(self, response: httpx.Response) -> httpx.Response:
        if response.status_code in (401, 403):
            raise BadKeyError("fal.ai does not accept the key.")
        return response
