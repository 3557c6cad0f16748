# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a request that fal.ai has accepted: asked about until it ends, well or badly."""

import asyncio
import logging
import math
import random
import time

import fal_client
import httpx

from .budget import Spending
from .errors import (
    BridgeError,
    ExpiredResultError,
    JobCancelledError,
    JournalError,
    QueueDeadlineError,
    RunnerTroubleError,
    ServiceTroubleError,
    facts_of,
)
from .jobs import Job, JobState
from .journal import Entry, Facts, Journal, Stage
from .pace import Pace
from .service import Service
from .submits import Accepted
from .task import Progress, Task
from .traffic import Traffic
from .transport import FINAL, Backoff, body_of, error_of, is_fetch_trouble
from .uploads import Uploads

_log = logging.getLogger(__name__)


class Follower:
    """Asks about the requests of one engine; no call of it costs anything. Not for other threads."""

    def __init__(
        self,
        *,
        service: Service,
        journal: Journal,
        client: httpx.AsyncClient,
        uploads: Uploads,
        traffic: Traffic,
        pace: Pace,
        spending: Spending | None,
    ) -> None:
        self._service = service
        self._journal = journal
        self._client = client
        self._uploads = uploads
        self._traffic = traffic
        self._pace = pace
        self._spending = spending

    async def answer(self, task: Task, entry: Entry, accepted: Accepted, progress: Progress) -> Facts:
        """What ``ask`` gives, as soon as the job has ended; from the journal where it was asked before.

        Raises what fal.ai says of a failure, QueueDeadlineError, ExpiredResultError, ServiceTroubleError.
        """
        answer = entry.facts.get(Stage.ANSWERED)
        if answer is None:
            completed = await self._end_of(task, accepted, progress)
            answer = await self.ask(task, entry.attempt, accepted, is_failed=completed.error is not None)
            await asyncio.to_thread(self._journal.record, task.key, entry.attempt, Stage.ANSWERED, answer)
        await asyncio.to_thread(self._settle, entry, answer["units"])
        return answer

    async def _end_of(self, task: Task, accepted: Accepted, progress: Progress) -> fal_client.Completed:
        """Ask until the job has come to an end, good or bad."""
        handle = fal_client.AsyncRequestHandle(
            accepted.request_id,
            accepted.response_url,
            accepted.status_url,
            accepted.cancel_url,
            client=self._client,
        )
        pauses = Backoff(self._pace.poll[task.wanted.kind] / 5, self._pace.poll[task.wanted.kind])
        moved_at = heard_at = time.monotonic()
        while True:
            try:
                status = await handle.status(with_logs=True)
            except fal_client.FalClientHTTPError as error:
                if error.status_code in (401, 403):
                    raise self._error_of(error.response, task) from error
                if error.status_code == 404 and time.monotonic() - heard_at > self._pace.patience / 40:
                    raise ExpiredResultError(
                        f"{task.label}: fal.ai no longer knows request {accepted.request_id}."
                    ) from error
                self._lose_patience(task, heard_at, error)
            except (KeyError, TypeError, ValueError) as error:
                self._lose_patience(task, heard_at, error)
            else:
                heard_at = time.monotonic()
                if isinstance(status, fal_client.Completed):
                    return status
                if progress.show(status):
                    moved_at = heard_at
                self._check_deadline(task, progress.job, moved_at)
            await asyncio.sleep(
                max(pauses.next(), self._pace.turn(self._traffic.followed) * random.uniform(0.7, 1.3))
            )

    async def ask(self, task: Task, attempt: int, accepted: Accepted, *, is_failed: bool = False) -> Facts:
        """The job's output and billed units (``output``, ``units``), or its failure, written down and raised."""
        asked_at = time.monotonic()
        while True:
            response = await self._client.get(
                accepted.response_url, extensions={FINAL: True} if is_failed else {}
            )
            body = body_of(response)
            if response.status_code == 200 and isinstance(body, dict):
                return {"output": body, "units": _units(response)}
            if response.status_code in (401, 403):
                raise self._error_of(response, task)
            if response.status_code in (404, 410):
                raise ExpiredResultError(f"{task.label}: fal.ai no longer has the result.")
            is_early = response.status_code == 400 and "in progress" in response.text.lower()
            if response.status_code >= 400 and not is_early:
                raise await self._ended(task, attempt, accepted, response)
            self._lose_patience(task, asked_at, None)
            await asyncio.sleep(self._pace.between_questions(task.wanted.kind, self._traffic.followed))

    async def _ended(
        self, task: Task, attempt: int, accepted: Accepted, response: httpx.Response
    ) -> BridgeError:
        error = self._error_of(response, task)
        may_send_again = isinstance(error, RunnerTroubleError | JobCancelledError)
        if is_fetch_trouble(response):
            may_send_again = True
            for sha256 in task.hashes.values():
                await self._uploads.forget(sha256)
        facts = {
            **facts_of(error),
            "may_send_again": may_send_again,
            "request_id": accepted.request_id,
            "status": response.status_code,
            "units": _units(response),
        }
        await asyncio.to_thread(self._journal.record, task.key, attempt, Stage.ENDED, facts)
        # What failed at fal.ai is never billed; a refused input may be.
        units = 0.0 if response.status_code >= 500 else facts["units"]
        await asyncio.to_thread(self._settle, self._journal.read(task.key), units)
        return error

    def _check_deadline(self, task: Task, job: Job, moved_at: float) -> None:
        still = time.monotonic() - moved_at
        allowed = self._pace.running if job.state is JobState.RUNNING else self._pace.queue
        if still > allowed:
            place = (
                "running" if job.state is JobState.RUNNING else f"in the queue ({job.queue_position} ahead)"
            )
            raise QueueDeadlineError(
                f"{task.label}: nothing has moved for {still / 60:.0f} minutes, it is {place}."
            )

    def _lose_patience(self, task: Task, since: float, cause: Exception | None) -> None:
        if time.monotonic() - since > self._pace.patience:
            raise ServiceTroubleError(f"{task.label}: fal.ai's answers make no sense.") from cause

    def _error_of(self, response: httpx.Response, task: Task) -> BridgeError:
        return error_of(response, label=task.label, endpoint=task.endpoint.id, service=self._service)

    def _settle(self, entry: Entry, units: float | None) -> None:
        """Count what was billed instead of what was put aside."""
        if self._spending:
            try:
                self._spending.settle(entry.price, units)
            except JournalError as error:  # What was put aside stands for it; the result matters more.
                _log.warning("%s", error)


def _units(response: httpx.Response) -> float | None:
    try:
        units = float(response.headers["x-fal-billable-units"])
    except (KeyError, ValueError):
        return None
    return units if math.isfinite(units) else None
