# SPDX-License-Identifier: GPL-3.0-or-later
"""``resume --accept``: a person accepts a photo that was rejected, or that should be looked at."""

from collections.abc import Sequence

from ..messages import events
from ..messages.errors import InputError
from ..messages.progress import Reporter
from ..photo_set.folder import Record, SetFolder
from ..photo_set.takes import Shelf, Takes, chosen_number, identity_of


def accept_photos(folder: SetFolder, names: Sequence[str], reporter: Reporter) -> None:
    """Accept the photos that these angles show. Raises InputError before anything changes."""
    takes = Takes(folder)
    wanted = [(name, _shown(folder, takes, name)) for name in names]
    for name, take in wanted:
        found = {**take["fidelity"], "rejected": False, "accepted": True}
        takes.renew(Shelf.PHOTOS, name, identity_of(take), {"fidelity": found})
        reporter.tell(events.Note(text=f"{name}: the photo is accepted."))


def _shown(folder: SetFolder, takes: Takes, name: str) -> Record:
    record = folder.record
    known = [entry["name"] for entry in record["angles"]]
    if name not in known:
        raise InputError(f"This set has no angle called {name!r}.", hint=f"It has: {', '.join(known)}.")
    if not chosen_number(record, Shelf.PHOTOS, name):
        raise InputError(f"{name} has no photo yet.")
    take = takes.chosen(Shelf.PHOTOS, name)
    if not take.get("fidelity"):
        raise InputError(f"The photo of {name} was not checked, so there is nothing to accept.")
    return take
