# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume --choose``: the set shows another take of a photo, a video or a concept picture, free of charge."""

from collections.abc import Sequence

from ..messages import events
from ..messages.errors import InputError
from ..messages.progress import Reporter
from ..photo_set.folder import SetFolder
from ..photo_set.part_states import settle_state
from ..photo_set.plan_record import angles_planned
from ..photo_set.set_json import Manifest
from ..photo_set.takes import CONCEPT, Shelf, Takes
from ..photo_set.verdict import record_verdict

VIDEO_NAMES = ("video", "film")


def choose_takes(folder: SetFolder, texts: Sequence[str], reporter: Reporter) -> None:
    """Make the named takes (``front=2``) the chosen ones, and judge the pictures that the set shows now. Raises InputError before anything changes."""
    wanted = [_parsed(folder.record, text) for text in texts]
    angles = angles_planned(folder)
    takes = Takes(folder)
    for shelf, name, number in wanted:
        takes.check(shelf, name, number)
    for shelf, name, number in wanted:
        takes.choose(shelf, name, number)
        shown = VIDEO_NAMES[0] if shelf is Shelf.VIDEOS else name
        reporter.tell(events.Note(text=f"{shown}: take {number} is chosen."))
        if shelf is Shelf.CONCEPTS:
            text = "The 3D model stays as it is. `resume DIR --redo model` buys one made from this picture."
            reporter.tell(events.Note(text=text))
    settle_state(folder)
    if angles:
        record_verdict(folder, angles, reporter)
    folder.write_page()


def _parsed(record: Manifest, text: str) -> tuple[Shelf, str, int]:
    name, equals, number = text.rpartition("=")
    if not equals or not number.isascii() or not number.isdecimal():
        raise InputError(
            f"--choose {text!r} does not name a take.", hint="Write NAME=NUMBER, for example front=2."
        )
    return *shelf_of(record, name), int(number)


def shelf_of(record: Manifest, name: str) -> tuple[Shelf, str]:
    """The shelf of what ``name`` means in a set, and its name there: an angle, "concept", "video" or a motion.

    Raises InputError for anything else.
    """
    if any(entry["name"] == name for entry in record["angles"]):
        return Shelf.PHOTOS, name
    if name == CONCEPT:
        return Shelf.CONCEPTS, CONCEPT
    motions = [entry["motion"] for entry in record["videos"]]
    if name in motions:
        return Shelf.VIDEOS, name
    if name in VIDEO_NAMES and motions:
        planned = (record.get("plan") or {}).get("motion")
        motion = next((one for one in motions if one == planned), motions[0])
        return Shelf.VIDEOS, motion
    known = [entry["name"] for entry in record["angles"]]
    known += VIDEO_NAMES[:1] if motions else ()
    raise InputError(f"This set has nothing called {name!r}.", hint=f"It has: {', '.join(known)}.")
