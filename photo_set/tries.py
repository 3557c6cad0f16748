# SPDX-License-Identifier: GPL-3.0-or-later
"""The tries of a photo: the first request, and the retries after photos that were rejected.

A retry is another request, with another seed and a prompt that names what was wrong. The decision is in ``set.json``
before the request is sent, so a run that was killed asks for the same again, which the journal knows.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..fal_bridge.jobs import Kind
from ..files.writing import sha256_of
from ..optics.angles import Angle
from .folder import Record
from .labels import photo_label
from .plan import SetPlan
from .results import SetResults
from .takes import Shelf, identity_of, takes_in

_ORDER = {"accept": 0, "realign": 1, "look": 1, "retry": 2, "reject": 3}
_UNKNOWN = 1  # A photo that was not checked.


def wish_of(plan: SetPlan, angle: Angle, prompt: str, images: tuple[Path, ...], take: int) -> str:
    """A digest of what is asked for. The retries of a photo have the same."""
    facts = (
        photo_label(angle.name),
        plan.photo_endpoint,
        prompt,
        plan.seed,
        dict(plan.option_texts.get(Kind.PHOTO, {})),
        plan.guide.value if plan.guide else None,
        plan.with_mask,
        [sha256_of(path) for path in images],
        take,
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def asked_for(entry: Mapping[str, Any], take: int) -> str:
    """What a reviewer's wish adds to the prompt of a take of an angle; "" without one."""
    asked = entry.get("asked") or {}
    return str(asked["prompt"]) if asked.get("take") == take else ""


def retries_of(entry: Mapping[str, Any], wish: str) -> list[Record]:
    """The retries that were decided for a wish, in order."""
    return [retry for retry in entry.get("retries") or [] if retry["wish"] == wish]


def best_of(results: SetResults, angle: Angle, wish: str) -> Record | None:
    """The best photo on disk that was received for a wish."""
    tries = [
        take
        for take in takes_in(results.folder.record, Shelf.PHOTOS, angle.name)
        if (take.get("fidelity") or {}).get("wish") == wish
    ]
    for take in sorted(tries, key=rank):
        if results.takes.found(Shelf.PHOTOS, angle.name, identity_of(take)) is not None:
            return take
    return None


def rank(take: Mapping[str, Any]) -> tuple[int, float, int]:
    """Sorts tries: the best first, then the older one."""
    found = take.get("fidelity") or {}
    order = -1 if found.get("accepted") else _ORDER.get(str(found.get("verdict", "")), _UNKNOWN)
    return order, float(found.get("score", 0.0)), int(take.get("take", 1 << 30))
