# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and their outcomes on disk, so that nothing is paid twice and nothing paid is lost.

One folder for each job, named after its key; one file for each fact, numbered by attempt::

    intent.N          this attempt may be sent, by the process that created the file, once
    uncertain.N.json  it was sent (or may have been) and the response was lost
    resend.N.json     uncertain, and the user wants it sent again, as the next attempt
    forgotten.N.json  uncertain, and the user gives it up
    submitted.N.json  fal.ai accepted it: request id and URLs
    answer.N.json     its output and billed units; results expire, so they are recorded at once
    ended.N.json      it failed, and whether the job may be sent again
    done.json         the file is on disk, complete and hashed

Promises:

- ``claim`` returns ``True`` to only one caller among all processes that share the folder, ever, and only
  after its file is flushed to disk. A caller without ``True`` does not send.
- A fact is complete or absent, and is never withdrawn. The only exception is ``intent`` on a file system
  without hard links, which may be empty after a crash; it counts nevertheless.
- A new attempt exists only after the previous one has ended in a way that allows it, or by the decision of a
  person. A request that fal.ai is known to have accepted outweighs that decision.
- An intent with ``adopts`` sends nothing: it follows a request that an earlier attempt has already sent
  (``{"request_id", "key", "attempt"}``).
- A fact that does not follow from the earlier ones raises ``ValueError``: that is a bug.
"""

import hashlib
import json
import math
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..files.enclosed import OutsideError, place_in
from ..files.input_files import read_json
from ..files.values import checked_in
from ..files.writing import flush_folder, write_if_absent, write_json_atomically
from ..messages.errors import InputError
from ..processes.identity import is_gone, this_process
from .errors import DamagedJournalError, JournalError, WrongRequestError
from .jobs import USUAL_MAX_SECONDS, Kind
from .journal_rules import FACT_RULES

Facts = dict[str, Any]

NAME = ".journal"  # Of the folder, in that of the set or catalogue.
_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(
    r"(intent)\.(\d+)|(uncertain|resend|forgotten|submitted|answer|ended)\.(\d+)\.json|(done)\.json"
)


class Stage(StrEnum):
    """The progress of the newest attempt. The value is the name of its last file."""

    FREE = ""
    IN_FLIGHT = "intent"
    UNCERTAIN = "uncertain"
    FORGOTTEN = "forgotten"
    RELEASED = "resend"
    SUBMITTED = "submitted"
    ANSWERED = "answer"
    ENDED = "ended"
    DONE = "done"


NEXT_STAGES: Mapping[Stage, frozenset[Stage]] = {
    Stage.FREE: frozenset({Stage.IN_FLIGHT}),
    Stage.IN_FLIGHT: frozenset({Stage.SUBMITTED, Stage.UNCERTAIN, Stage.ENDED}),
    Stage.UNCERTAIN: frozenset({Stage.SUBMITTED, Stage.ENDED, Stage.RELEASED, Stage.FORGOTTEN}),
    Stage.FORGOTTEN: frozenset({Stage.SUBMITTED, Stage.ENDED, Stage.RELEASED}),
    Stage.RELEASED: frozenset({Stage.SUBMITTED, Stage.ENDED, Stage.IN_FLIGHT}),  # As the next attempt.
    Stage.SUBMITTED: frozenset({Stage.ANSWERED, Stage.ENDED}),
    Stage.ANSWERED: frozenset({Stage.DONE, Stage.ENDED}),
    Stage.ENDED: frozenset({Stage.IN_FLIGHT}),  # As the next attempt, and only where ``may_send_again``.
    Stage.DONE: frozenset(),
}

# fal.ai may be working on it, or its result was not fetched yet.
OPEN_STAGES = frozenset({Stage.IN_FLIGHT, Stage.UNCERTAIN, Stage.SUBMITTED, Stage.ANSWERED})

_GIVEN_UP = frozenset({Stage.RELEASED, Stage.FORGOTTEN})

# A file of a later stage in this order outweighs those of earlier stages.
_ORDER: list[Stage] = [stage for stage in Stage if stage is not Stage.FREE]


@dataclass(frozen=True, slots=True)
class Entry:
    """The facts on disk about one job at one moment."""

    stage: Stage = Stage.FREE
    attempt: int = 0
    facts: Mapping[Stage, Facts] = field(default_factory=dict)
    key: str = ""

    @property
    def may_send(self) -> bool:
        """Whether the next attempt may be claimed."""
        if self.stage is Stage.ENDED:
            return bool(self.facts[Stage.ENDED].get("may_send_again"))
        return self.stage in (Stage.FREE, Stage.RELEASED)

    @property
    def label(self) -> str:
        return str(self.facts.get(Stage.IN_FLIGHT, {}).get("label", "a job"))

    @property
    def endpoint(self) -> str:
        return str(self.facts.get(Stage.IN_FLIGHT, {}).get("endpoint", ""))

    @property
    def price(self) -> Facts:
        """The expected cost of the newest attempt and its reservation; empty when nothing was reserved."""
        price = self.facts.get(Stage.IN_FLIGHT, {}).get("price")
        return price if isinstance(price, dict) else {}

    @property
    def kind(self) -> Kind | None:
        """The kind of the job; None when the journal does not tell."""
        try:
            return Kind(str(self.facts.get(Stage.IN_FLIGHT, {}).get("kind", "")))
        except ValueError:
            return None

    @property
    def sent_at(self) -> float:
        """When the attempt was about to be sent, in seconds since 1970; 0 when unknown."""
        moment = self.facts.get(Stage.IN_FLIGHT, {}).get("time")
        return float(moment) if isinstance(moment, int | float) and math.isfinite(moment) else 0.0

    @property
    def resend_at(self) -> float:
        """When an uncertain request may be sent again without checking the dashboard, in seconds since 1970."""
        longest = USUAL_MAX_SECONDS[self.kind] if self.kind else max(USUAL_MAX_SECONDS.values())
        return self.sent_at + longest

    @property
    def is_resend_certain(self) -> bool:
        """False for a resend by a person who did not check the dashboard: it needs lists without the request."""
        return bool(self.facts.get(Stage.RELEASED, {}).get("is_not_in_dashboard", True))

    @property
    def likely_request(self) -> str:
        """The request id that a response named, even one that did not accept the request; otherwise ""."""
        for stage in (Stage.SUBMITTED, Stage.ENDED, Stage.UNCERTAIN):
            if isinstance(name := self.facts.get(stage, {}).get("request_id"), str) and name:
                return name
        return _adopted(self.facts.get(Stage.IN_FLIGHT, {}))

    @property
    def sender_is_gone(self) -> bool:
        """Whether the process that sent it has certainly ended. ``False`` may mean that this is unknown."""
        return is_gone(self.facts.get(Stage.IN_FLIGHT, {}))


class Journal:
    """The facts about all jobs of one set folder. Raises JournalError when its files cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._labels: dict[str, str] = {}  # By key.

    def read(self, key: str, *, attempt: int = 0) -> Entry:
        """The facts about a job. ``attempt``: a number other than 0 selects an earlier attempt."""
        try:
            names = [path.name for path in (self.folder / key).iterdir()]
        except FileNotFoundError:
            return Entry(key=key)
        except OSError as error:
            raise JournalError(f"The journal {self.folder} cannot be read: {error.strerror}.") from error
        found: dict[tuple[Stage, int], str] = {}
        for name in names:
            if match := _NAME.fullmatch(name):
                stage = Stage(match[1] or match[3] or match[5])
                found[stage, int(match[2] or match[4] or 0)] = name
        newest = max((number for _stage, number in found), default=0)
        wanted = {attempt} if 0 < attempt < newest else {newest, 0}  # 0 is ``done.json``, which ends the job.
        facts = {stage: self._load(key, name) for (stage, number), name in found.items() if number in wanted}
        return Entry(max(facts, key=_ORDER.index, default=Stage.FREE), attempt or newest, facts, key)

    def job_keys(self) -> list[str]:
        """The keys of all jobs, sorted."""
        try:
            return sorted(path.name for path in self.folder.iterdir() if _KEY.fullmatch(path.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JournalError(f"The journal {self.folder} cannot be read: {error.strerror}.") from error

    def find(self, beginning: str) -> str:
        """The only key with this ``beginning``. Raises WrongRequestError when there is none, or several."""
        wanted = beginning.strip().lower()
        found = [key for key in self.job_keys() if wanted and key.startswith(wanted)]
        if not found:
            raise WrongRequestError(f"No request of this folder has the key {beginning!r}.")
        if len(found) > 1:
            raise WrongRequestError(
                f"{len(found)} requests have keys that begin with {beginning!r}: type more of the key."
            )
        return found[0]

    def claimed_requests(self, *, apart_from: "Entry | None" = None) -> set[str]:
        """The request ids of all attempts of all jobs, except the attempt of ``apart_from``."""
        found = set()
        for key in self.job_keys():
            for path in (
                *(self.folder / key).glob("submitted.*.json"),
                *(self.folder / key).glob("intent.*"),
            ):
                number = int(path.name.split(".")[1])
                if apart_from is None or (key, number) != (apart_from.key, apart_from.attempt):
                    facts = self._load(key, path.name)
                    found.add(str(facts.get("request_id", "")) or _adopted(facts))
        return found - {""}

    def loose_requests(self, entry: "Entry") -> list[str]:
        """Request ids of earlier attempts that became known only after a later attempt had replaced them.

        Nothing follows them yet. All attempts have the same inputs, so the newest may use any of them.
        """
        found = []
        for number in range(1, entry.attempt):
            earlier = self.read(entry.key, attempt=number)
            if earlier.stage is Stage.SUBMITTED and not self.read(late_key(entry.key, number)).attempt:
                found.append(earlier.likely_request)
        return found

    def open_jobs(self, label: str) -> list[Entry]:
        """The jobs with this label that fal.ai may still be working on, or whose result was not fetched."""
        entries = map(self.read, self._keys_of(label))
        return [entry for entry in entries if entry.stage in OPEN_STAGES]

    def done_jobs(self, label: str) -> list[Entry]:
        """The jobs with this label whose result was fetched."""
        return [entry for entry in map(self.read, self._keys_of(label)) if entry.stage is Stage.DONE]

    def sent_for(self, label: str, wish: str) -> Entry | None:
        """The job with this label that was sent for this wish: a finished one before others, the newest of several.

        None when there is none, or those that there are have failed or are to be sent again.
        """
        entries = [
            entry
            for entry in map(self.read, self._keys_of(label))
            if entry.stage in OPEN_STAGES | {Stage.DONE, Stage.FORGOTTEN}
            and entry.facts.get(Stage.IN_FLIGHT, {}).get("wish") == wish
        ]
        return max(entries, key=lambda entry: (entry.stage is Stage.DONE, entry.sent_at), default=None)

    def file_of(self, done: Mapping[str, Any]) -> Path | None:
        """The path of a finished job's file, which may be missing. ``done``: the facts of ``Stage.DONE``.

        None for a path that leads out of the journal's parent folder, including by links.
        """
        home = self.folder.parent
        # Only what follows the parent folder is shortened: in its own path, ".." may follow a link.
        inner = Path(os.path.normpath(Path(self.folder.name) / str(done.get("path", ""))))
        try:
            return home / inner if place_in(home, inner.as_posix(), str(self.folder)) else None
        except OutsideError:
            return None

    def file_owner(self, path: str) -> str:
        """The key of the job whose file is at ``path``, relative to the journal; "" when there is none."""
        for key in self.job_keys():
            entry = self.read(key)
            places = (entry.facts.get(stage, {}).get("path") for stage in (Stage.DONE, Stage.ENDED))
            if path in places:
                return key
        return ""

    def left_behind(self, label: str) -> list[Entry]:
        """Attempts with this label that are no longer waited for, although fal.ai may have accepted them.

        A person has given them up, or a later attempt has replaced them. Each entry has the facts of that attempt
        only. Attempts that a separate job follows (``late_key``) are left out.
        """
        found = []
        for key in self._keys_of(label):
            newest = self.read(key)
            for number in range(1, newest.attempt + 1):
                entry = newest if number == newest.attempt else self.read(key, attempt=number)
                stages = _GIVEN_UP if number == newest.attempt else _GIVEN_UP | OPEN_STAGES
                if entry.stage in stages and not self.read(late_key(key, number)).attempt:
                    found.append(entry)
        return found

    def _keys_of(self, label: str) -> list[str]:
        """The jobs with this label. A job never changes its label, so each is read once."""
        keys = self.job_keys()
        for key in keys:
            if key not in self._labels and (entry := self.read(key)).attempt:
                self._labels[key] = entry.label
        return [key for key in keys if self._labels.get(key) == label]

    def claim(self, key: str, attempt: int, facts: Facts) -> bool:
        """Claim the right to send attempt number ``attempt``. Returns True to only one caller, ever."""
        entry = self.read(key)
        if not entry.may_send or attempt != entry.attempt + 1:
            return False  # Another process was faster.
        path = self.folder / key / f"intent.{attempt}"
        stamped = {**facts, **this_process(), "time": time.time()}
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                flush_folder(self.folder)
            return write_if_absent(path, _as_bytes(stamped))
        except OSError as error:
            raise JournalError(f"The journal {self.folder} cannot be written: {error.strerror}.") from error

    def record(self, key: str, attempt: int, stage: Stage, facts: Facts) -> None:
        """Record a fact about the newest attempt. A fact that is already known is ignored.

        Raises ValueError for one that does not follow from the earlier facts, which is a bug.
        """
        entry = self.read(key)
        if attempt < entry.attempt and stage is not Stage.IN_FLIGHT:
            # A process learned this late. A request that was accepted is kept, so that it can be found.
            if stage is Stage.SUBMITTED:
                self._write(key, f"{stage}.{attempt}.json", attempt, facts)
            return
        if entry.attempt != attempt or stage is Stage.IN_FLIGHT:
            raise ValueError(f"{key}: the newest attempt is {entry.attempt}, not {attempt} ({stage})")
        # Of ``done``: the file was lost and has been fetched again. Of ``resend``: the user has checked the dashboard.
        is_renewed = stage is entry.stage and stage in (Stage.DONE, Stage.RELEASED)
        if not is_renewed and stage not in NEXT_STAGES[entry.stage]:
            if _ORDER.index(stage) <= _ORDER.index(entry.stage):
                return
            raise ValueError(f"{key}: {entry.stage} cannot become {stage}")
        self._write(key, "done.json" if stage is Stage.DONE else f"{stage}.{attempt}.json", attempt, facts)

    def _write(self, key: str, name: str, attempt: int, facts: Facts) -> None:
        try:
            write_json_atomically(
                self.folder / key / name, {**facts, "attempt": attempt, "time": time.time()}
            )
        except OSError as error:
            raise JournalError(f"The journal {self.folder} cannot be written: {error.strerror}.") from error

    def _load(self, key: str, name: str) -> Facts:
        try:
            facts = read_json(self.folder / key / name, is_lenient=True)
        except OSError as error:
            raise JournalError(f"The journal {self.folder} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            if name.startswith("intent."):
                return {}  # Its creator was killed while writing it.
            raise DamagedJournalError(f"The journal file {self.folder / key / name} is damaged.") from error
        try:
            return checked_in(self.folder / key / name, FACT_RULES[name.split(".")[0]], facts)
        except InputError as error:
            raise DamagedJournalError(error.message) from error


def journal_place(root: Path) -> Path:
    """The place of the journal of the set or the catalogue in the folder ``root``."""
    return root / NAME


def job_key(endpoint: str, inputs: Facts, *, is_emulated: bool, take: int = 1) -> str:
    """The key of a job: equal inputs have equal keys, except that those for an emulator differ from those for fal.ai.

    ``take`` counts from 1: wanting the same inputs again makes another job.
    """
    identity: Facts = {"endpoint": endpoint, "inputs": inputs}
    if take > 1:
        identity["take"] = take
    if is_emulated:
        identity["service"] = "emulator"
    return hashlib.sha256(_as_bytes(identity)).hexdigest()


def _adopted(intent: Facts) -> str:
    adopted = intent.get("adopts")
    return str(adopted.get("request_id", "")) if isinstance(adopted, dict) else ""


def late_key(key: str, attempt: int) -> str:
    """The key of the job that follows an attempt which turned up after it had been given up."""
    return hashlib.sha256(f"{key} attempt {attempt}".encode()).hexdigest()


def shown_key(key: str) -> str:
    """The beginning of a key, by which people refer to a job."""
    return key[:12]


def _as_bytes(value: Facts) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
