# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a set are still in fal.ai's storage, until when, and who can read them, according to the journal.

Results expire as their request asked; requests of older versions asked for nothing, so their results stay as long as
the account keeps files. What was deleted by ``cleanup`` is in ``removed.json`` beside the journal's jobs.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files.input_files import read_json
from ..files.values import mapping_of, number, text
from .journal import OPEN_STAGES, Entry, Journal, Stage

REMOVED = "removed.json"
UPLOADS = "uploads"
LATEST = 253_402_300_799.0  # The end of the year 9999, after which there are no dates.
_MOMENTS = mapping_of(text(1000, min_length=1), number(0.0, 1e12), 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiles:
    """The files of one request, or one uploaded picture.

    ``labels``: the purposes they were sent or made for. ``until``: when fal.ai deletes them, in seconds since 1970;
    ``None``: as long as the account keeps files. ``record``: the file in which the upload is remembered.
    """

    labels: tuple[str, ...]
    urls: tuple[str, ...]
    until: float | None
    is_public: bool
    was_restricted: bool = False  # Whether fal.ai was asked to let only the key read them.
    request_id: str = ""
    record: Path | None = None


def stored_files(journal: Journal) -> list[StoredFiles]:
    """Everything that fal.ai may still have at this moment: results first, then uploads."""
    removed, now = removed_from(journal), time.time()
    attempts = [entry for key in journal.job_keys() for entry in attempts_of(journal, key)]
    found = [*_results(attempts, removed), *_uploads(journal, attempts)]
    return [files for files in found if files.until is None or files.until > now]


def pickup_deadline(journal: Journal) -> float | None:
    """The earliest time at which fal.ai may delete a result that was not fetched yet, in seconds since 1970.

    ``None`` when no request is open, or files are kept. A result is made after its request was sent, so it may live longer.
    """
    moments = []
    for key in journal.job_keys():
        entry = journal.read(key)
        seconds = entry.facts.get(Stage.IN_FLIGHT, {}).get("expires_after")
        if entry.stage in OPEN_STAGES and seconds is not None:
            made_at = entry.facts.get(Stage.ANSWERED, {}).get("time", entry.sent_at)
            moments.append(min(float(made_at) + seconds, LATEST))
    return min(moments, default=None)


def attempts_of(journal: Journal, key: str) -> Iterator[Entry]:
    """The facts about each attempt of a job, the newest first."""
    newest = journal.read(key)
    if newest.attempt:
        yield newest
    for earlier in range(newest.attempt - 1, 0, -1):
        yield journal.read(key, attempt=earlier)


def _results(attempts: Iterable[Entry], removed: "Removed") -> Iterator[StoredFiles]:
    seen: set[str] = set()
    for entry in attempts:
        answer, intent = entry.facts.get(Stage.ANSWERED), entry.facts.get(Stage.IN_FLIGHT, {})
        request_id = entry.likely_request
        if answer is None or request_id in seen or request_id in removed:
            continue
        seen.add(request_id)
        if not (urls := tuple(dict.fromkeys(_urls_in(answer.get("output"))))):
            continue
        seconds = intent.get("expires_after")
        yield StoredFiles(
            labels=(entry.label,),
            urls=urls,
            until=None if seconds is None else min(float(answer.get("time", time.time())) + seconds, LATEST),
            is_public=_is_public(entry, intent),
            was_restricted=bool(intent.get("is_private", False)),
            request_id=request_id,
        )


def _is_public(entry: Entry, intent: Mapping[str, Any]) -> bool:
    """Whether anyone with the URL can read a result: as it was found when it was fetched, otherwise as it was asked."""
    return bool(entry.facts.get(Stage.DONE, {}).get("is_public", not intent.get("is_private", False)))


def _uploads(journal: Journal, attempts: Iterable[Entry]) -> Iterator[StoredFiles]:
    labels: dict[str, dict[str, None]] = {}
    for entry in attempts:
        for sha256 in texts_in(entry.facts.get(Stage.IN_FLIGHT, {}).get("inputs"), "sha256"):
            labels.setdefault(sha256, {})[entry.label] = None
    for path in sorted((journal.folder / UPLOADS).glob("*.json")):
        try:
            record = read_json(path)
            url, until = str(record["url"]), record["expires_at"]
            until = None if until is None else min(float(until), LATEST)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # Unreadable records are not used, and the picture is uploaded again.
        names = tuple(labels.get(path.stem, ()))
        yield StoredFiles(labels=names, urls=(url,), until=until, is_public=True, record=path)


def texts_in(value: Any, name: str) -> Iterator[str]:
    """The texts that all objects in a JSON value have as the member ``name``."""
    if isinstance(value, Mapping):
        if isinstance(found := value.get(name), str):
            yield found
        for member in value.values():
            yield from texts_in(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from texts_in(member, name)


def _urls_in(output: Any) -> Iterator[str]:
    """The URLs of all files in an output: of each object with a member ``url``."""
    return (url for url in texts_in(output, "url") if url.startswith(("http://", "https://")))


@dataclass(frozen=True, slots=True)
class Removed:
    """Of which requests the files were hidden, and the stored inputs and outputs deleted; when, in seconds since 1970."""

    hidden: dict[str, float] = field(default_factory=dict)
    deleted: dict[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        return {"hidden": self.hidden, "deleted": self.deleted}

    def __contains__(self, request_id: str) -> bool:
        return request_id in self.hidden or request_id in self.deleted


def removed_from(journal: Journal) -> Removed:
    """What ``cleanup`` has done so far."""
    try:
        record = read_json(journal.folder / REMOVED)
        return Removed(*(dict(_MOMENTS(record[name])) for name in ("hidden", "deleted")))
    except (OSError, ValueError, KeyError, TypeError):
        return Removed()  # Doing it again is free and changes nothing.
