# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person at a terminal can do about a run that is not done: the commands, which errors do not name."""

import shlex
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..fal_bridge.decisions import undecided
from ..fal_bridge.journal import Entry, Stage, shown_key
from ..messages import events
from ..messages.events import Event
from ..messages.fal_pages import REQUESTS_PAGE
from ..messages.labels import shown_label
from ..messages.moments import clock_time, date_time
from ..messages.money import dollars
from ..messages.progress import Reporter
from ..photo_set.folder import SetFolder
from ..photo_set.labels import label_of_variant
from ..photo_set.lost_files import Lost, Way
from ..photo_set.rejection import is_rejected
from ..photo_set.set_json import Manifest
from ..photo_set.takes import Shelf, takes_in
from ..photo_set.variant_folders import set_journals


class RedoListener:
    """Passes everything on, and remembers which failed jobs can be bought again: their names by their labels."""

    def __init__(self, reporter: Reporter) -> None:
        self.names: dict[str, str] = {}
        self._reporter = reporter

    def tell(self, event: Event) -> None:
        if isinstance(event, events.Job):
            self.names.pop(event.label, None)
            if event.redo:
                self.names[event.label] = event.redo
        self._reporter.tell(event)

    def detail(self, event: Event) -> None:
        self._reporter.detail(event)

    def result(self, found: Iterable[Event], text: str) -> None:
        self._reporter.result(found, text)


def next_steps(folder: Path, redo: Mapping[str, str]) -> str:
    """The commands for the set in ``folder``, one in each line; "" when there are none.

    ``redo``: as ``RedoListener.names``. Raises PhotorealError when the journal cannot be read.
    """
    resume = f"resume {shlex.quote(str(folder))}"
    lines = [
        f"{shown_label(label)}: `{resume} --redo {shlex.quote(name)}` buys another one."
        for label, name in redo.items()
    ]
    journals = set_journals(folder)
    folders = {one: "" if one == folder else one.name for one in journals}
    waiting = [
        _of(variant, _decisions(resume, key, entry))
        for one, variant in folders.items()
        for key, entry in undecided(journals[one])
    ]
    if waiting:
        lines += [*waiting, f"Your requests at fal.ai are listed at {REQUESTS_PAGE}."]
    for one, variant in folders.items():
        own = f"resume {shlex.quote(str(one))}"
        lines += [_of(variant, _rejection(own, name, take)) for name, take in _rejected_in(one)]
    return "\n".join(lines)


def _of(variant: str, text: str) -> str:
    return label_of_variant(variant, text) if variant else text


def _rejected_in(folder: Path) -> list[tuple[str, int]]:
    """What is rejected in a set, and the newest take that is not, or 0."""
    if not (folder / "set.json").is_file():
        return []
    record = SetFolder.open(folder).record
    photos = [entry["name"] for entry in record["angles"] if is_rejected(entry.get("photo"))]
    motions = [entry["motion"] for entry in record["videos"] if is_rejected(entry)]
    return [
        *((f"{name} photo", _newest_good_take(record, Shelf.PHOTOS, name)) for name in photos),
        *(("video", _newest_good_take(record, Shelf.VIDEOS, motion)) for motion in motions),
    ]


def _newest_good_take(record: Manifest, shelf: Shelf, name: str) -> int:
    return max(
        (int(take.get("take", 0)) for take in takes_in(record, shelf, name) if not is_rejected(take)),
        default=0,
    )


def _rejection(resume: str, result: str, take: int) -> str:
    """``take``: an earlier one that can be chosen instead, or 0."""
    name = shlex.quote(result.removesuffix(" photo"))
    choice = f"`{resume} --choose {name}={take}` shows take {take}, " if take else ""
    return (
        f"{result}, rejected: {choice}`{resume} --accept {name}` accepts it, and `{resume} --redo {name}` buys another "
        "one."
    )


def way_back(folder: Path, name: str, lost: Lost) -> str:
    """What brings back the lost file of the set in ``folder``. ``name``: of the angle, or "video"."""
    resume = f"resume {shlex.quote(str(folder))}"
    match lost.way:
        case Way.RENDER:
            return f"`{resume}` renders it again."
        case Way.ORIGINAL:
            return f"`{resume}` makes it again from {lost.original}, free of charge."
        case Way.FETCH:
            until = "" if lost.until is None else f" fal.ai keeps it until {date_time(lost.until)}."
            return f"`{resume}` fetches it from fal.ai again, free of charge.{until}"
        case Way.BUY:
            paid = "" if lost.price is None else f" This one cost {dollars(lost.price)}."
            return f"fal.ai no longer keeps it: `{resume} --redo {shlex.quote(name)}` buys another one.{paid}"


def catalogue_steps(folder: Path) -> str:
    """The commands for a catalogue with requests that wait for a decision."""
    resume = f"resume {shlex.quote(str(folder))}"
    return (
        f"`{resume} --resend KEY` sends an uncertain request again, and `{resume} --forget KEY` continues without it. "
        "The results name the keys."
    )


def _decisions(resume: str, key: str, entry: Entry) -> str:
    short = shown_key(key)
    text = f"{shown_label(entry.label)}: `{resume} --resend {short}` sends it again"
    if time.time() < entry.resend_at:
        text += f" (before {clock_time(entry.resend_at)} with --not-in-dashboard)"
    if entry.stage is Stage.FORGOTTEN:
        return f"{text}."
    return f"{text}, `{resume} --forget {short}` continues without it."
