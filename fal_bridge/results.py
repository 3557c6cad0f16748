# SPDX-License-Identifier: GPL-3.0-or-later
"""From fal.ai's answer to the file on disk, and back to it when the same is wanted again."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from ..files.names import portable_path
from ..files.writing import copy_to_free_name, move_to_free_name, sha256_of
from .endpoints.choosing import OUTPUT_FILES
from .errors import ExpiredResultError, JournalError, UnknownResultError, UnsafePictureError, facts_of
from .jobs import JobResult
from .journal import Facts, Journal, Stage
from .money.costs import cost_of
from .network.downloads import Arrived, Downloads
from .network.submits import Accepted
from .task import Task

AskAgain = Callable[[], Awaitable[Facts]]  # For the answer of the same job.


class Results:
    """Brings the files of one engine home."""

    def __init__(self, journal: Journal, downloads: Downloads) -> None:
        self._journal = journal
        self._downloads = downloads

    async def bring_home(
        self, task: Task, attempt: int, accepted: Accepted, answer: Facts, ask_again: AskAgain
    ) -> JobResult:
        """The file that ``answer`` tells of, at the task's target and in the journal.

        Raises UnsafePictureError (the file is kept), ExpiredResultError, DownloadFailedError, ServiceTroubleError and
        JournalError.
        """
        try:
            arrived = await self._fetch(task, answer)
        except ExpiredResultError:
            # Addresses may expire before the result does: a fresh answer may have a fresh one.
            answer = await ask_again()
            arrived = await self._fetch(task, answer)
        try:
            return await asyncio.to_thread(self._finish, task, attempt, accepted, answer, arrived)
        except OSError as error:
            raise JournalError(f"{task.label}: {task.target.parent} cannot be written.") from error

    def on_disk(self, task: Task, done: Facts) -> JobResult | None:
        """What a job that is ``done`` has left, as long as its file is as it was."""
        recorded = self._journal.file_of(done)
        if recorded is None:
            return None
        wanted = task.target.with_name(task.target.name + recorded.suffix)
        for path in (recorded, wanted):
            if path.is_file() and sha256_of(path) == done["sha256"]:
                return _result(task, done, brought_to(task.target, path))
        return None

    def make_way(self, done: Facts) -> None:
        """Set aside what has taken the place of a job's file, so that it can be fetched to its place again.

        Raises JournalError.
        """
        place = self._journal.file_of(done)
        try:
            if place is not None and place.is_file():
                move_to_free_name(place, place.with_name(f"{place.stem}.changed{place.suffix}"))
        except OSError as error:
            raise JournalError(f"{place} cannot be moved: {error.strerror}.") from error

    async def _fetch(self, task: Task, answer: Facts) -> Arrived:
        address = task.endpoint.file_address(answer["output"])
        if not address:
            raise UnknownResultError(
                f"{task.label}: the result of {task.endpoint.id} has no file where one should be."
            )
        return await self._downloads.fetch(address, task.target, OUTPUT_FILES[task.wanted.kind], task.label)

    def _finish(
        self,
        task: Task,
        attempt: int,
        accepted: Accepted,
        answer: Facts,
        arrived: Arrived,
    ) -> JobResult:
        output = answer["output"]

        def is_taken(path: Path) -> bool:
            return self._journal.file_owner(self._relative(path)) not in ("", task.key)

        if _is_flagged(output) or arrived.is_black:
            path = arrived.place(task.target.with_name(f"{task.target.name}.refused"), is_taken)
            error = UnsafePictureError(f"{task.label}: {task.endpoint.id} held the picture back as unsafe.")
            facts = {
                **facts_of(error),
                "may_send_again": False,
                "request_id": accepted.request_id,
                "units": answer["units"],
                "path": self._relative(path),
            }
            self._journal.record(task.key, attempt, Stage.ENDED, facts)
            raise error
        path = arrived.place(task.target, is_taken)
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

    def _relative(self, path: Path) -> str:
        """From the journal, so that a set folder can be moved."""
        return portable_path(path, self._journal.folder)


def brought_to(target: Path, path: Path) -> Path:
    """``path``, or in another folder its copy at ``target`` with the same extension. Raises JournalError."""
    if path.parent == target.parent and path.name.startswith(f"{target.name}."):
        return path  # There it may have another number.
    own = target.with_name(target.name + path.suffix)
    try:
        return copy_to_free_name(path, own)
    except OSError as error:
        raise JournalError(f"{own} cannot be written: {error.strerror}.") from error


def _result(task: Task, done: Facts, path: Path) -> JobResult:
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
        about=task.wanted.about,
    )


def _is_flagged(output: Facts) -> bool:
    flags = output.get("has_nsfw_concepts")
    return isinstance(flags, list) and bool(flags) and flags[0] is True
