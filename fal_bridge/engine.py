# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a job, from a wish to a file on disk. Runs on one event loop."""

import asyncio
import logging
import math
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fal_client
import httpx

from ..files import copy_atomically, sha256_of
from .budget import Spending
from .costs import cost_of
from .downloads import Arrived, Downloads
from .endpoints import OUTPUT_FILES, REGISTRY, Endpoint, endpoint_for, files_in, with_files
from .errors import (
    BY_NAME,
    BridgeError,
    ExpiredResultError,
    ForgottenError,
    JobCancelledError,
    JournalError,
    QueueDeadlineError,
    RunnerTroubleError,
    ServiceTroubleError,
    StoppedError,
    UncertainSubmitError,
    UnsafePictureError,
)
from .jobs import NEXT_STATES, Generation, Job, JobResult, JobState, Kind
from .journal import Entry, Facts, Journal, Stage, job_key, shown_key
from .lookup import Lookup
from .own_files import data_uri_of
from .service import Service
from .submits import Accepted, post_once
from .traffic import Traffic
from .transport import FINAL, Backoff, body_of, error_of, is_fetch_trouble
from .uploads import Uploads

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often to ask and how long to wait, in seconds."""

    poll: Mapping[Kind, float]
    questions: float = 30.0  # A second at most, over all jobs: many jobs are each asked about less often.
    first_pause: float = 0.3  # Before a safe call is repeated; later pauses are longer.
    queue: float = 3600.0  # Without any movement in the queue.
    running: float = 2 * 3600.0
    patience: float = 600.0  # With a network or a service that does not answer.
    submit: float = 120.0  # For the answer to the paid request.
    lookup: float = 300.0  # For a lost request to appear in fal.ai's list, counted from its sending.
    first_look: float = 2.0  # Until the second look; later pauses are longer.
    sender: float = 180.0  # For another process to write down what it sent; more than ``submit``.
    close: float = 20.0  # For answers to paid requests when everything else has stopped.

    @classmethod
    def of(cls, service: Service) -> "Pace":
        if service.is_emulator:
            return cls(
                poll=dict.fromkeys(Kind, 0.05),
                questions=1000.0,
                first_pause=0.02,
                patience=20.0,
                lookup=2.0,
                first_look=0.1,
            )
        quick = dict.fromkeys((Kind.PHOTO, Kind.CONCEPT, Kind.UPSCALE), 0.7)
        return cls(poll={**quick, Kind.VIDEO: 2.0, Kind.MODEL: 3.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A wish in the endpoint's words."""

    key: str
    wanted: Generation
    endpoint: Endpoint
    arguments: dict[str, Any]
    inputs: dict[str, Any]
    hashes: Mapping[Path, str]
    target: Path

    @property
    def label(self) -> str:
        return self.wanted.label


class _Progress:
    """The job as it stands, told to whoever listens."""

    def __init__(self, job: Job, on_change: Callable[[Job], None], traffic: Traffic) -> None:
        self.job = job
        self._on_change = on_change
        self._traffic = traffic
        self._tell()

    def move(self, state: JobState, **changes: Any) -> None:
        self.job = self.job.moved_to(state, **changes)
        self._tell()

    def change(self, **changes: Any) -> None:
        changed = replace(self.job, **changes)
        if changed != self.job:
            self.job = changed
            self._tell()

    def end(self, state: JobState, error: str) -> None:
        """The last move, where there is one: an answer that is still awaited has no state yet."""
        if state is self.job.state:
            self.change(error=error, message="")
        elif state in NEXT_STATES[self.job.state]:
            self.move(state, error=error)

    def _tell(self) -> None:
        self._traffic.note(self, self.job.state)
        try:
            self._on_change(self.job)
        except Exception:  # noqa: BLE001  Whatever it does, the paid job goes on.
            _log.exception("A listener failed on %s", self.job.label)


class Engine:
    """Follows any number of jobs at once; each paid request is sent at most once."""

    def __init__(
        self,
        *,
        service: Service,
        journal: Journal,
        submit: httpx.AsyncClient,
        safe: httpx.AsyncClient,
        uploads: Uploads,
        downloads: Downloads,
        pace: Pace,
        on_change: Callable[[Job], None],
        traffic: Traffic | None = None,
        webhook: str = "",
        endpoints: Mapping[str, Endpoint] = REGISTRY,
        spending: Spending | None = None,
        inline_bytes: int = 0,
    ) -> None:
        self._webhook = webhook
        self._service = service
        self._endpoints = endpoints
        self._spending = spending
        self._inline_bytes = inline_bytes
        self._journal = journal
        self._submit = submit
        self._safe = safe
        self._uploads = uploads
        self._downloads = downloads
        self._pace = pace
        self._on_change = on_change
        self._lookup = Lookup(service, safe, journal, lag=pace.lookup, first_pause=pace.first_look)
        self._is_stopping = False
        self._sends_no_more = False
        self._runs: set[asyncio.Task[Any]] = set()
        self._by_key: dict[str, asyncio.Task[JobResult]] = {}
        self._sends: set[asyncio.Task[None]] = set()
        self._traffic = traffic or Traffic()

    async def run(self, wanted: Generation, target: Path) -> JobResult:
        """The file for ``wanted``, made, fetched or found; ``target`` has no extension."""
        stopped = StoppedError(f"{wanted.label}: stopped.")
        if self._is_stopping:
            raise stopped
        this = asyncio.current_task()
        assert this is not None
        self._runs.add(this)
        try:
            task = await asyncio.to_thread(self._prepare, wanted, target)
            return await self._run_once(task)
        except asyncio.CancelledError:
            if self._is_stopping:
                raise stopped from None
            raise
        finally:
            self._runs.discard(this)

    def send_no_more(self) -> None:
        """Go on with what was sent; what was not ends with ``StoppedError``."""
        self._sends_no_more = True
        self._traffic.wake()

    async def stop(self) -> None:
        """Send nothing more; stay only for the answers to what is being sent."""
        self._is_stopping = True
        runs = set(self._runs)
        for run in runs:
            run.cancel()
        if runs:
            await asyncio.wait(runs)
        if self._sends:
            _log.info("Waiting for fal.ai's answer to %d paid requests", len(self._sends))
            _answered, silent = await asyncio.wait(self._sends, timeout=self._pace.close)
            for send in silent:
                send.cancel()
            if silent:
                await asyncio.wait(silent)

    def _prepare(self, wanted: Generation, target: Path) -> _Task:
        endpoint = endpoint_for(wanted.endpoint, wanted.kind, self._endpoints)
        endpoint.check(wanted)
        arguments = endpoint.arguments(wanted)
        hashes = {path: sha256_of(path) for path in files_in(arguments)}
        inputs = with_files(arguments, lambda path: {"sha256": hashes[path]})
        return _Task(
            key=job_key(endpoint.id, inputs, is_emulated=self._service.is_emulator),
            wanted=wanted,
            endpoint=endpoint,
            arguments=arguments,
            inputs=inputs,
            hashes=hashes,
            target=target.absolute(),
        )

    async def _run_once(self, task: _Task) -> JobResult:
        """Two wishes for the same job share it; each gets the file at its own place."""
        if running := self._by_key.get(task.key):
            result = await asyncio.shield(running)
            path = await asyncio.to_thread(_brought_to, task.target, result.path)
            return replace(result, path=path)
        life = asyncio.ensure_future(self._life(task))
        self._by_key[task.key] = life
        try:
            return await life
        finally:
            del self._by_key[task.key]

    async def _life(self, task: _Task) -> JobResult:
        wanted = task.wanted
        job = Job(
            key=task.key,
            label=wanted.label,
            kind=wanted.kind,
            endpoint=wanted.endpoint,
            started_at=time.time(),
        )
        progress = _Progress(job, self._on_change, self._traffic)
        self._traffic.followed += 1
        try:
            return await self._as_the_journal_says(task, progress)
        except UncertainSubmitError as error:
            progress.end(JobState.UNCERTAIN, str(error))
            raise
        except asyncio.CancelledError:
            progress.end(JobState.CANCELLED, "")
            raise
        except StoppedError as error:
            progress.end(JobState.CANCELLED, str(error))
            raise
        except Exception as error:
            progress.end(JobState.FAILED, str(error))
            raise
        finally:
            self._traffic.followed -= 1
            self._traffic.note(progress, JobState.DONE)  # However it ended, its place is free.

    async def _as_the_journal_says(self, task: _Task, progress: _Progress) -> JobResult:
        waited_since = time.monotonic()
        while True:
            entry = await asyncio.to_thread(self._journal.read, task.key)
            if entry.stage is Stage.RELEASED and await self._turned_up(task, entry):
                continue
            if entry.may_send:
                await self._send(task, entry.attempt + 1, progress)
                continue
            match entry.stage:
                case Stage.DONE:
                    return await self._recall(task, entry, progress)
                case Stage.SUBMITTED | Stage.ANSWERED:
                    return await self._follow(task, entry, progress)
                case Stage.ENDED:
                    raise _error_from(entry.facts[Stage.ENDED])
                case Stage.FORGOTTEN:
                    raise ForgottenError(
                        f"{task.label}: a person has given its request up.", hint=_how_to_send_again(task.key)
                    )
                case Stage.UNCERTAIN:
                    await self._look_up(task, entry, progress)
                case _:
                    is_lost = self._is_lost(entry, time.monotonic() - waited_since)
                    if is_lost:
                        lost = UncertainSubmitError(
                            f"{task.label}: an earlier run sent it to {task.endpoint.id} and ended before the answer."
                        )
                        facts = _facts_of(lost)
                        await asyncio.to_thread(
                            self._journal.record, task.key, entry.attempt, Stage.UNCERTAIN, facts
                        )
                    else:
                        await asyncio.sleep(self._poll_seconds(task.wanted.kind))

    # Sending

    async def _send(self, task: _Task, attempt: int, progress: _Progress) -> None:
        await self._traffic.take_place(
            progress, lambda: self._check_sending(task), can_wait=task.wanted.can_wait
        )
        if task.hashes and progress.job.state is not JobState.UPLOADING:
            progress.move(JobState.UPLOADING)
        paths = list(task.hashes)
        addresses = await asyncio.gather(*(self._address_of(task, path, attempt) for path in paths))
        by_path = dict(zip(paths, addresses, strict=True))
        sent = with_files(task.arguments, by_path.__getitem__)
        request = self._submit.build_request(
            "POST",
            f"{self._service.queue_url}/{task.endpoint.id}",
            json=sent,
            params={"fal_webhook": self._webhook} if self._webhook else None,
        )
        async with self._traffic.sends:
            send = asyncio.ensure_future(self._send_once(task, attempt, request, sent, progress))
            self._sends.add(send)
            send.add_done_callback(self._sends.discard)
            send.add_done_callback(_look_at)
            await asyncio.shield(send)  # Whoever stops waiting, its answer is written down.

    def _check_sending(self, task: _Task) -> None:
        if self._is_stopping or self._sends_no_more:
            raise StoppedError(f"{task.label}: stopped before it was sent.")

    async def _address_of(self, task: _Task, path: Path, attempt: int) -> str:
        """The user's own address, the file itself when it is tiny, or where it was uploaded to."""
        own = task.wanted.addresses.get(path)
        if own and attempt == 1:  # It may be why an earlier attempt failed: then it is not trusted again.
            return own
        sha256 = task.hashes[path]
        if self._inline_bytes and (
            inline := await asyncio.to_thread(data_uri_of, path, sha256, self._inline_bytes)
        ):
            return inline
        return await self._uploads.address_of(path, sha256)

    async def _send_once(
        self, task: _Task, attempt: int, request: httpx.Request, sent: Facts, progress: _Progress
    ) -> None:
        self._check_sending(task)
        intent = {
            "endpoint": task.endpoint.id,
            "kind": task.wanted.kind,
            "label": task.label,
            "inputs": task.inputs,
            "sent": sent,  # To recognise it in fal.ai's list, should its answer be lost.
        }
        price = await self._reserve(task)
        if not await self._claim(task, attempt, {**intent, "price": price}, price):
            return
        progress.move(JobState.SUBMITTING)
        try:
            if self._spending:
                await asyncio.to_thread(self._spending.mark_sent, price)
            accepted = await post_once(
                self._submit, request, service=self._service, endpoint=task.endpoint.id, label=task.label
            )
        except UncertainSubmitError as error:
            self._journal.record(task.key, attempt, Stage.UNCERTAIN, _facts_of(error))
            return  # The journal says how it goes on.
        except BridgeError as error:
            self._journal.record(task.key, attempt, Stage.ENDED, {**_facts_of(error), "may_send_again": True})
            await self._release(price)
            raise
        except asyncio.CancelledError:
            lost = UncertainSubmitError(f"{task.label}: it was sent and the answer was not awaited.")
            self._journal.record(task.key, attempt, Stage.UNCERTAIN, _facts_of(lost))
            raise
        self._remember(task, attempt, accepted)

    async def _reserve(self, task: _Task) -> Facts:
        """Put aside what the request may cost, or raise: nothing is sent on credit."""
        if self._spending is None:
            return {}
        return await asyncio.to_thread(self._spending.reserve, task.endpoint, task.arguments, task.label)

    async def _claim(self, task: _Task, attempt: int, intent: Facts, price: Facts) -> bool:
        """The right to send; without it the money is free again."""
        is_ours = False
        try:
            self._check_sending(task)  # It may have been stopped while money was put aside.
            is_ours = await asyncio.to_thread(self._journal.claim, task.key, attempt, intent)
        finally:
            if not is_ours:
                await self._release(price)
        return is_ours

    async def _release(self, price: Facts) -> None:
        if self._spending:
            await asyncio.to_thread(self._spending.release, price)

    def _settle(self, entry: Entry, units: float | None) -> None:
        """Count what was billed instead of what was put aside."""
        if self._spending:
            try:
                self._spending.settle(entry.price, units)
            except JournalError as error:  # What was put aside stands for it; the result matters more.
                _log.warning("%s", error)

    def _adopt(self, task: _Task, entry: Entry, accepted: Accepted) -> None:
        """A lost request that was found counts as if its answer had come, also when it had been given up."""
        self._remember(task, entry.attempt, accepted)
        if self._spending:
            try:
                self._spending.mark_sent(entry.price)
            except JournalError as error:
                _log.warning("%s", error)

    def _remember(self, task: _Task, attempt: int, accepted: Accepted) -> None:
        """On this thread and before anything else: now the request id exists only in memory."""
        facts = {
            "request_id": accepted.request_id,
            "status_url": accepted.status_url,
            "response_url": accepted.response_url,
            "cancel_url": accepted.cancel_url,
        }
        try:
            self._journal.record(task.key, attempt, Stage.SUBMITTED, facts)
        except JournalError as error:
            raise JournalError(
                f"{task.label}: fal.ai has accepted request {accepted.request_id} of {task.endpoint.id}, "
                f"but that cannot be written down: {error.message}",
                hint="Note the request id: without it the result has to be found in the fal.ai dashboard.",
            ) from error

    def _is_lost(self, entry: Entry, waited_seconds: float) -> bool:
        """Another process claimed the job: its answer may be on the way, or lost with it."""
        sent_at = float(entry.facts[Stage.IN_FLIGHT].get("time", time.time()))
        is_old = time.time() - sent_at > self._pace.sender
        return entry.sender_is_gone or is_old or waited_seconds > self._pace.sender

    async def _look_up(self, task: _Task, entry: Entry, progress: _Progress) -> None:
        """An uncertain job, looked for in fal.ai's list: adopted, or held for a person to decide."""
        progress.move(JobState.UNCERTAIN, message="looking for it at fal.ai")
        try:
            found = await self._lookup.find(entry)
        except BridgeError as error:
            found = f"It could not be looked up: {error.message}"
        except asyncio.CancelledError:
            found = "It was not looked for to the end."
        if isinstance(found, Accepted):
            _log.info("%s: its answer was lost, it is request %s", task.label, found.request_id)
            self._adopt(task, entry, found)
        elif self._journal.read(task.key).stage not in (Stage.SUBMITTED, Stage.ANSWERED, Stage.DONE):
            message = f"{_error_from(entry.facts[Stage.UNCERTAIN]).message} {found}"
            raise UncertainSubmitError(message, hint=_how_to_decide(task.key))

    async def _turned_up(self, task: _Task, entry: Entry) -> bool:
        """Before it is sent once more: whether the first request is in the list by now."""
        try:
            found = await self._lookup.find(entry, is_last=True)
        except BridgeError:
            return False  # The person has decided without the list.
        if isinstance(found, Accepted):
            self._adopt(task, entry, found)
        return isinstance(found, Accepted)

    # Following

    async def _follow(self, task: _Task, entry: Entry, progress: _Progress) -> JobResult:
        accepted = Accepted.from_answer(entry.facts[Stage.SUBMITTED], self._service, task.endpoint.id)
        progress.move(JobState.QUEUED, request_id=accepted.request_id)
        answer = entry.facts.get(Stage.ANSWERED)
        if answer is None:
            completed = await self._wait(task, accepted, progress)
            answer = await self._ask(task, entry.attempt, accepted, is_failed=completed.error is not None)
            await asyncio.to_thread(self._journal.record, task.key, entry.attempt, Stage.ANSWERED, answer)
        await asyncio.to_thread(self._settle, entry, answer["units"])
        progress.move(JobState.DOWNLOADING, queue_position=None)
        return await self._bring_home(task, entry.attempt, accepted, answer, progress)

    async def _wait(self, task: _Task, accepted: Accepted, progress: _Progress) -> fal_client.Completed:
        """Ask until the job has come to an end, good or bad."""
        handle = fal_client.AsyncRequestHandle(
            accepted.request_id,
            accepted.response_url,
            accepted.status_url,
            accepted.cancel_url,
            client=self._safe,
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
                if _show(status, progress):
                    moved_at = heard_at
                self._check_deadline(task, progress.job, moved_at)
            await asyncio.sleep(max(pauses.next(), self._turn_seconds() * random.uniform(0.7, 1.3)))

    async def _ask(self, task: _Task, attempt: int, accepted: Accepted, *, is_failed: bool) -> Facts:
        """The job's output, or its failure, which is written down and raised."""
        asked_at = time.monotonic()
        while True:
            response = await self._safe.get(
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
            await asyncio.sleep(self._poll_seconds(task.wanted.kind))

    async def _ended(
        self, task: _Task, attempt: int, accepted: Accepted, response: httpx.Response
    ) -> BridgeError:
        error = self._error_of(response, task)
        may_send_again = isinstance(error, RunnerTroubleError | JobCancelledError)
        if is_fetch_trouble(response):
            may_send_again = True
            for sha256 in task.hashes.values():
                await self._uploads.forget(sha256)
        facts = {
            **_facts_of(error),
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

    def _check_deadline(self, task: _Task, job: Job, moved_at: float) -> None:
        still = time.monotonic() - moved_at
        allowed = self._pace.running if job.state is JobState.RUNNING else self._pace.queue
        if still > allowed:
            place = (
                "running" if job.state is JobState.RUNNING else f"in the queue ({job.queue_position} ahead)"
            )
            raise QueueDeadlineError(
                f"{task.label}: nothing has moved for {still / 60:.0f} minutes, it is {place}."
            )

    def _lose_patience(self, task: _Task, since: float, cause: Exception | None) -> None:
        if time.monotonic() - since > self._pace.patience:
            raise ServiceTroubleError(f"{task.label}: fal.ai's answers make no sense.") from cause

    def _error_of(self, response: httpx.Response, task: _Task) -> BridgeError:
        return error_of(response, label=task.label, endpoint=task.endpoint.id, service=self._service)

    def _poll_seconds(self, kind: Kind) -> float:
        return max(self._pace.poll[kind], self._turn_seconds())

    def _turn_seconds(self) -> float:
        """Until it is a job's turn to be asked about, when all have theirs."""
        return self._traffic.followed / self._pace.questions

    # Bringing the file home

    async def _bring_home(
        self, task: _Task, attempt: int, accepted: Accepted, answer: Facts, progress: _Progress
    ) -> JobResult:
        try:
            arrived = await self._fetch(task, answer)
        except ExpiredResultError:
            # Addresses may expire before the result does: a fresh answer may have a fresh one.
            answer = await self._ask(task, attempt, accepted, is_failed=False)
            arrived = await self._fetch(task, answer)
        try:
            result = await asyncio.to_thread(self._finish, task, attempt, accepted, answer, arrived)
        except OSError as error:
            raise JournalError(f"{task.label}: {task.target.parent} cannot be written.") from error
        progress.move(JobState.DONE)
        return result

    async def _fetch(self, task: _Task, answer: Facts) -> Arrived:
        address = task.endpoint.file_address(answer["output"])
        if not address:
            raise ServiceTroubleError(
                f"{task.label}: the result of {task.endpoint.id} has no file where one should be.",
                hint="Its answer is kept in the journal; a newer version may understand it.",
            )
        return await self._downloads.fetch(address, task.target, OUTPUT_FILES[task.wanted.kind], task.label)

    def _finish(
        self,
        task: _Task,
        attempt: int,
        accepted: Accepted,
        answer: Facts,
        arrived: Arrived,
    ) -> JobResult:
        output = answer["output"]
        if _is_flagged(output) or arrived.is_black:
            path = arrived.place(task.target.with_name(f"{task.target.name}.refused"))
            error = UnsafePictureError(f"{task.label}: {task.endpoint.id} held the picture back as unsafe.")
            facts = {
                **_facts_of(error),
                "may_send_again": False,
                "request_id": accepted.request_id,
                "units": answer["units"],
                "path": self._relative(path),
            }
            self._journal.record(task.key, attempt, Stage.ENDED, facts)
            raise error
        path = arrived.place(task.target)
        seed = output.get("seed")
        price = self._journal.read(task.key).price
        cost, basis = cost_of(price, answer["units"])
        done = {
            "request_id": accepted.request_id,
            "path": self._relative(path),
            "sha256": sha256_of(path),
            "seed": seed if isinstance(seed, int) else None,
            "units": answer["units"],
            "cost": None if cost is None else str(cost),
            "cost_basis": basis,
        }
        self._journal.record(task.key, attempt, Stage.DONE, done)
        return _result(task, done, path)

    async def _recall(self, task: _Task, entry: Entry, progress: _Progress) -> JobResult:
        """A job that is done: from disk, and only if the file is lost once more from fal.ai."""
        done = entry.facts[Stage.DONE]
        path = await asyncio.to_thread(self._found, task, done)
        if path:
            progress.move(JobState.DONE, request_id=done["request_id"])
            return _result(task, done, path)
        accepted = Accepted.from_answer(entry.facts[Stage.SUBMITTED], self._service, task.endpoint.id)
        progress.move(JobState.DOWNLOADING, request_id=accepted.request_id)
        return await self._bring_home(task, entry.attempt, accepted, entry.facts[Stage.ANSWERED], progress)

    def _found(self, task: _Task, done: Facts) -> Path | None:
        recorded = Path(os.path.normpath(self._journal.folder / done["path"]))
        own = task.target.with_name(task.target.name + recorded.suffix)
        for path in (own, recorded):
            if path.is_file() and sha256_of(path) == done["sha256"]:
                return _brought_to(task.target, path)
        return None

    def _relative(self, path: Path) -> str:
        """From the journal, so that a set folder can be moved."""
        try:
            return Path(os.path.relpath(path, self._journal.folder)).as_posix()
        except ValueError:
            return str(path)  # On another drive of Windows.


def _brought_to(target: Path, path: Path) -> Path:
    """``path``, or its copy at ``target`` with the same extension."""
    own = target.with_name(target.name + path.suffix)
    if own != path:
        try:
            copy_atomically(path, own)
        except OSError as error:
            raise JournalError(f"{own} cannot be written: {error.strerror}.") from error
    return own


def _result(task: _Task, done: Facts, path: Path) -> JobResult:
    return JobResult(
        key=task.key,
        path=path,
        sha256=done["sha256"],
        endpoint=task.endpoint.id,
        request_id=done["request_id"],
        seed=done["seed"],
        cost=Decimal(done["cost"]) if done.get("cost") else None,
        units=done["units"],
        inputs=task.inputs,
    )


def _show(status: fal_client.Status, progress: _Progress) -> bool:
    """Report what a status says; whether the job has moved since the last one."""
    before = progress.job
    if isinstance(status, fal_client.Queued):
        if before.state is JobState.RUNNING:
            progress.move(JobState.QUEUED)
        progress.change(queue_position=status.position)
    elif isinstance(status, fal_client.InProgress):
        if before.state is not JobState.RUNNING:
            progress.move(JobState.RUNNING, queue_position=None)
        messages = [
            str(line.get("message", "")).strip() for line in status.logs or [] if isinstance(line, dict)
        ]
        if lines := [line for message in messages for line in message.splitlines()[-1:]]:
            progress.change(message=lines[-1][:200])
    now = progress.job
    return (now.state, now.queue_position) != (before.state, before.queue_position)


def _is_flagged(output: Facts) -> bool:
    flags = output.get("has_nsfw_concepts")
    return isinstance(flags, list) and bool(flags) and flags[0] is True


def _units(response: httpx.Response) -> float | None:
    try:
        units = float(response.headers["x-fal-billable-units"])
    except (KeyError, ValueError):
        return None
    return units if math.isfinite(units) else None


def _facts_of(error: BridgeError) -> Facts:
    return {"error": type(error).__name__, "message": error.message, "hint": error.hint}


def _error_from(facts: Facts) -> BridgeError:
    kind = BY_NAME.get(str(facts.get("error")), BridgeError)
    return kind(str(facts.get("message", "")), hint=str(facts.get("hint", "")))


def _how_to_decide(key: str) -> str:
    return (
        f"{UncertainSubmitError.next_step} Then `resume DIR --resend {shown_key(key)}` sends it once more, "
        f"`resume DIR --forget {shown_key(key)}` gives it up."
    )


def _how_to_send_again(key: str) -> str:
    return f"`resume DIR --resend {shown_key(key)}` sends it once more."


def _look_at(task: asyncio.Task[None]) -> None:
    """An error that nobody waits for any more is in the journal; asyncio need not complain."""
    if not task.cancelled():
        task.exception()
