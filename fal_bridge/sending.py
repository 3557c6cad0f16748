# SPDX-License-Identifier: GPL-3.0-or-later
"""The one paid request of a job: sent at most once, its answer written down before anything else, sought when lost."""

import asyncio
import logging
import time
from pathlib import Path

import httpx

from .budget import Spending
from .decisions import how_to_decide
from .endpoints import with_files
from .errors import BridgeError, JournalError, StoppedError, UncertainSubmitError, error_from, facts_of
from .jobs import JobState
from .journal import Entry, Facts, Journal, Stage
from .lookup import Lookup
from .own_files import data_uri_of
from .pace import Pace
from .service import Service
from .submits import Accepted, post_once
from .task import Progress, Task
from .traffic import Traffic
from .uploads import Uploads

_log = logging.getLogger(__name__)


class Sender:
    """Sends the requests of one engine. Not for other threads."""

    def __init__(
        self,
        *,
        service: Service,
        journal: Journal,
        client: httpx.AsyncClient,
        uploads: Uploads,
        lookup: Lookup,
        traffic: Traffic,
        pace: Pace,
        spending: Spending | None,
        webhook: str,
        inline_bytes: int,
    ) -> None:
        self._service = service
        self._journal = journal
        self._client = client
        self._uploads = uploads
        self._lookup = lookup
        self._traffic = traffic
        self._pace = pace
        self._spending = spending
        self._webhook = webhook
        self._inline_bytes = inline_bytes
        self._is_stopped = False
        self._sends: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """What was not sent ends with ``StoppedError``."""
        self._is_stopped = True
        self._traffic.wake()

    async def answers(self) -> None:
        """Wait for the answers to what is being sent; those that do not come make their jobs uncertain."""
        if self._sends:
            _log.info("Waiting for fal.ai's answer to %d paid requests", len(self._sends))
            _answered, silent = await asyncio.wait(self._sends, timeout=self._pace.close)
            for send in silent:
                send.cancel()
            if silent:
                await asyncio.wait(silent)

    async def send(self, task: Task, attempt: int, progress: Progress) -> None:
        """Send it, unless another process does: the journal says what came of it.

        Raises StoppedError, CeilingReachedError, or what fal.ai's answer says when it certainly refused the request.
        """
        await self._traffic.take_place(
            progress, lambda: self._check_sending(task), can_wait=task.wanted.can_wait
        )
        if task.hashes and progress.job.state is not JobState.UPLOADING:
            progress.move(JobState.UPLOADING)
        paths = list(task.hashes)
        addresses = await asyncio.gather(*(self._address_of(task, path, attempt) for path in paths))
        by_path = dict(zip(paths, addresses, strict=True))
        sent = with_files(task.arguments, by_path.__getitem__)
        request = self._client.build_request(
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

    async def wait_for_other(self, task: Task, entry: Entry, waited_seconds: float) -> None:
        """Another process has claimed the job: its answer may be on the way, or was lost with it."""
        sent_at = float(entry.facts[Stage.IN_FLIGHT].get("time", time.time()))
        is_old = time.time() - sent_at > self._pace.sender
        if not (entry.sender_is_gone or is_old or waited_seconds > self._pace.sender):
            await asyncio.sleep(self._pace.between_questions(task.wanted.kind, self._traffic.followed))
            return
        lost = UncertainSubmitError(
            f"{task.label}: an earlier run sent it to {task.endpoint.id} and ended before the answer."
        )
        await asyncio.to_thread(
            self._journal.record, task.key, entry.attempt, Stage.UNCERTAIN, facts_of(lost)
        )

    async def look_up(self, task: Task, entry: Entry, progress: Progress) -> None:
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
            message = f"{error_from(entry.facts[Stage.UNCERTAIN]).message} {found}"
            raise UncertainSubmitError(message, hint=how_to_decide(task.key))

    async def has_turned_up(self, task: Task, entry: Entry) -> bool:
        """Before it is sent once more: whether the first request is in the list by now."""
        try:
            found = await self._lookup.find(entry, is_last=True)
        except BridgeError:
            return False  # The person has decided without the list.
        if isinstance(found, Accepted):
            self._adopt(task, entry, found)
        return isinstance(found, Accepted)

    def _check_sending(self, task: Task) -> None:
        if self._is_stopped:
            raise StoppedError(f"{task.label}: stopped before it was sent.")

    async def _address_of(self, task: Task, path: Path, attempt: int) -> str:
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
        self, task: Task, attempt: int, request: httpx.Request, sent: Facts, progress: Progress
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
                self._client, request, service=self._service, endpoint=task.endpoint.id, label=task.label
            )
        except UncertainSubmitError as error:
            self._journal.record(task.key, attempt, Stage.UNCERTAIN, facts_of(error))
            return  # The journal says how it goes on.
        except BridgeError as error:
            self._journal.record(task.key, attempt, Stage.ENDED, {**facts_of(error), "may_send_again": True})
            await self._release(price)
            raise
        except asyncio.CancelledError:
            lost = UncertainSubmitError(f"{task.label}: it was sent and the answer was not awaited.")
            self._journal.record(task.key, attempt, Stage.UNCERTAIN, facts_of(lost))
            raise
        self._remember(task, attempt, accepted)

    async def _reserve(self, task: Task) -> Facts:
        """Put aside what the request may cost, or raise: nothing is sent on credit."""
        if self._spending is None:
            return {}
        return await asyncio.to_thread(self._spending.reserve, task.endpoint, task.arguments, task.label)

    async def _claim(self, task: Task, attempt: int, intent: Facts, price: Facts) -> bool:
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

    def _adopt(self, task: Task, entry: Entry, accepted: Accepted) -> None:
        """A lost request that was found counts as if its answer had come, also when it had been given up."""
        self._remember(task, entry.attempt, accepted)
        if self._spending:
            try:
                self._spending.mark_sent(entry.price)
            except JournalError as error:
                _log.warning("%s", error)

    def _remember(self, task: Task, attempt: int, accepted: Accepted) -> None:
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


def _look_at(task: asyncio.Task[None]) -> None:
    """An error that nobody waits for any more is in the journal; asyncio need not complain."""
    if not task.cancelled():
        task.exception()
