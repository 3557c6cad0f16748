# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the answer of a finished job into a file on disk, and find that file when the job is wanted again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ..files.names import portable_path
from ..files.writing import copy_to_free_name, move_to_free_name, sha256_of
from .endpoints.endpoint import OUTPUT_FILES
from .errors import ExpiredResultError, JournalError, UnknownResultError, UnsafePictureError, facts_of
from .jobs import JobResult
from .journal import Facts, Journal, Stage
from .money.journal_costs import cost_of
from .network.downloads import Arrived, Downloads, Tell
from .network.paid_post import Accepted
from .network.storage_api import Storage
from .prepared_job import PreparedJob

AskAgain = Callable[[], Awaitable[Facts]]  # Returns a fresh answer for the same job.


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A downloaded file, and whether anyone could have downloaded it."""

    arrived: Arrived
    is_public: bool


class Results:
    """Fetches the files of one engine."""

    def __init__(self, journal: Journal, downloads: Downloads, storage: Storage) -> None:
        self._journal = journal
        self._downloads = downloads
        self._storage = storage

    async def fetch_result(
        self,
        prepared: PreparedJob,
        attempt: int,
        accepted: Accepted,
        answer: Facts,
        ask_again: AskAgain,
        tell: Tell,
    ) -> JobResult:
        """Fetch the file that ``answer`` names to the job's target, and record it in the journal.

        ``tell`` gets how much of it has arrived.

        Raises UnsafePictureError (the file is kept), ExpiredResultError, DownloadFailedError, ServiceTroubleError,
        BadKeyError (of a private result) and JournalError.
        """
        entry = await asyncio.to_thread(self._journal.read, prepared.key, attempt=attempt)
        is_private = entry.facts.get(Stage.IN_FLIGHT, {}).get("is_private") is True
        try:
            fetched = await self._fetch(prepared, answer, tell, is_private=is_private)
        except ExpiredResultError:
            # URLs may expire before the result: a fresh answer may have a fresh one.
            answer = await ask_again()
            fetched = await self._fetch(prepared, answer, tell, is_private=is_private)
        try:
            return await asyncio.to_thread(self._finish, prepared, attempt, accepted, answer, fetched)
        except OSError as error:
            raise JournalError(
                f"{prepared.shown_label}: {prepared.target.parent} cannot be written."
            ) from error

    def on_disk(self, prepared: PreparedJob, done: Facts) -> JobResult | None:
        """The result of a finished job, as long as its file is unchanged."""
        recorded = self._journal.file_of(done)
        if recorded is None:
            return None
        wanted = prepared.target.with_name(prepared.target.name + recorded.suffix)
        for path in (recorded, wanted):
            if path.is_file() and sha256_of(path) == done["sha256"]:
                return result_from(prepared, done, copied_to(prepared.target, path))
        return None

    def make_way(self, done: Facts) -> None:
        """Move away what has replaced a job's file, so that the file can be fetched to its place again.

        Raises JournalError.
        """
        place = self._journal.file_of(done)
        try:
            if place is not None and place.is_file():
                move_to_free_name(place, place.with_name(f"{place.stem}.changed{place.suffix}"))
        except OSError as error:
            raise JournalError(f"{place} cannot be moved: {error.strerror}.") from error

    async def _fetch(
        self, prepared: PreparedJob, answer: Facts, tell: Tell, *, is_private: bool
    ) -> "_Fetched":
        address = prepared.endpoint.file_address(answer["output"])
        if not address:
            raise UnknownResultError(
                f"{prepared.shown_label}: the result of {prepared.endpoint.id} has no file where one is expected."
            )
        is_public = not is_private or await self._downloads.is_public(address)
        url = address if is_public else await self._storage.signed(address)
        arrived = await self._downloads.fetch(
            url, prepared.target, OUTPUT_FILES[prepared.wanted.kind], prepared.shown_label, tell
        )
        return _Fetched(arrived, is_public)

    def _finish(
        self,
        prepared: PreparedJob,
        attempt: int,
        accepted: Accepted,
        answer: Facts,
        fetched: "_Fetched",
    ) -> JobResult:
        output, arrived = answer["output"], fetched.arrived
        if _is_flagged(output) or arrived.is_black:
            raise self._refused(prepared, attempt, accepted, answer, arrived)
        path = self._placed(prepared, arrived, prepared.target)
        seed = output.get("seed")
        price = self._journal.read(prepared.key).price
        cost, basis = cost_of(price, answer["units"])
        done = {
            "request_id": accepted.request_id,
            "path": self._relative(path),
            "sha256": sha256_of(path),
            "seed": seed if isinstance(seed, int) else None,
            "units": answer["units"],
            "cost": None if cost is None else str(cost),
            "cost_basis": basis,
            "is_public": fetched.is_public,
        }
        self._journal.record(prepared.key, attempt, Stage.DONE, done)
        return result_from(prepared, done, path)

    def _refused(
        self, prepared: PreparedJob, attempt: int, accepted: Accepted, answer: Facts, arrived: Arrived
    ) -> UnsafePictureError:
        """Keep the file of a picture that was withheld, and record that the job has failed."""
        path = self._placed(prepared, arrived, prepared.target.with_name(f"{prepared.target.name}.refused"))
        error = UnsafePictureError(
            f"{prepared.shown_label}: {prepared.endpoint.id} withheld the picture as unsafe."
        )
        facts = {
            **facts_of(error),
            "may_send_again": False,
            "request_id": accepted.request_id,
            "units": answer["units"],
            "path": self._relative(path),
        }
        self._journal.record(prepared.key, attempt, Stage.ENDED, facts)
        return error

    def _placed(self, prepared: PreparedJob, arrived: Arrived, target: Path) -> Path:
        """Give a downloaded file its name. A file of another job is not used, even with the same content."""

        def is_taken(path: Path) -> bool:
            return self._journal.file_owner(self._relative(path)) not in ("", prepared.key)

        return arrived.place(target, is_taken)

    def _relative(self, path: Path) -> str:
        """Relative to the journal, so that a set folder can be moved."""
        return portable_path(path, self._journal.folder)


def copied_to(target: Path, path: Path) -> Path:
    """``path``, or in another folder its copy at ``target`` with the same extension. Raises JournalError."""
    if path.parent == target.parent and path.name.startswith(f"{target.name}."):
        return path  # It may have another number there.
    own = target.with_name(target.name + path.suffix)
    try:
        return copy_to_free_name(path, own)
    except OSError as error:
        raise JournalError(f"{own} cannot be written: {error.strerror}.") from error


def result_from(prepared: PreparedJob, done: Facts, path: Path) -> JobResult:
    """A finished job from what the journal knows of it; ``path`` is its file."""
    return JobResult(
        key=prepared.key,
        path=path,
        sha256=done["sha256"],
        endpoint=prepared.endpoint.id,
        request_id=done["request_id"],
        seed=done["seed"],
        cost=Decimal(done["cost"]) if done.get("cost") else None,
        units=done["units"],
        inputs=prepared.inputs,
        about=prepared.wanted.about,
    )


def _is_flagged(output: Facts) -> bool:
    flags = output.get("has_nsfw_concepts")
    return isinstance(flags, list) and bool(flags) and flags[0] is True
