# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancels at fal.ai what a folder has sent and not yet received, watches what comes of it, and says what it costs."""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx

from .budget import Budget, release
from .errors import BadKeyError, BridgeError, JobCancelledError
from .journal import Entry, Journal, Stage
from .service import Service
from .submits import Accepted
from .transport import FINAL, body_of, safe_client

PATIENCE_SECONDS = 20.0
WATCH_SECONDS = 20.0
LOOK_SECONDS = 0.5


class Fate(StrEnum):
    """What has become of a job; the value is the word for programs."""

    NEVER_RAN = "never-ran"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    STILL_THERE = "still-there"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"


SENTENCES = {
    Fate.NEVER_RAN: "cancelled while it waited: fal.ai does not charge that.",
    Fate.STOPPED: "cancelled while it ran: it may still be charged.",
    Fate.FINISHED: "was finished before it could be cancelled: it is charged, and resume fetches it.",
    Fate.FAILED: "had ended with an error before it could be cancelled.",
    Fate.STILL_THERE: "was asked to stop and goes on: it may still be charged. Cancel again, or resume to fetch it.",
    Fate.UNKNOWN: "is not known to fal.ai any more.",
    Fate.UNREACHABLE: "could not be cancelled: fal.ai cannot be reached. It may still run and be charged.",
    Fate.UNCERTAIN: "has no request id, because the answer to it was lost, so it cannot be cancelled. Resume looks for it.",
}
IS_OVER = {Fate.NEVER_RAN, Fate.STOPPED, Fate.FINISHED, Fate.FAILED, Fate.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """One job after ``cancel_all``."""

    key: str
    label: str
    request_id: str
    fate: Fate

    @property
    def sentence(self) -> str:
        return f"{self.label}: {SENTENCES[self.fate]}"


def cancel_all(
    service: Service,
    journal: Journal,
    *,
    watch_seconds: float = WATCH_SECONDS,
    budget: Budget | None = None,
) -> list[Cancelled]:
    """Cancel every submitted, unfinished job of the folder. Raises BadKeyError.

    What was cancelled before it ran no longer counts in ``budget``.
    """
    return asyncio.run(_cancel_all(service, journal, watch_seconds, budget))


async def _cancel_all(
    service: Service, journal: Journal, watch_seconds: float, budget: Budget | None
) -> list[Cancelled]:
    trust = httpx.create_ssl_context()
    async with safe_client(service, trust, patience_seconds=PATIENCE_SECONDS, first_pause=0.3) as client:
        canceller = _Canceller(service, journal, client, watch_seconds, budget)
        return list(
            await asyncio.gather(*(canceller.cancel(key, entry) for key, entry in _open_jobs(journal)))
        )


def _open_jobs(journal: Journal) -> list[tuple[str, Entry]]:
    entries = [(key, journal.read(key)) for key in journal.job_keys()]
    return [(key, entry) for key, entry in entries if entry.stage in _OPEN]


_OPEN = (Stage.IN_FLIGHT, Stage.UNCERTAIN, Stage.SUBMITTED)


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
        return Cancelled(key=key, label=entry.label, request_id=request_id, fate=fate)

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
            self._written_down, key, entry, accepted, await self._result(accepted), ran
        )

    async def _status(self, accepted: Accepted) -> str:
        body = body_of(self._allowed(await self._client.get(accepted.status_url)))
        return str(body.get("status", "")) if isinstance(body, dict) else ""

    async def _result(self, accepted: Accepted) -> httpx.Response:
        return self._allowed(await self._client.get(accepted.response_url, extensions={FINAL: True}))

    def _written_down(
        self, key: str, entry: Entry, accepted: Accepted, response: httpx.Response, ran: bool
    ) -> Fate:
        body: Any = body_of(response)
        if response.status_code == 499:
            error = JobCancelledError(f"{entry.label}: the job was cancelled at fal.ai.")
            facts = {
                "error": type(error).__name__,
                "message": error.message,
                "hint": error.hint,
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
            return Fate.FINISHED  # Resume reads it: results stay for a while.
        return Fate.FAILED

    def _allowed(self, response: httpx.Response) -> httpx.Response:
        if response.status_code in (401, 403):
            raise BadKeyError("fal.ai does not accept the key.")
        return response
