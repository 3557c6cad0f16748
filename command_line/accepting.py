# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume --accept``: a person accepts a photo or a video that was rejected, or that should be looked at."""

from collections.abc import Sequence

from ..messages import events
from ..messages.errors import InputError
from ..messages.progress import Reporter
from ..photo_set.folder import Record, SetFolder
from ..photo_set.takes import Shelf, Takes, chosen_number, identity_of
from .choosing import shelf_of

_CHECKS = {
    Shelf.PHOTOS: "fidelity",
    Shelf.VIDEOS: "identity",
}  # The member that holds what the check has found.
_WORDS = {Shelf.PHOTOS: "photo", Shelf.VIDEOS: "video"}


def accept_results(folder: SetFolder, names: Sequence[str], reporter: Reporter) -> None:
    """Accept the photos that these angles show, or the "video". Raises InputError before anything changes."""
    takes = Takes(folder)
    wanted = [_shown(folder, takes, name) for name in names]
    for shelf, name, take in wanted:
        found = {**take[_CHECKS[shelf]], "rejected": False, "accepted": True}
        takes.renew(shelf, name, identity_of(take), {_CHECKS[shelf]: found})
        reporter.tell(events.Note(text=f"{name}: the {_WORDS[shelf]} is accepted."))


def _shown(folder: SetFolder, takes: Takes, wanted: str) -> tuple[Shelf, str, Record]:
    record = folder.record
    shelf, name = shelf_of(record, wanted)
    if shelf not in _CHECKS:
        raise InputError(f"The {wanted} is not checked, so there is nothing to accept.")
    if not chosen_number(record, shelf, name):
        raise InputError(f"{wanted} has no {_WORDS[shelf]} yet.")
    take = takes.chosen(shelf, name)
    if not take.get(_CHECKS[shelf]):
        raise InputError(f"The {_WORDS[shelf]} of {wanted} was not checked, so there is nothing to accept.")
    return shelf, name, take
