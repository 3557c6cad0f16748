# SPDX-License-Identifier: GPL-3.0-or-later
"""Download results completely or not at all: resumed when interrupted, checked by content."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin

import httpx

from ...files.input_files import shown_bytes
from ...files.kinds import HEAD_BYTES, FileKind, kind_of_file
from ...files.part_files import Writer, note_of, part_for, parts_of, sweep, writer_of
from ...files.video_check import first_frame_problem
from ...files.writing import move_to_free_name, write_json_atomically
from ...processes.identity import is_gone, this_process
from ..errors import DownloadFailedError, ExpiredResultError, JournalError
from .answers import retry_after
from .http_clients import Backoff
from .limits import (
    FRUITLESS_TRIES,
    HEADERS_SECONDS,
    MAX_FILE_BYTES,
    MAX_REDIRECTS,
    MIN_BYTES,
    SLOW_SECONDS,
    WHOLE_FILE_SECONDS,
)
from .response_bodies import plain_parts, require_plain
from .result_checks import VideoCheck, complaint, judge, wrong_kind
from .service import Service

MANY_DOWNLOADS = 6
TELL_SECONDS = 0.5  # Between two reports of how much has arrived.
SAFE_BYTES = 1 << 20  # Large files are flushed in steps of this size, which a later run need not fetch again.


# Gets the bytes of a file that have arrived, and how many it has if that is known.
Tell = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A complete file that does not have its final name yet."""

    part: Path
    kind: FileKind
    is_black: bool

    def place(self, target: Path, is_taken: Callable[[Path], bool] = lambda _path: False) -> Path:
        """Move the file to ``target`` plus the extension that fits its content; nothing is overwritten.

        ``is_taken`` tells whether a file with the same content belongs to another job.
        """
        return move_to_free_name(self.part, target.with_name(f"{target.name}.{self.kind}"), is_taken=is_taken)


class _TryAgainError(Exception):
    """This try did not fetch everything; the next one may."""

    def __init__(self, reason: str, wait: float | None = None, *, is_fruitless: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_fruitless = is_fruitless  # Although bytes arrived.


class _Part:
    """The bytes so far, and what the server announced about the whole file.

    For a large file, a note beside it records how many bytes are flushed to disk: after a kill, the next run takes
    over the part and fetches only the rest.
    """

    def __init__(self, path: Path, stream: BinaryIO, url: str) -> None:
        self.path = path
        self.stream = stream
        self.total: int | None = None
        self.validator = ""
        self._url = url
        self._safe_bytes = 0
        self._told_at = 0.0

    @classmethod
    def open(cls, target: Path, url: str) -> "_Part":
        path = part_for(target)
        for left in parts_of(target):
            note = note_of(left)
            try:
                said = json.loads(note.read_bytes())
                if said["url"] != url or not (writer_of(left) is Writer.GONE or is_gone(said)):
                    continue
                left.replace(path)  # Succeeds for only one of the processes that try.
                stream = path.open("r+b")
                part = cls(path, stream, url)
                part.total, part.validator = int(said["total"]), str(said["validator"])
                stream.truncate(int(said["safe_bytes"]))
                stream.seek(0, os.SEEK_END)
            except (OSError, ValueError, KeyError, TypeError):
                continue
            note.unlink(missing_ok=True)
            return part
        return cls(path, path.open("wb"), url)

    @property
    def size(self) -> int:
        return self.stream.tell()

    def add(self, data: bytes, tell: Tell) -> None:
        """Write what follows, and ``tell`` how much there is now and then."""
        self.stream.write(data)
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            tell(self.size, self.total)

    def start_over(self) -> None:
        note_of(self.path).unlink(missing_ok=True)  # First: the note must not describe other bytes.
        self.stream.seek(0)
        self.stream.truncate()
        self.total = None
        self.validator = ""
        self._safe_bytes = 0

    @property
    def is_much_unsafe(self) -> bool:
        return self.total is not None and self.size - self._safe_bytes >= SAFE_BYTES

    def save(self) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())

    def make_safe(self) -> None:
        """Flush the bytes so far, so that they survive a crash of the machine."""
        self.save()
        self._safe_bytes = self.size
        facts = {"url": self._url, "total": self.total, "validator": self.validator, **this_process()}
        write_json_atomically(note_of(self.path), {**facts, "safe_bytes": self._safe_bytes})

    def leave(self) -> None:
        """Keep the part if a later run can continue it; otherwise remove it."""
        if self.total is None or not self.size:
            self.remove()
        else:
            self.make_safe()

    def close(self) -> None:
        self.stream.close()

    def forget_note(self) -> None:
        note_of(self.path).unlink(missing_ok=True)

    def remove(self) -> None:
        self.forget_note()
        self.path.unlink(missing_ok=True)


class _Speed:
    """Detects connections that are open but transfer almost nothing."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._bytes = 0

    def is_too_slow(self, more: int) -> bool:
        self._bytes += more
        if time.monotonic() - self._since < SLOW_SECONDS:
            return False
        is_slow = self._bytes < MIN_BYTES
        self._since, self._bytes = time.monotonic(), 0
        return is_slow


class Downloads:
    """Fetches results. ``check_video`` returns why no frame of a video can be decoded, or ""; it runs on a thread."""

    def __init__(
        self,
        service: Service,
        client: httpx.AsyncClient,
        first_pause: float,
        *,
        check_video: VideoCheck = first_frame_problem,
    ) -> None:
        self._check_video = check_video
        self._service = service
        self._client = client
        self._first_pause = first_pause
        self._not_all_at_once = asyncio.Semaphore(MANY_DOWNLOADS)

    async def fetch(
        self,
        url: str,
        target: Path,
        kinds: Collection[FileKind],
        label: str,
        tell: Tell = lambda _arrived, _total: None,
    ) -> Arrived:
        """Download ``url`` to a part file beside ``target``, which the caller then places.

        ``tell`` is called meanwhile, at most twice a second.

        Raises DownloadFailedError, ExpiredResultError, and JournalError when the folder cannot be written.
        """
        async with self._not_all_at_once:
            try:
                return await self._fetch(url, target, kinds, label, tell)
            except OSError as error:
                raise JournalError(
                    f"{label}: {target.parent} cannot be written: {error.strerror}."
                ) from error

    async def is_public(self, url: str) -> bool:
        """Whether anyone can read the file at ``url``. False also when there is no response, so nothing is proved."""
        if not self._service.allows_file_url(url):
            return False
        request = self._client.build_request("GET", url, headers={"Range": "bytes=0-0"})
        try:
            async with asyncio.timeout(HEADERS_SECONDS):
                response = await self._client.send(request, stream=True)
        except (httpx.TransportError, TimeoutError):
            return False
        await response.aclose()
        return response.is_success

    async def _fetch(
        self, url: str, target: Path, kinds: Collection[FileKind], label: str, tell: Tell
    ) -> Arrived:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _Part.open(target, url)
        sweep(target)
        try:
            async with asyncio.timeout(WHOLE_FILE_SECONDS):
                await self._fill(url, part, kinds, label, tell)
            part.close()
            part.forget_note()
            return Arrived(part.path, *await asyncio.to_thread(judge, part.path, label, self._check_video))
        except asyncio.CancelledError:
            raise  # The run ends: the part is kept for the next one.
        except TimeoutError as error:
            await asyncio.to_thread(part.leave)
            raise DownloadFailedError(
                f"{label}: the download did not finish within {WHOLE_FILE_SECONDS / 60:.0f} minutes."
            ) from error
        except BaseException:
            part.remove()
            raise
        finally:
            part.close()

    async def _fill(self, url: str, part: _Part, kinds: Collection[FileKind], label: str, tell: Tell) -> None:
        pauses = Backoff(self._first_pause)
        fruitless = 0
        while True:
            before = part.size
            try:
                await self._read_rest(url, part, kinds, label, tell)
                await asyncio.to_thread(part.save)
                if problem := await asyncio.to_thread(complaint, part.path, kinds):
                    part.start_over()
                    raise _TryAgainError(problem)
            except (_TryAgainError, httpx.TransportError) as error:
                is_fruitless = isinstance(error, _TryAgainError) and error.is_fruitless
                if part.size > before and not is_fruitless:
                    fruitless = 0
                    pauses.reset()
                fruitless += 1
                if fruitless >= FRUITLESS_TRIES:
                    reason = str(error) or type(error).__name__
                    raise DownloadFailedError(
                        f"{label}: the result could not be downloaded: {reason}."
                    ) from error
                wait = error.wait if isinstance(error, _TryAgainError) else None
                await asyncio.sleep(max(wait or 0.0, pauses.next()))
            else:
                return

    async def _read_rest(
        self, url: str, part: _Part, kinds: Collection[FileKind], label: str, tell: Tell
    ) -> None:
        if part.total is None:
            part.start_over()  # Without a total, two halves cannot be checked.
        headers = {"Accept-Encoding": "identity"}
        if part.size:
            headers["Range"] = f"bytes={part.size}-"
            if part.validator:
                headers["If-Range"] = part.validator
        response = await self._open(url, headers, label)
        try:
            self._accept(response, part, label)
            speed = _Speed()
            async for data in plain_parts(response):
                is_head = part.size < HEAD_BYTES
                part.add(data, tell)
                if is_head and part.size >= HEAD_BYTES:
                    part.stream.flush()
                    if kind_of_file(part.path) not in kinds:
                        part.start_over()  # It may be a web page or an attack: do not fetch the rest.
                        raise _TryAgainError(wrong_kind(kinds))
                if part.size > MAX_FILE_BYTES:
                    raise DownloadFailedError(
                        f"{label}: the result is larger than {shown_bytes(MAX_FILE_BYTES)}."
                    )
                if part.is_much_unsafe:
                    await asyncio.to_thread(part.make_safe)
                if speed.is_too_slow(len(data)):
                    raise _TryAgainError("the connection is too slow", is_fruitless=True)
        finally:
            await response.aclose()
        if part.total is not None and part.size < part.total:
            raise _TryAgainError(f"only {part.size} of {part.total} bytes arrived")
        if part.total is not None and part.size > part.total:
            part.start_over()
            raise _TryAgainError("more bytes arrived than were announced")

    def _accept(self, response: httpx.Response, part: _Part, label: str) -> None:
        """Prepare ``part`` for the body that follows. Raises when the response cannot be used."""
        status = response.status_code
        if status in (403, 404, 410):
            raise ExpiredResultError(f"{label}: fal.ai no longer has the file (error {status}).")
        if status in (200, 206):
            require_plain(response)
        if status == 206 and part.size:
            start, total = _content_range(response)
            if start == part.size and total == part.total:
                return
            part.start_over()
            raise _TryAgainError("the server sent a different part from the one requested")
        part.start_over()
        if status != 200:
            raise _TryAgainError(f"error {status}", retry_after(response))
        length = response.headers.get("content-length", "")
        part.total = int(length) if length.isdigit() else None
        part.validator = _validator(response)
        if part.total is not None and part.total > MAX_FILE_BYTES:
            raise DownloadFailedError(f"{label}: the result is larger than {shown_bytes(MAX_FILE_BYTES)}.")

    async def _open(self, url: str, headers: dict[str, str], label: str) -> httpx.Response:
        for _hop in range(MAX_REDIRECTS + 1):
            if not self._service.allows_file_url(url):
                raise DownloadFailedError(f"{label}: the URL of the result is not trusted.")
            request = self._client.build_request("GET", url, headers=headers)
            try:
                async with asyncio.timeout(HEADERS_SECONDS):
                    response = await self._client.send(request, stream=True)
            except TimeoutError as error:
                raise _TryAgainError(f"no response within {HEADERS_SECONDS:.0f} seconds") from error
            if not response.has_redirect_location:
                return response
            url = urljoin(url, response.headers["location"])
            await response.aclose()
        raise DownloadFailedError(f"{label}: the URL of the result redirects too many times.")


def _validator(response: httpx.Response) -> str:
    """The identifier of this version of the file: a strong ETag, otherwise its date."""
    etag: str = response.headers.get("etag", "")
    date: str = response.headers.get("last-modified", "")
    return etag if etag and not etag.startswith("W/") else date


def _content_range(response: httpx.Response) -> tuple[int, int]:
    """The first byte and the total of a partial response; -1 when they cannot be read."""
    text = str(response.headers.get("content-range", ""))
    try:
        span, total = text.removeprefix("bytes ").split("/")
        return int(span.split("-")[0]), int(total)
    except ValueError:
        return -1, -1
