# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow a request that fal.ai has accepted until it succeeds or fails."""

import asyncio
import logging
import random
import time

import fal_client
import httpx

from .engine_setup import EngineSetup
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
from .job_progress import JobProgress
from .jobs import Job, JobState
from .journal import Entry, Facts, Stage
from .money.billed_units import UNITS_HEADER, Billed, billed
from .network.answers import body_of, error_of, error_type_of, is_fetch_trouble, is_from_fal
from .network.http_clients import FINAL, Backoff
from .network.paid_post import Accepted
from .prepared_job import PreparedJob

_CERTAIN = frozenset({400, 422})  # The model has rejected its input. Other failures may be temporary.
_TRY_LATER = frozenset({408, 425, 429})

_log = logging.getLogger(__name__)


class Follower:
    """Follows the requests of one engine. None of its calls costs money. Not thread-safe."""

    def __init__(self, setup: EngineSetup) -> None:
        self._service = setup.service
        self._journal = setup.journal
        self._client = setup.safe
        self._uploads = setup.uploads
        self._traffic = setup.traffic
        self._pace = setup.pace
        self._spending = setup.spending

    async def answer(
        self, prepared: PreparedJob, entry: Entry, accepted: Accepted, progress: JobProgress
    ) -> Facts:
        """What ``ask`` returns, as soon as the job has ended; from the journal when it was asked before.

        Raises the error that fal.ai reports, QueueDeadlineError, ExpiredResultError or ServiceTroubleError.
        """
        answer = entry.facts.get(Stage.ANSWERED)
        if answer is None:
            completed = await self._end_of(prepared, accepted, progress)
            answer = await self.ask(prepared, entry.attempt, accepted, is_failed=completed.error is not None)
            await asyncio.to_thread(self._journal.record, prepared.key, entry.attempt, Stage.ANSWERED, answer)
        await asyncio.to_thread(self._settle, entry, answer["units"])
        return answer

    async def _end_of(
        self, prepared: PreparedJob, accepted: Accepted, progress: JobProgress
    ) -> fal_client.Completed:
        """Poll until the job has ended, successfully or not."""
        handle = fal_client.AsyncRequestHandle(
            accepted.request_id,
            accepted.response_url,
            accepted.status_url,
            accepted.cancel_url,
            client=self._client,
        )
        pauses = Backoff(self._pace.poll[prepared.wanted.kind] / 5, self._pace.poll[prepared.wanted.kind])
        moved_at = heard_at = time.monotonic()
        while True:
            try:
                status = await handle.status(with_logs=True)
            except fal_client.FalClientHTTPError as error:
                is_own = is_from_fal(error.response)
                if is_own and error.status_code in (401, 403):
                    raise self._error_of(error.response, prepared) from error
                if is_own and error.status_code == 404 and time.monotonic() - heard_at > self._pace.confirm:
                    raise ExpiredResultError(
                        f"{prepared.shown_label}: fal.ai no longer knows request {accepted.request_id}."
                    ) from error
                self._lose_patience(prepared, heard_at, error)
            except (KeyError, TypeError, ValueError, RecursionError) as error:
                self._lose_patience(prepared, heard_at, error)
            else:
                heard_at = time.monotonic()
                if isinstance(status, fal_client.Completed):
                    return status
                if progress.show(status):
                    moved_at = heard_at
                self._check_deadline(prepared, progress.job, moved_at)
            await asyncio.sleep(
                max(pauses.next(), self._pace.turn(self._traffic.followed) * random.uniform(0.7, 1.3))
            )

    async def ask(
        self, prepared: PreparedJob, attempt: int, accepted: Accepted, *, is_failed: bool = False
    ) -> Facts:
        """The job's output and billed units (``output``, ``units``). A failure is recorded and raised.

        ``is_failed``: the job's status reports a failure, too. Without that, one response proves nothing: a failure
        counts when fal.ai itself repeats it for ``Pace.confirm`` seconds; any other response is requested again.
        """
        asked_at = time.monotonic()
        confirmation = _Confirmation(self._pace.confirm)
        while True:
            response = await self._client.get(accepted.response_url, extensions={FINAL: True})
            body = body_of(response)
            if response.status_code == 200 and isinstance(body, dict):
                if prepared.endpoint.file_address(body) or confirmation.holds(200, "no file"):
                    return {"output": body, **(await self._billed(response, prepared)).facts()}
            elif is_from_fal(response):
                await self._judge(response, prepared, attempt, accepted, confirmation, is_failed=is_failed)
            self._lose_patience(prepared, asked_at, response)
            await asyncio.sleep(self._pace.between_questions(prepared.wanted.kind, self._traffic.followed))

    async def _judge(
        self,
        response: httpx.Response,
        prepared: PreparedJob,
        attempt: int,
        accepted: Accepted,
        confirmation: "_Confirmation",
        *,
        is_failed: bool,
    ) -> None:
        """Raise the error that a response of fal.ai itself means, if it is certain; otherwise it is requested again."""
        status = response.status_code
        if status in (401, 403):
            raise self._error_of(response, prepared)
        is_early = status == 400 and "in progress" in response.text.lower()
        if is_early or status < 400 or status in _TRY_LATER:
            return
        is_certain = is_failed or status in _CERTAIN
        if not is_certain and not confirmation.holds(status, error_type_of(response)):
            return
        if status in (404, 410):
            raise ExpiredResultError(f"{prepared.shown_label}: fal.ai no longer has the result.")
        raise await self._ended(prepared, attempt, accepted, response)

    async def _ended(
        self, prepared: PreparedJob, attempt: int, accepted: Accepted, response: httpx.Response
    ) -> BridgeError:
        error = self._error_of(response, prepared)
        may_send_again = isinstance(error, RunnerTroubleError | JobCancelledError)
        if is_fetch_trouble(response):
            may_send_again = True
            for sha256 in prepared.hashes.values():
                await self._uploads.forget(sha256)
        bill = await self._billed(response, prepared)
        facts = {
            **facts_of(error),
            "may_send_again": may_send_again,
            "request_id": accepted.request_id,
            "status": response.status_code,
            **bill.facts(),
        }
        await asyncio.to_thread(self._journal.record, prepared.key, attempt, Stage.ENDED, facts)
        # Failures at fal.ai are never billed; a refused input may be.
        units = 0.0 if response.status_code >= 500 else bill.units
        await asyncio.to_thread(self._settle, self._journal.read(prepared.key), units)
        return error

    async def _billed(self, response: httpx.Response, prepared: PreparedJob) -> Billed:
        """The billed units that the response names, as far as they are plausible."""
        entry = await asyncio.to_thread(self._journal.read, prepared.key)
        return billed(response.headers.get(UNITS_HEADER), entry.price)

    def _check_deadline(self, prepared: PreparedJob, job: Job, moved_at: float) -> None:
        still = time.monotonic() - moved_at
        allowed = self._pace.running if job.state is JobState.RUNNING else self._pace.queue
        if still > allowed:
            place = (
                "running" if job.state is JobState.RUNNING else f"in the queue ({job.queue_position} ahead)"
            )
            raise QueueDeadlineError(
                f"{prepared.shown_label}: no progress for {still / 60:.0f} minutes; it is {place}."
            )

    def _lose_patience(self, prepared: PreparedJob, since: float, cause: Exception | httpx.Response) -> None:
        if time.monotonic() - since <= self._pace.patience:
            return
        if isinstance(cause, httpx.Response) and cause.status_code >= 400:
            raise ServiceTroubleError(
                f"{prepared.shown_label}: fal.ai responds with error {cause.status_code}."
            )
        error = cause if isinstance(cause, Exception) else None
        raise ServiceTroubleError(
            f"{prepared.shown_label}: fal.ai's responses cannot be understood."
        ) from error

    def _error_of(self, response: httpx.Response, prepared: PreparedJob) -> BridgeError:
        return error_of(
            response, label=prepared.shown_label, endpoint=prepared.endpoint.id, service=self._service
        )

    def _settle(self, entry: Entry, units: float | None) -> None:
        """Count what was billed instead of what was reserved."""
        if self._spending:
            try:
                self._spending.settle(entry.price, units)
            except JournalError as error:  # The reservation still counts; the result is more important.
                _log.warning("%s", error)


class _Confirmation:
    """Whether the same response has been repeated for long enough, and more than twice."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._answer: tuple[int, str] | None = None
        self._since = 0.0
        self._times = 0

    def holds(self, status: int, text: str) -> bool:
        if self._answer != (status, text):
            self._answer, self._since, self._times = (status, text), time.monotonic(), 0
        self._times += 1
        return self._times > 2 and time.monotonic() - self._since >= self._seconds
