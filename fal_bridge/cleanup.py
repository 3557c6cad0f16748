# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide the files of a set at fal.ai, and delete what fal.ai stores about its requests, once everything is on disk.

What is not on disk yet stays: the files of requests that are open, and results whose file is missing here. A key may
lack the permissions; what could be done without them is done, and done only once.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from ..files.writing import sha256_of, write_json_atomically
from ..messages.counts import count_of
from ..messages.labels import shown_label
from .errors import JournalError
from .journal import OPEN_STAGES, Facts, Journal, Stage
from .network.http_clients import safe_client
from .network.service import Service
from .network.storage_api import Storage
from .stored_files import REMOVED, StoredFiles, attempts_of, removed_from, stored_files

PATIENCE_SECONDS = 20.0
MANY = 10  # Calls at the same time.

IS_OPEN = "the request is open, so its files stay. Resume fetches them; then clean up again."
IS_MISSING = (
    "its file is missing or changed here, so it stays at fal.ai. Resume fetches it; then clean up again."
)
NO_ASSETS = (
    "The key may not hide files at fal.ai: that needs the permission to write assets. They stay readable until they "
    "are deleted."
)
NO_PAYLOADS = (
    "The key may not delete what fal.ai stores about requests (prompts, settings, addresses): that needs an admin key. "
    "fal.ai deletes it after 30 days."
)


@dataclass(slots=True)
class Cleaned:
    """What ``clean_up`` has done: numbers of files hidden and of requests deleted, and sentences about what stays."""

    hidden: int = 0
    deleted: int = 0
    stays: list[str] = field(default_factory=list)

    def add(self, other: "Cleaned", name: str = "") -> None:
        """Add what was done for another set. ``name`` is put before sentences about its requests."""
        self.hidden += other.hidden
        self.deleted += other.deleted
        for text in other.stays:
            shown = text if text in (NO_ASSETS, NO_PAYLOADS) or not name else f"{name}, {text}"
            if shown not in self.stays:
                self.stays.append(shown)

    @property
    def sentence(self) -> str:
        if not self.hidden and not self.deleted:
            return "Nothing was hidden or deleted at fal.ai."
        files = f"{count_of(self.hidden, 'file')} hidden"
        return f"At fal.ai: {files}, and the records of {count_of(self.deleted, 'request')} deleted."


def clean_up(service: Service, journal: Journal) -> Cleaned:
    """Hide and delete what may go. Raises BadKeyError, NetworkDownError, ServiceTroubleError and JournalError."""
    return asyncio.run(_clean_up(service, journal))


async def _clean_up(service: Service, journal: Journal) -> Cleaned:
    trust = httpx.create_ssl_context()
    async with safe_client(service, trust, patience_seconds=PATIENCE_SECONDS, first_pause=0.3) as client:
        cleaner = _Cleaner(journal, Storage(service, client))
        try:
            await cleaner.clean()
        finally:
            cleaner.record()
    return cleaner.cleaned


@dataclass(frozen=True, slots=True)
class _Request:
    request_id: str
    label: str
    why_it_stays: str = ""


class _Cleaner:
    def __init__(self, journal: Journal, storage: Storage) -> None:
        self.cleaned = Cleaned()
        self._journal = journal
        self._storage = storage
        self._removed = removed_from(journal)
        self._may_hide = self._may_delete = True
        self._refused: dict[str, None] = {}  # The labels of files that fal.ai does not let the key hide.
        self._not_all_at_once = asyncio.Semaphore(MANY)

    async def clean(self) -> None:
        self._may_hide = await self._storage.may_hide()
        requests = await asyncio.to_thread(_requests_in, self._journal)
        staying = {request.request_id for request in requests if request.why_it_stays}
        self.cleaned.stays += dict.fromkeys(
            f"{shown_label(request.label)}: {request.why_it_stays}"
            for request in requests
            if request.why_it_stays
        )
        found = await asyncio.to_thread(stored_files, self._journal)
        by_id = {files.request_id: files for files in found if files.request_id}
        going = dict.fromkeys(request.request_id for request in requests if request.request_id)
        await asyncio.gather(
            *(self._clean_request(name, by_id.get(name)) for name in going if name not in staying)
        )
        uploads = [files for files in found if files.record]
        if uploads and any(request.why_it_stays == IS_OPEN for request in requests):
            self.cleaned.stays.append("The pictures that were sent stay as long as a request is open.")
        else:
            await asyncio.gather(*(self._clean_upload(files) for files in uploads))
        self.cleaned.stays += [] if self._may_hide else [NO_ASSETS]
        if self._refused:
            self.cleaned.stays.append(
                f"{', '.join(self._refused)}: fal.ai does not let these files be hidden. They stay readable until they are "
                "deleted."
            )
        self.cleaned.stays += [] if self._may_delete else [NO_PAYLOADS]

    async def _clean_request(self, request_id: str, files: StoredFiles | None) -> None:
        if files is not None and request_id not in self._removed.hidden and await self._hide(files):
            self._removed.hidden[request_id] = time.time()
        if request_id in self._removed.deleted or not self._may_delete:
            return
        async with self._not_all_at_once:
            self._may_delete = await self._storage.delete_payloads(request_id) and self._may_delete
        if self._may_delete:
            self._removed.deleted[request_id] = time.time()
            self.cleaned.deleted += 1

    async def _clean_upload(self, files: StoredFiles) -> None:
        if await self._hide(files) and files.record:
            with suppress(OSError):  # Then it expires: the address is used again, and a model cannot read it.
                files.record.unlink()

    async def _hide(self, files: StoredFiles) -> bool:
        """Whether all of these files are hidden now."""
        if not self._may_hide:
            return False
        are_hidden = True
        for url in files.urls:
            async with self._not_all_at_once:
                is_hidden = await self._storage.hide(url)
            self.cleaned.hidden += is_hidden
            are_hidden = are_hidden and is_hidden
        if not are_hidden:
            self._refused |= dict.fromkeys(files.labels)
        return are_hidden

    def record(self) -> None:
        """Remember what was done, also when it was interrupted."""
        if not self._removed.hidden and not self._removed.deleted:
            return
        place = self._journal.folder / REMOVED
        try:
            write_json_atomically(place, self._removed.record())
        except OSError as error:
            raise JournalError(f"{place} cannot be written: {error.strerror}.") from error


def _requests_in(journal: Journal) -> list[_Request]:
    """Every request of a journal that is over, or must stay for the reason that is given.

    A request that another attempt has fetched is not open, although the attempt that was given up never ends.
    """
    found = list(_attempts_in(journal))
    fetched = {one.request_id for one in found if one.request_id and one.why_it_stays != IS_OPEN}
    return [one for one in found if one.why_it_stays != IS_OPEN or one.request_id not in fetched]


def _attempts_in(journal: Journal) -> Iterator[_Request]:
    """The requests of all attempts.

    Left out are requests that were given up, or refused and may be sent again: they may turn up at fal.ai yet.
    """
    for key in journal.job_keys():
        for entry in attempts_of(journal, key):
            name = entry.likely_request
            if entry.stage in OPEN_STAGES:
                yield _Request(name, entry.label, IS_OPEN)
            elif done := entry.facts.get(Stage.DONE):
                yield _Request(name, entry.label, "" if _is_here(journal, done) else IS_MISSING)
            elif entry.stage is Stage.ENDED and name and not entry.may_send:
                yield _Request(name, entry.label)


def _is_here(journal: Journal, done: Facts) -> bool:
    """Whether the file of a finished job is on disk, unchanged. Another take may have its name, and it a number."""
    path = journal.file_of(done)
    if path is None:
        return False
    places = (path, *sorted(path.parent.glob(f"*{path.suffix}")))
    return any(place.is_file() and sha256_of(place) == done.get("sha256") for place in places)
