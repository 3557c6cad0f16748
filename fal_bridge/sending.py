# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the one paid request of a job, at most once. Record its response first of all; look for it when that is lost."""

import asyncio
import contextlib
import logging
import time
from pathlib import Path

import httpx

from ..messages.labels import shown_label
from .decisions import how_to_confirm, how_to_decide
from .endpoints.file_arguments import with_files
from .engine_setup import EngineSetup
from .errors import BridgeError, JournalError, StoppedError, UncertainSubmitError, error_from, facts_of
from .job_progress import JobProgress
from .jobs import JobState
from .journal import Entry, Facts, Journal, Stage, late_key
from .lost_requests import Lookup, NotFound
from .network.paid_post import Accepted, post_once
from .network.picture_addresses import data_uri_of
from .network.storage_api import Storage
from .prepared_job import PreparedJob

# What an intent tells about its request.
INTENT_FACTS = ("endpoint", "kind", "label", "inputs", "wish", "about", "sent", "expires_after", "is_private")

_log = logging.getLogger(__name__)


class Sender:
    """Sends the requests of one engine. Not thread-safe."""

    def __init__(self, setup: EngineSetup) -> None:
        self._service = setup.service
        self._journal = setup.journal
        self._client = setup.submit
        self._uploads = setup.uploads
        self._lookup = Lookup(setup.service, setup.safe, setup.journal, setup.pace)
        self._traffic = setup.traffic
        self._pace = setup.pace
        self._spending = setup.spending
        self._webhook = setup.webhook
        self._lifecycle = setup.lifecycle
        self._storage = Storage(setup.service, setup.safe)
        self._inline_bytes = setup.inline_bytes
        self._stopped = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End what was not sent with ``StoppedError``."""
        self._stopped.set()
        self._traffic.wake()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until ``stop``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def answers(self) -> None:
        """Wait for the responses to what is being sent. A job whose response does not arrive is uncertain."""
        if self._sends:
            _log.info("Waiting for fal.ai's response to %d paid requests", len(self._sends))
            _answered, silent = await asyncio.wait(self._sends, timeout=self._pace.close)
            for send in silent:
                send.cancel()
            if silent:
                await asyncio.wait(silent)

    async def send(self, prepared: PreparedJob, attempt: int, progress: JobProgress) -> None:
        """Send the request, unless another process does; the journal has the outcome.

        Raises StoppedError, CeilingReachedError, or the error of a response that certainly refuses the request.
        """
        await self._traffic.take_place(
            progress, lambda: self._check_sending(prepared), can_wait=prepared.wanted.can_wait
        )
        if self._lifecycle.is_private:
            await (
                self._storage.require_signing()
            )  # Otherwise the result would be paid and could not be fetched.
        if prepared.hashes and progress.job.state is not JobState.UPLOADING:
            progress.move(JobState.UPLOADING)
        paths = list(prepared.hashes)
        addresses = await asyncio.gather(*(self._address_of(prepared, path, attempt) for path in paths))
        by_path = dict(zip(paths, addresses, strict=True))
        sent = with_files(prepared.arguments, by_path.__getitem__)
        request = self._client.build_request(
            "POST",
            f"{self._service.queue_url}/{prepared.endpoint.id}",
            json=sent,
            params={"fal_webhook": self._webhook} if self._webhook else None,
            headers=self._lifecycle.headers(),
        )
        async with self._traffic.sends:
            send = asyncio.ensure_future(self._send_once(prepared, attempt, request, sent, progress))
            self._sends.add(send)
            send.add_done_callback(self._sends.discard)
            send.add_done_callback(_mark_seen)
            await asyncio.shield(send)  # The response is recorded even when the caller stops waiting.

    async def wait_for_other(self, prepared: PreparedJob, entry: Entry, waited_seconds: float) -> None:
        """Another process has claimed the job: its response may be on the way, or was lost with that process."""
        sent_at = float(entry.facts[Stage.IN_FLIGHT].get("time", time.time()))
        is_old = time.time() - sent_at > self._pace.sender
        if not (entry.sender_is_gone or is_old or waited_seconds > self._pace.sender):
            await asyncio.sleep(self._pace.between_questions(prepared.wanted.kind, self._traffic.followed))
            return
        lost = UncertainSubmitError(
            f"{prepared.shown_label}: an earlier run sent it to {prepared.endpoint.id} and ended before the response arrived."
        )
        await asyncio.to_thread(
            self._journal.record, prepared.key, entry.attempt, Stage.UNCERTAIN, facts_of(lost)
        )

    async def look_up(self, prepared: PreparedJob, entry: Entry, progress: JobProgress) -> None:
        """Look for an uncertain job at fal.ai: adopt it, prove that it is not there, or hold it for the user to decide."""
        progress.move(JobState.UNCERTAIN, message="looking for it at fal.ai")
        try:
            found = await self._lookup.find(entry)
        except BridgeError as error:
            found = NotFound(reason=f"It could not be looked up: {error.message}")
        except asyncio.CancelledError:
            found = NotFound(reason="The search for it was interrupted.")
        if isinstance(found, Accepted):
            _log.info("%s: the response was lost; it is request %s", prepared.label, found.request_id)
            self._adopt(prepared, entry, found)
            return
        if self._journal.read(prepared.key).stage in (Stage.SUBMITTED, Stage.ANSWERED, Stage.DONE):
            return
        lost = entry.facts[Stage.UNCERTAIN]
        if found.is_proof and lost.get("is_refusal"):
            progress.move(JobState.PREPARED, message="")
            await self._end_refused(prepared, entry.attempt, lost, entry.price)
            return
        message = f"{error_from(lost).message} {found.reason}"
        raise UncertainSubmitError(message, hint=how_to_decide(prepared.key, entry))

    async def has_turned_up(self, prepared: PreparedJob, entry: Entry) -> bool:
        """Whether a request that the user has given up is at fal.ai after all. It is then followed.

        Raises UncertainSubmitError when it is to be sent again and neither the user nor fal.ai's lists rule that out.
        """
        try:
            found = await self._lookup.find(entry, is_last=True)
        except BridgeError as error:
            found = NotFound(reason=f"It could not be looked up: {error.message}")
        if isinstance(found, Accepted):
            self._adopt(prepared, entry, found)
            return True
        if not entry.is_resend_certain and not found.is_proof:
            raise UncertainSubmitError(
                f"{prepared.shown_label}: fal.ai may have received this request. {found.reason}",
                hint=how_to_confirm(prepared.key),
            )
        return False

    async def is_revived(self, prepared: PreparedJob, entry: Entry) -> bool:
        """Before another attempt is sent, whether fal.ai has the request of the last one after all.

        That attempt was refused, or failed in a way that is not charged. Its request is checked again, free of charge,
        and the next attempt follows it instead of sending. Raises BridgeError when fal.ai cannot be reached.
        """
        found = await self._lookup.alive(entry)
        if found is None:
            return False
        attempt = entry.attempt + 1
        price = entry.price
        if self._spending:
            price = await asyncio.to_thread(self._spending.count, prepared.endpoint, prepared.arguments)
        if await asyncio.to_thread(
            self._journal.claim, prepared.key, attempt, _adopting(entry, found, price)
        ):
            _log.info("%s: request %s is at fal.ai after all", prepared.label, found.request_id)
            self._remember(prepared, attempt, found)
        return True

    async def recover(self, entry: Entry) -> str:
        """Look for an attempt that was left behind; the key of the job that follows it, or ""."""
        try:
            found = await self._lookup.find(entry, is_last=True)
        except BridgeError as error:
            _log.info("%s: could not be looked up: %s", entry.label, error.message)
            return ""
        if not isinstance(found, Accepted):
            return ""
        key = late_key(entry.key, entry.attempt)
        facts = _adopting(entry, found, entry.price)
        if await asyncio.to_thread(self._journal.claim, key, 1, facts):
            _record_submitted(self._journal, shown_label(entry.label), key, 1, found)
            self._mark_sent(entry.price)
        return key

    def _check_sending(self, prepared: PreparedJob) -> None:
        if self._stopped.is_set():
            raise StoppedError(f"{prepared.shown_label}: stopped before it was sent.")

    async def _address_of(self, prepared: PreparedJob, path: Path, attempt: int) -> str:
        """The user's URL of the file, the file itself when it is small, or the URL it was uploaded to."""
        own = prepared.wanted.addresses.get(path)
        if own and attempt == 1:  # It may be why an earlier attempt failed, so later ones do not use it.
            return own
        sha256 = prepared.hashes[path]
        may_be_inline = self._inline_bytes and prepared.endpoint.takes_data_uris
        if may_be_inline and (
            inline := await asyncio.to_thread(data_uri_of, path, sha256, self._inline_bytes)
        ):
            return inline
        return await self._uploads.address_of(path, sha256)

    async def _send_once(
        self, prepared: PreparedJob, attempt: int, request: httpx.Request, sent: Facts, progress: JobProgress
    ) -> None:
        self._check_sending(prepared)
        price = await self._reserve(prepared)
        if not await self._claim(prepared, attempt, self._intent(prepared, sent, price), price):
            return
        progress.move(JobState.SUBMITTING)
        try:
            if self._spending:
                await asyncio.to_thread(self._spending.mark_sent, price)
            accepted = await post_once(
                self._client,
                request,
                service=self._service,
                endpoint=prepared.endpoint.id,
                label=prepared.shown_label,
            )
        except UncertainSubmitError as error:
            facts = {**facts_of(error), "is_refusal": error.is_refusal}
            self._journal.record(prepared.key, attempt, Stage.UNCERTAIN, facts)
            return  # The journal decides what follows.
        except BridgeError as error:
            await self._end_refused(prepared, attempt, facts_of(error), price)
            raise
        except asyncio.CancelledError:
            lost = UncertainSubmitError(
                f"{prepared.shown_label}: it was sent, and the run ended before the response arrived."
            )
            self._journal.record(prepared.key, attempt, Stage.UNCERTAIN, facts_of(lost))
            raise
        self._remember(prepared, attempt, accepted)

    def _intent(self, prepared: PreparedJob, sent: Facts, price: Facts) -> Facts:
        return {
            "endpoint": prepared.endpoint.id,
            "kind": prepared.wanted.kind,
            "label": prepared.label,
            "inputs": prepared.inputs,
            "wish": prepared.wish,
            "about": dict(prepared.wanted.about),
            "sent": sent,  # To recognize it in fal.ai's lists if the response is lost.
            **self._lifecycle.facts(),
            "price": price,
        }

    async def _reserve(self, prepared: PreparedJob) -> Facts:
        """Reserve what the request may cost. Raises CeilingReachedError or UnknownPriceError."""
        if self._spending is None:
            return {}
        return await asyncio.to_thread(
            self._spending.reserve, prepared.endpoint, prepared.arguments, prepared.shown_label
        )

    async def _claim(self, prepared: PreparedJob, attempt: int, intent: Facts, price: Facts) -> bool:
        """Claim the right to send; without it, the reservation is released."""
        is_ours = False
        try:
            self._check_sending(prepared)  # It may have been stopped while money was reserved.
            is_ours = await asyncio.to_thread(self._journal.claim, prepared.key, attempt, intent)
        finally:
            if not is_ours:
                await self._release(price)
        return is_ours

    async def _release(self, price: Facts) -> None:
        if self._spending:
            await asyncio.to_thread(self._spending.release, price)

    async def _end_refused(self, prepared: PreparedJob, attempt: int, refusal: Facts, price: Facts) -> None:
        """The request was not accepted: release its money, and allow the job to be sent again."""
        self._journal.record(prepared.key, attempt, Stage.ENDED, {**refusal, "may_send_again": True})
        await self._release(price)

    def _adopt(self, prepared: PreparedJob, entry: Entry, accepted: Accepted) -> None:
        """Treat a lost request that was found as if its response had arrived, even if it had been given up."""
        self._remember(prepared, entry.attempt, accepted)
        self._mark_sent(entry.price)

    def _mark_sent(self, price: Facts) -> None:
        if self._spending:
            try:
                self._spending.mark_sent(price)
            except JournalError as error:
                _log.warning("%s", error)

    def _remember(self, prepared: PreparedJob, attempt: int, accepted: Accepted) -> None:
        _record_submitted(self._journal, prepared.shown_label, prepared.key, attempt, accepted)


def _record_submitted(journal: Journal, label: str, key: str, attempt: int, accepted: Accepted) -> None:
    """Record the request id at once, on the event loop's thread: so far it exists only in memory."""
    facts = {
        "request_id": accepted.request_id,
        "status_url": accepted.status_url,
        "response_url": accepted.response_url,
        "cancel_url": accepted.cancel_url,
    }
    try:
        journal.record(key, attempt, Stage.SUBMITTED, facts)
    except JournalError as error:
        raise JournalError(
            f"{label}: fal.ai has accepted request {accepted.request_id}, but this cannot be written to the journal: "
            f"{error.message}",
            hint="Note the request id: without it, the result must be found in the fal.ai dashboard.",
        ) from error


def _adopting(entry: Entry, accepted: Accepted, price: Facts) -> Facts:
    """The intent of an attempt that sends nothing, because ``accepted`` was sent by the attempt of ``entry``."""
    adopts = {"request_id": accepted.request_id, "key": entry.key, "attempt": entry.attempt}
    intent = entry.facts.get(Stage.IN_FLIGHT, {})
    kept = {name: intent[name] for name in INTENT_FACTS if name in intent}
    return {**kept, "price": price, "adopts": adopts}


def _mark_seen(send: asyncio.Task[None]) -> None:
    """Mark the error as seen, so that asyncio does not report it: the journal has it."""
    if not send.cancelled():
        send.exception()
