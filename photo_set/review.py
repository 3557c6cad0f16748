# SPDX-License-Identifier: GPL-3.0-or-later
"""What people have decided about photos on the page of a set or a catalogue: the files, and what they say about one set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..files.input_files import read_json
from ..files.values import checked_in, like, list_of, one_of, record_of, text, whole
from ..imaging.review_part import WHOLE_SET, WORDS, product_photos_id, set_id, variant_photos
from ..messages.errors import InputError
from ..optics.angles import MAX_ANGLES
from .set_json import Manifest
from .set_json_values import any_text

KIND = "photoreal-set-decisions"
ACCEPT = "accept"
_MAX_SETS = 100_000
_ID = like("[0-9a-f]{32,64}", "an identity of 32 to 64 hexadecimal digits")
_MOMENT = like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", "a time such as 2026-01-31T12:00:00Z")
_DECISION = record_of(
    {"name": text(255, min_length=1), "photo": _ID, "decision": one_of(WORDS), "when": _MOMENT},
    {"reason": text(2000)},
    may_have_others=True,
)
_SET = record_of(
    {"set": _ID, "decisions": list_of(_DECISION, MAX_ANGLES, name="decision")},
    {"product": any_text, "folder": any_text},
    may_have_others=True,
)
_FILE = record_of(
    {
        "schema": whole(1, 1),
        "reviewer": text(100, min_length=1),
        "sets": list_of(_SET, _MAX_SETS, min_count=1, name="set"),
    },
    may_have_others=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoDecision:
    """What one reviewer has decided about one photo. ``photo`` is its SHA-256, ``decision`` one of ``WORDS``."""

    name: str
    photo: str
    decision: str
    reason: str
    when: str
    by: str
    file: Path

    @property
    def wants_another(self) -> bool:
        return self.decision != ACCEPT

    def record(self) -> dict[str, str]:
        """The form of ``set.json``."""
        facts = {"decision": self.decision, "by": self.by, "when": self.when}
        return facts | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedSet:
    """The decisions of one file about one set. ``folder`` is where its catalogue has it; "" on the page of a set."""

    id: str
    product: str
    folder: str
    decisions: tuple[PhotoDecision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFile:
    """A file of decisions as a page has exported it."""

    path: Path
    reviewer: str
    sets: tuple[ReviewedSet, ...]


def read_review(path: Path) -> ReviewFile:
    """Raises InputError when the file cannot be read or has another content."""
    hint = "Export it from the page of a set or a catalogue."
    try:
        found = read_json(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise InputError(f"{path} is not a file of decisions ({error}).", hint=hint) from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise InputError(f"{path} is not a file of decisions.", hint=hint)
    record = checked_in(path, _FILE, found, hint=hint)
    reviewer = record["reviewer"].strip()
    return ReviewFile(
        path=path,
        reviewer=reviewer,
        sets=tuple(_set(entry, reviewer, path) for entry in record["sets"]),
    )


def _set(entry: Mapping[str, Any], reviewer: str, path: Path) -> ReviewedSet:
    decisions = tuple(
        PhotoDecision(
            **{name: one[name] for name in ("name", "photo", "decision", "when")},
            reason=one.get("reason", "").strip(),
            by=reviewer,
            file=path,
        )
        for one in entry["decisions"]
    )
    product, folder = entry.get("product", ""), entry.get("folder", "")
    return ReviewedSet(id=entry["set"], product=product, folder=folder, decisions=decisions)


def decisions_on(record: Manifest, files: Sequence[ReviewFile]) -> list[PhotoDecision]:
    """What the files say about the photos that this set shows, one decision for each photo.

    The same reviewer's last decision counts. Raises InputError for a file that is about other sets, for an angle that the
    set does not have, for a photo that it no longer shows, and when reviewers disagree.
    """
    found = []
    for file in files:
        own = [entry for entry in file.sets if entry.id == set_id(record)]
        if not own:
            products = ", ".join(sorted({entry.product or entry.id for entry in file.sets})[:3])
            raise InputError(
                f"{file.path} is about another set ({products}).", hint="Name the folder of that set."
            )
        found += [one for entry in own for decision in entry.decisions for one in _expanded(record, decision)]
    return agreed(found)


def decisions_on_variant(
    record: Manifest, name: str, first: Manifest, files: Sequence[ReviewFile]
) -> list[PhotoDecision]:
    """As ``decisions_on``, for a variant ``name`` of the set ``first``: decisions about that whole set hold for it too.

    Raises InputError also when the variant no longer has the photos that ``first`` lists.
    """
    photos = next(variant_photos(entry) for entry in first.get("variants", []) if entry["name"] == name)
    found: list[PhotoDecision] = []
    for entry in (entry for file in files for entry in file.sets):
        if entry.id == set_id(record):
            found += entry.decisions
        elif entry.id == set_id(first):
            whole = (one for one in entry.decisions if one.name == WHOLE_SET)
            found += [
                replace(one, name=angle, photo=photo) for one in whole for angle, photo in photos.items()
            ]
    return agreed(one for decision in found for one in _expanded(record, decision))


def _expanded(record: Manifest, decision: PhotoDecision) -> list[PhotoDecision]:
    """A decision about the whole set as one about each photo. Raises InputError when it does not fit the set."""
    shown = {entry["name"]: entry.get("photo", {}).get("sha256", "") for entry in record["angles"]}
    hint = "Something was made since then. Open the page, decide again and export."
    if decision.name == WHOLE_SET:
        if decision.photo != product_photos_id(record):
            raise InputError(
                f"{decision.file} decides about photos of an older run of {record.get('product', 'this set')}.",
                hint=hint,
            )
        return [replace(decision, name=name, photo=photo) for name, photo in shown.items() if photo]
    if decision.name not in shown:
        raise InputError(
            f"{decision.file} decides about {decision.name!r}, and this set has no such angle.",
            hint=f"It has: {', '.join(shown)}.",
        )
    if decision.photo != shown[decision.name]:
        raise InputError(
            f"{decision.file} decides about a photo of {decision.name} from an older run: the set shows another one now.",
            hint=hint,
        )
    return [decision]


def agreed(decisions: Iterable[PhotoDecision]) -> list[PhotoDecision]:
    """One decision for each photo. Raises InputError when one reviewer accepts a photo and another does not."""
    latest: dict[tuple[str, str], PhotoDecision] = {}
    for one in sorted(decisions, key=lambda one: one.when):
        latest[one.name, one.by] = one
    by_name: dict[str, list[PhotoDecision]] = {}
    for one in latest.values():
        by_name.setdefault(one.name, []).append(one)
    conflicts = [
        f"{name}: " + ", ".join(f"{one.by}: {WORDS[one.decision]}" for one in group)
        for name, group in by_name.items()
        if len({one.wants_another for one in group}) > 1
    ]
    if conflicts:
        raise InputError(
            f"The reviewers disagree. {'; '.join(conflicts)}.",
            hint="Nothing was changed. Agree on these photos and export again, or leave out one of the files.",
        )
    # A plain rejection counts more than the wish for another try; otherwise the last decision.
    return [max(group, key=lambda one: (one.decision == "reject", one.when)) for group in by_name.values()]


def is_accepted(photo: Mapping[str, Any] | None) -> bool:
    """Whether a person has accepted a photo of ``set.json``."""
    return bool(((photo or {}).get("review") or {}).get("decision") == ACCEPT)
