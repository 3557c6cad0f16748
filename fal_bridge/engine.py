# SPDX-License-Identifier: GPL-3.0-or-later
"""Lead each job from what is wanted to a file on disk. Runs on one event loop."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..files.writing import sha256_of
from ..messages.labels import shown_label
from .decisions import how_to_send_again
from .endpoints.choosing import endpoint_for, endpoint_of_result
from .endpoints.endpoint import Endpoint
from .endpoints.file_arguments import files_in, with_files
from .engine_setup import EngineSetup
from .errors import (
    LOST,
    RESULT_LOST,
    BridgeError,
    ForgottenError,
    RateLimitedError,
    StoppedError,
    UncertainSubmitError,
    error_from,
)
from .following import Follower
from .job_progress import JobProgress
from .jobs import Generation, Job, JobResult, JobState, Kind
from .journal import OPEN_STAGES, Entry, Facts, Stage, job_key
from .network.paid_post import Accepted
from .network.storage_api import Storage
from .prepared_job import PreparedJob
from .results import Results, copied_to, result_from
from .sending import Sender
from .sent_pictures import SentPictures

T = TypeVar("T")

# Members of a ``Generation`` that do not change what is made, or have another place in the wish.
NO_WISH = {"endpoint", "label", "addresses", "can_wait", "take", "about", "stand_in"}


class Engine:
    """Runs any number of jobs at once; each paid request is sent at most once."""

    def __init__(self, setup: EngineSetup) -> None:
        self._service = setup.service
        self._endpoints = setup.endpoints
        self._pace = setup.pace
        self._journal = setup.journal
        self._on_change = setup.on_change
        self._traffic = setup.traffic
        self._pictures = SentPictures(setup.journal.folder)
        self._sender = Sender(setup)
        self._follower = Follower(setup)
        self._results = Results(setup.journal, setup.downloads, Storage(setup.service, setup.safe))
        self._is_stopping = False
        self._runs: set[asyncio.Task[Any]] = set()
        self._by_key: dict[str, asyncio.Task[JobResult]] = {}

    async def run(self, wanted: Generation, target: Path) -> JobResult:
        """Generate, fetch or find the file for ``wanted``; ``target`` has no extension. Raises BridgeError."""

        async def work() -> JobResult:
            prepared, earlier = await asyncio.to_thread(self._prepare, wanted, target)
            if earlier and await self._was_sent(earlier):
                return await self._run_once(earlier)
            sent = await asyncio.to_thread(self._as_sent, prepared)
            if sent is not prepared:
                with contextlib.suppress(BridgeError):  # They stay open for the next run.
                    await self._follow_others(sent.label, sent.target, own_key=sent.key)
            return await self._run_once(sent)

        return await self._stoppable(wanted.label, work)

    async def settle(self, label: str, target: Path) -> None:
        """Follow every open request with this label to its end, so that its file is on disk beside ``target``.

        A request that was given up and has turned up at fal.ai is open again. Raises BridgeError when one stays open.
        """
        await self._stoppable(label, lambda: self._follow_others(label, target.absolute()))

    async def _stoppable(self, label: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run ``work``; ``stop`` ends it with StoppedError."""
        stopped = StoppedError(f"{shown_label(label)}: stopped.")
        if self._is_stopping:
            raise stopped
        this = asyncio.current_task()
        assert this is not None
        self._runs.add(this)
        try:
            return await work()
        except asyncio.CancelledError:
            if self._is_stopping:
                raise stopped from None
            raise
        finally:
            self._runs.discard(this)

    def send_no_more(self) -> None:
        """Continue with requests that were sent; end the others with ``StoppedError``."""
        self._sender.stop()

    async def stop(self) -> None:
        """Send nothing more, and wait only for responses to requests that are being sent."""
        self._is_stopping = True
        self._sender.stop()
        runs = set(self._runs)
        for run in runs:
            run.cancel()
        if runs:
            await asyncio.wait(runs)
        await self._sender.answers()

    def _prepare(self, wanted: Generation, target: Path) -> tuple[PreparedJob, PreparedJob | None]:
        """The job, and the same job as earlier versions knew it: with the user's files, whatever they looked like."""
        endpoint = endpoint_for(wanted.endpoint, wanted.kind, self._endpoints)
        sent = self._pictures.of(wanted, endpoint)
        endpoint.check(sent)
        prepared = self._prepared(sent, endpoint, target)
        if sent is wanted:
            return prepared, None
        return prepared, replace(self._prepared(wanted, endpoint, target), may_send=False)

    def _prepared(self, wanted: Generation, endpoint: Endpoint, target: Path) -> PreparedJob:
        arguments = endpoint.arguments(wanted)
        hashes = {path: sha256_of(path) for path in files_in(arguments)}
        inputs = with_files(arguments, lambda path: {"sha256": hashes[path]})
        return PreparedJob(
            key=job_key(endpoint.id, inputs, is_emulated=self._service.is_emulator, take=wanted.take),
            wanted=wanted,
            endpoint=endpoint,
            arguments=arguments,
            inputs=inputs,
            hashes=hashes,
            target=target.absolute(),
            wish=self._wish(wanted, hashes),
        )

    def _wish(self, wanted: Generation, hashes: Mapping[Path, str]) -> str:
        def plain(value: Any) -> Any:
            if isinstance(value, Path):
                return hashes.get(value) or sha256_of(value)
            if isinstance(value, Mapping):
                return {str(name): plain(item) for name, item in value.items()}
            return [plain(item) for item in value] if isinstance(value, list | tuple) else value

        names = {item.name for item in fields(Generation)} - NO_WISH
        facts = {name: plain(getattr(wanted, name)) for name in names}
        is_emulated = self._service.is_emulator
        return job_key(f"wish {wanted.endpoint}", facts, is_emulated=is_emulated, take=wanted.take)

    def _as_sent(self, prepared: PreparedJob) -> PreparedJob:
        """The job, or the one that was sent for the same wish when it had other inputs.

        Inputs change with the published schema of the endpoint, which may also be out of reach, and with this program.
        """
        if self._journal.read(prepared.key).stage is not Stage.FREE:
            return prepared
        entry = self._journal.sent_for(prepared.label, prepared.wish)
        if entry is None:
            return prepared
        inputs = entry.facts[Stage.IN_FLIGHT].get("inputs")
        known = inputs if isinstance(inputs, dict) else {}
        return replace(prepared, key=entry.key, inputs=known, may_send=False)

    async def _was_sent(self, earlier: PreparedJob) -> bool:
        """Whether an earlier version has sent the job, so that it is followed and not paid again.

        One that was refused, failed without a charge or was given up counts only when it is at fal.ai after all.
        """
        entry = await asyncio.to_thread(self._journal.read, earlier.key)
        if entry.stage is Stage.ENDED and entry.may_send:
            return await self._sender.is_revived(earlier, entry)
        if entry.stage is Stage.RELEASED:
            return await self._sender.has_turned_up(earlier, entry)
        return entry.stage is not Stage.FREE

    async def _run_once(self, prepared: PreparedJob) -> JobResult:
        """Run equal jobs as one; each caller gets a file at its own target."""
        if running := self._by_key.get(prepared.key):
            result = await asyncio.shield(running)
            path = await asyncio.to_thread(copied_to, prepared.target, result.path)
            return replace(result, path=path)
        running = asyncio.ensure_future(self._tracked(prepared))
        self._by_key[prepared.key] = running
        try:
            return await running
        finally:
            del self._by_key[prepared.key]

    async def _tracked(self, prepared: PreparedJob) -> JobResult:
        wanted = prepared.wanted
        job = Job(
            key=prepared.key,
            label=wanted.label,
            kind=wanted.kind,
            endpoint=wanted.endpoint,
            started_at=time.time(),
        )
        progress = JobProgress(job, self._on_change, self._traffic)
        self._traffic.followed += 1
        try:
            if not prepared.may_send:
                return await self._as_the_journal_says(prepared, progress)
            await self._clear_the_way(prepared)
            try:
                return await self._as_the_journal_says(prepared, progress)
            finally:
                with contextlib.suppress(BridgeError):  # They stay open for the next run.
                    await self._follow_others(prepared.label, prepared.target, own_key=prepared.key)
        except UncertainSubmitError as error:
            progress.end(JobState.UNCERTAIN, str(error))
            raise
        except asyncio.CancelledError:
            progress.end(JobState.LEFT if progress.job.request_id else JobState.CANCELLED, "")
            raise
        except StoppedError as error:
            progress.end(JobState.CANCELLED, str(error))
            raise
        except Exception as error:
            redo = wanted.name if isinstance(error, RESULT_LOST) else ""
            progress.end(JobState.FAILED, str(error), redo=redo)
            raise
        finally:
            self._traffic.followed -= 1
            self._traffic.note(progress, JobState.DONE)  # However it ended, its place is free.

    async def _as_the_journal_says(self, prepared: PreparedJob, progress: JobProgress) -> JobResult:
        waited_since = time.monotonic()
        limited_since: float | None = None
        while True:
            entry = await asyncio.to_thread(self._journal.read, prepared.key)
            if entry.stage in (Stage.RELEASED, Stage.FORGOTTEN) and await self._sender.has_turned_up(
                prepared, entry
            ):
                continue
            if entry.may_send and prepared.may_send:
                if entry.stage is Stage.ENDED and await self._sender.is_revived(prepared, entry):
                    continue
                try:
                    await self._sender.send(prepared, entry.attempt + 1, progress)
                except RateLimitedError as error:
                    limited_since = limited_since or time.monotonic()
                    await self._wait_out(error, time.monotonic() - limited_since, progress)
                continue
            match entry.stage:
                case Stage.DONE:
                    return await self._recall(prepared, entry, progress)
                case Stage.SUBMITTED | Stage.ANSWERED:
                    return await self._follow(prepared, entry, progress)
                case Stage.ENDED:
                    raise error_from(entry.facts[Stage.ENDED])
                case Stage.FORGOTTEN | Stage.RELEASED:
                    raise ForgottenError(
                        f"{prepared.shown_label}: you gave up its request.",
                        hint=how_to_send_again(prepared.key),
                    )
                case Stage.UNCERTAIN:
                    await self._sender.look_up(prepared, entry, progress)
                case _:
                    await self._sender.wait_for_other(prepared, entry, time.monotonic() - waited_since)

    async def _wait_out(self, error: RateLimitedError, waited: float, progress: JobProgress) -> None:
        """Wait as long as fal.ai asks. Raises ``error`` when the wait would exceed ``Pace.max_wait``."""
        wait = self._pace.first_look if error.wait_seconds is None else error.wait_seconds
        if waited + wait > self._pace.max_wait:
            raise error
        progress.move(JobState.PREPARED, message=f"{error.message} It will be sent again soon.")
        await self._sender.pause(wait)

    async def _clear_the_way(self, prepared: PreparedJob) -> None:
        """Before sending anything new, follow every open request for the same purpose to its end, whatever its key.

        Raises BridgeError when one stays open and ``prepared`` has not been sent.
        """
        try:
            await self._follow_others(prepared.label, prepared.target, own_key=prepared.key)
        except BridgeError:
            entry = await asyncio.to_thread(self._journal.read, prepared.key)
            if entry.may_send:
                raise

    async def _follow_others(self, label: str, target: Path, *, own_key: str = "") -> None:
        """Follow every other open request with this label to its end. Raises BridgeError when one stays open."""
        await self._recover(label, own_key)
        for entry in await asyncio.to_thread(self._journal.open_jobs, label):
            if entry.key == own_key:
                continue
            try:
                await self._run_once(self._prepared_from(entry, target))
            except BridgeError as error:
                is_open = (await asyncio.to_thread(self._journal.read, entry.key)).stage in OPEN_STAGES
                if is_open and not isinstance(error, LOST):
                    raise

    async def _recover(self, label: str, own_key: str) -> None:
        """Look for attempts that were left behind; those that fal.ai has become open jobs.

        Not while an attempt with the same label is uncertain, because a request that is found belongs to that one.
        """
        own = await asyncio.to_thread(self._journal.read, own_key) if own_key else Entry()
        left_behind = await asyncio.to_thread(self._journal.left_behind, label)
        if not left_behind:
            return
        stages = [entry.stage for entry in await asyncio.to_thread(self._journal.open_jobs, label)]
        if Stage.UNCERTAIN in stages or Stage.IN_FLIGHT in stages:
            return
        for left in left_behind:
            if (left.key, left.attempt) != (own_key, own.attempt):
                await self._sender.recover(left)

    def _prepared_from(self, entry: Entry, target: Path) -> PreparedJob:
        """A job that only the journal knows: it can be followed but not sent again."""
        intent = entry.facts[Stage.IN_FLIGHT]
        kind = entry.kind or Kind.PHOTO
        about, inputs = intent.get("about"), intent.get("inputs")
        return PreparedJob(
            key=entry.key,
            wanted=Generation(
                kind=kind,
                endpoint=entry.endpoint,
                label=entry.label,
                about=about if isinstance(about, dict) else {},
            ),
            endpoint=endpoint_of_result(entry.endpoint, kind, self._endpoints),
            arguments={},
            inputs=inputs if isinstance(inputs, dict) else {},
            hashes={},
            target=target.absolute(),
            may_send=False,
        )

    async def _follow(self, prepared: PreparedJob, entry: Entry, progress: JobProgress) -> JobResult:
        accepted = self._accepted(prepared, entry)
        progress.move(JobState.QUEUED, request_id=accepted.request_id)
        answer = await self._follower.answer(prepared, entry, accepted, progress)
        progress.move(JobState.DOWNLOADING, queue_position=None)
        return await self._fetch_result(prepared, entry, accepted, answer, progress)

    async def _recall(self, prepared: PreparedJob, entry: Entry, progress: JobProgress) -> JobResult:
        """The file of a finished job: from disk, else from fal.ai again, else the caller's stand-in."""
        done = entry.facts[Stage.DONE]
        result = await asyncio.to_thread(self._results.on_disk, prepared, done)
        if result:
            progress.move(JobState.DONE, request_id=done["request_id"])
            return result
        await asyncio.to_thread(self._results.make_way, done)
        accepted = self._accepted(prepared, entry)
        progress.move(JobState.DOWNLOADING, request_id=accepted.request_id)
        try:
            return await self._fetch_result(prepared, entry, accepted, entry.facts[Stage.ANSWERED], progress)
        except RESULT_LOST:
            path = await asyncio.to_thread(prepared.wanted.stand_in, accepted.request_id)
            if path is None:
                raise
            progress.move(JobState.DONE, message="")
            return replace(result_from(prepared, done, path), is_stand_in=True)

    async def _fetch_result(
        self, prepared: PreparedJob, entry: Entry, accepted: Accepted, answer: Facts, progress: JobProgress
    ) -> JobResult:
        ask_again = partial(self._follower.ask, prepared, entry.attempt, accepted)
        result = await self._results.fetch_result(
            prepared, entry.attempt, accepted, answer, ask_again, progress.show_arrived
        )
        progress.move(JobState.DONE, message="")
        return result

    def _accepted(self, prepared: PreparedJob, entry: Entry) -> Accepted:
        return Accepted.from_answer(entry.facts[Stage.SUBMITTED], self._service, prepared.endpoint.id)
