# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of each product of a catalogue: one small file in the journal of each set, so that 10,000 are read quickly.

``set.json`` is read only where it is newer, as after a separate run of that set.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, cast

from ..fal_bridge.errors import UncertainSubmitError
from ..fal_bridge.journal import journal_place
from ..fal_bridge.money import journal_costs
from ..files.enclosed import refuse_link
from ..files.input_files import read_json
from ..files.names import inner_path
from ..files.values import empty_or, list_of, mapping_of, member_of, number, optional, record_of, text, whole
from ..files.writing import write_json_atomically
from ..gltf.findings import Finding, Severity, worst_first
from ..imaging.review_part import product_photos_id, set_id
from ..messages.errors import InputError, PhotorealError
from ..optics.angles import MAX_ANGLES
from ..photo_set import variants
from ..photo_set.folder import SetFolder, SetState
from ..photo_set.labels import label_of_variant
from ..photo_set.rejection import is_rejected, reason_of, verdict_of
from ..photo_set.set_costs import costs_of
from ..photo_set.set_json import FINDINGS, Manifest, VariantRecord
from ..photo_set.set_json_values import MAX_VARIANTS, any_text
from ..photo_set.variant_folders import other_variants
from ..photo_set.verdict import all_findings, finding_from, worst_of

_MODEL = "model/product.glb"
VIDEO = "video"  # Among the names of angles.

log = logging.getLogger(__name__)


class Step(StrEnum):
    """What a product waits for."""

    MODEL = "model"  # The 3D model, made at fal.ai.
    RENDER = "render"
    CLOUD = "cloud"  # Photos, enlargements and video, made at fal.ai.
    NOTHING = "nothing"


class RowState(StrEnum):
    """The state of a product."""

    WAITING = "waiting"  # Not started, or the next run continues it.
    DONE = "done"
    PARTIAL = "partial"  # Some of its pictures failed.
    FAILED = "failed"
    HELD = "held"  # A paid request is uncertain and waits for a decision of the user.
    BAD = "bad"  # The row itself is not valid.


STATES = {
    SetState.DONE: RowState.DONE,
    SetState.PARTIAL: RowState.PARTIAL,
    SetState.FAILED: RowState.FAILED,
    SetState.HELD: RowState.HELD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is known about a product.

    ``digest`` is that of the row it was made from, ``begun`` the same once its set folder was prepared for that row
    (until then it may hold an earlier set), ``crashes`` says how it ended Blender, ``paid`` is what its
    requests cost in US dollars, from their bills where there are any, and ``unpriced`` counts those of unknown price.
    """

    digest: str = ""
    begun: str = ""
    step: Step = Step.MODEL
    state: RowState = RowState.WAITING
    exit_code: int = 0
    error: str = ""
    crashes: tuple[str, ...] = ()
    paid: float = 0.0
    unpriced: int = 0
    render_seconds: float = 0.0
    photos: tuple[str, ...] = ()  # Of all variants: paths within the set folder.
    videos: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()  # In the form of ``set.json``, worst first.
    set_id: str = ""  # Its set and its photos in decisions; see ``imaging.review_part``.
    photos_id: str = ""
    variants: dict[str, str] = field(default_factory=dict)  # The best picture of each; "" for none.
    rejected: tuple[str, ...] = ()  # Held back: not among ``photos`` and ``videos``.
    verdicts: dict[str, str] = field(default_factory=dict)  # Of what was checked, by angle, and of the video.
    consistency: float | None = (
        None  # The score of the set, above 1 when a photo has drifted; None: not compared.
    )

    @property
    def worst(self) -> Severity | None:
        """The severity of the worst finding; ``None`` without any."""
        return worst_of(map(finding_from, self.findings))

    @property
    def has_crashed_alone(self) -> bool:
        """It has crashed Blender twice, the second time alone."""
        return len(self.crashes) >= 2

    @property
    def hero(self) -> str:
        """The photo that represents the product; "" when there is none."""
        return _hero([path for path in self.photos if not path.startswith(f"{variants.FOLDER}/")])


def status_path(root: Path) -> Path:
    return journal_place(root) / "row.json"


def row_lock(root: Path) -> Path:
    """Locked by the process that works on the product in ``root``."""
    return journal_place(root) / "row.lock"


def journal_in(root: Path) -> Path:
    """The journal of the product in ``root``. Raises InputError when a link there could lead out of the catalogue."""
    journal = journal_place(root)
    for place in (root, journal):
        refuse_link(place)
    return journal


def read_status(root: Path, digest: str) -> Status:
    """The status of the set in ``root`` from its files; a waiting one when it was made for another version of the row.

    Raises InputError when the folder, its journal or a file of ours in it is a link, which could lead elsewhere.
    """
    journal_in(root)
    for place in (status_path(root), row_lock(root)):
        refuse_link(place)
    status = _noted(root)
    if status.digest and _is_newer(root / "set.json", status_path(root)):
        status = _caught_up(root, status)
    if status.digest != digest:
        return Status(digest=digest, paid=status.paid, unpriced=status.unpriced)
    if status.state is RowState.DONE and (gone := _first_gone(root, status)):
        step = Step.MODEL if gone == _MODEL else Step.RENDER  # What is there is kept.
        error = f"{gone} is missing. `resume` restores it; nothing is paid twice."
        return replace(status, state=RowState.WAITING, step=step, error=error)
    return status


def write_status(root: Path, status: Status) -> None:
    write_json_atomically(status_path(root), asdict(status))


def paid_in(root: Path) -> dict[str, Any]:
    """The costs in the journal of a set, as members of its ``Status``."""
    paid = costs_of(root, "")
    return {"paid": float(journal_costs.total(paid)), "unpriced": sum(cost.amount is None for cost in paid)}


def results_in(folder: SetFolder) -> dict[str, Any]:
    """Photos, videos and findings of a set with all its variants, as members of its ``Status``. Raises InputError."""
    record, parts = folder.record, _parts(folder)
    made = [
        (label_of_variant(part.variant, name) if part.variant else name, entry, part.within)
        for part in parts
        for name, entry in _made(part.record)
    ]
    shown = [(entry, f"{within}{entry['path']}") for _name, entry, within in made if entry.get("path")]
    usable = [path for entry, path in shown if not is_rejected(entry)]
    videos = {entry.get("path") for entry in record["videos"]}
    scores = [part.record["consistency"]["score"] for part in parts if "consistency" in part.record]
    return {
        "photos": tuple(path for path in usable if path not in videos),
        "rejected": tuple(path for entry, path in shown if is_rejected(entry)),
        "verdicts": {name: verdict for name, entry, _within in made if (verdict := verdict_of(entry))},
        "videos": tuple(path for path in usable if path in videos),
        "findings": tuple(finding.record() for finding in worst_first(_findings(parts))),
        "consistency": max(scores, default=None),
        "set_id": set_id(record),
        "photos_id": product_photos_id(record),
        "variants": {entry["name"]: _hero_of(entry) for entry in record.get("variants", [])},
    }


class _Part(NamedTuple):
    """A variant of a product. The first has no name here; ``within`` is the beginning of the paths of the others."""

    variant: str
    within: str
    record: Manifest


def _parts(folder: SetFolder) -> list[_Part]:
    """The product and its other variants, as far as they are made. Raises InputError."""
    others = [
        _Part(name, f"{folder.relative(other.root)}/", other.record) for name, other in other_variants(folder)
    ]
    return [_Part("", "", folder.record), *others]


def _made(record: Manifest) -> list[tuple[str, Mapping[str, Any]]]:
    """What has a verdict, by its name: the photos and the wanted video."""
    wanted = record["videos"] if cast(Mapping[str, Any], record["plan"])["video"] else []
    photos = [(entry["name"], entry.get("photo", {})) for entry in record["angles"]]
    return [*photos, *((VIDEO, entry) for entry in wanted)]


def _findings(parts: Iterable[_Part]) -> Iterator[Finding]:
    """The findings about all variants; those that the first has too only once."""
    known: set[str] = set()
    for part in parts:
        for finding in all_findings(part.record):
            if not part.variant:
                known.add(finding.text)
                yield finding
            elif finding.text not in known:
                yield replace(finding, text=label_of_variant(part.variant, finding.text))


def _hero_of(variant: VariantRecord) -> str:
    """The picture that represents a variant; "" for the first, whose pictures are those of the set."""
    return _hero([entry["path"] for entry in variant.get("angles", []) if "path" in entry])


def _hero(paths: Sequence[str]) -> str:
    return next((path for path in paths if "three-quarter" in path), next(iter(paths), ""))


def first_error(folder: SetFolder) -> str:
    """The first error that a ``set.json`` or those of its variants name, or the first rejected photo; "" without any.

    Raises InputError.
    """
    return next(_errors(folder), "")


def _errors(folder: SetFolder) -> Iterator[str]:
    first, *others = _parts(folder)
    yield from _errors_in(first.record)
    for entry in first.record.get("variants", []):
        if "error" in entry:
            yield label_of_variant(entry["name"], entry["error"])
    for other in others:
        yield from (label_of_variant(other.variant, error) for error in _errors_in(other.record))


def _errors_in(record: Manifest) -> Iterator[str]:
    for entry in _entries(record):
        if entry.get("error"):
            yield str(entry["error"])
    for angle in record["angles"]:
        if is_rejected(angle.get("photo")):
            yield f"{angle['name']}: rejected. {reason_of(angle['photo'])}"
    for video in record["videos"]:
        if is_rejected(video):
            yield f"Video: rejected. {reason_of(video)}"


def _entries(record: Manifest) -> list[Mapping[str, Any]]:
    photos = [entry.get("photo", {}) for entry in record["angles"]]
    enlargements = [photo.get("enlargement", {}) for photo in photos]
    pending = [entry["pending"] for entry in (*record["angles"], *record["videos"]) if "pending" in entry]
    return [record, *photos, *enlargements, *record["videos"], *pending]


_MOST_PATHS = MAX_VARIANTS * MAX_ANGLES
_PATHS = list_of(inner_path, _MOST_PATHS)
_STATUS = record_of(
    {
        "step": member_of(Step),
        "state": member_of(RowState),
        "crashes": list_of(any_text, 1000),
        "photos": _PATHS,
        "videos": _PATHS,
    },
    {
        "digest": text(64),
        "begun": text(64),
        "exit_code": whole(0, 255),
        "error": any_text,
        "paid": number(0.0, 1e12),
        "unpriced": whole(0, 1_000_000),
        "render_seconds": number(0.0, 1e12),
        "findings": FINDINGS,
        "set_id": text(32),
        "photos_id": text(32),
        "variants": mapping_of(text(255), empty_or(inner_path), MAX_VARIANTS),
        "rejected": _PATHS,
        "verdicts": mapping_of(text(1000), text(64), _MOST_PATHS),
        "consistency": optional(number(0.0, 1e12)),
    },
    may_have_others=True,
)


def _noted(root: Path) -> Status:
    """The content of the status file. When it is damaged, the costs are read from the journal."""
    try:
        record = _STATUS(read_json(status_path(root)))
    except FileNotFoundError:
        return Status()
    except (OSError, ValueError) as error:
        log.warning("%s is damaged (%s): its product is checked again.", status_path(root), error)
        return Status(**paid_in(root))
    names = {item.name for item in fields(Status)}
    return Status(**{name: value for name, value in record.items() if name in names})


def _is_newer(path: Path, other: Path) -> bool:
    try:
        return path.stat().st_mtime_ns > other.stat().st_mtime_ns
    except OSError:
        return False


def _caught_up(root: Path, status: Status) -> Status:
    """``status`` after the set was changed by another process since it was written."""
    status = replace(status, **paid_in(root))
    if status.begun != status.digest:
        return status
    try:
        folder = SetFolder.open(root)
        record = folder.record
        state = STATES[SetState(record["state"])]
        changes = results_in(folder) | {"error": first_error(folder)}
        states = {entry.get("state") for part in _parts(folder) for entry in _entries(part.record)}
        if state is RowState.PARTIAL and "failed" not in states:
            state = RowState.WAITING
        step = _step_of(root, record, status)
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return status
    if state is RowState.DONE:
        return replace(status, state=state, step=Step.NOTHING, exit_code=0, crashes=(), **changes)
    code = UncertainSubmitError.exit_code if state is RowState.HELD else PhotorealError.exit_code
    if state is status.state:
        code = status.exit_code  # It knows of ceilings.
    return replace(status, state=state, step=step, exit_code=code, **changes)


def _step_of(root: Path, record: Manifest, status: Status) -> Step:
    """What an unfinished set waits for."""
    if not record["model"].get("path") or not (root / _MODEL).is_file():
        return Step.MODEL
    is_rendered = bool(record["angles"]) and all("render" in entry for entry in record["angles"])
    return Step.CLOUD if is_rendered and status.step is Step.CLOUD else Step.RENDER


def _first_gone(root: Path, status: Status) -> str:
    """The first missing file of a finished set; "" when all exist. They are not read."""
    paths = (_MODEL, *status.photos, *status.rejected, *status.videos)
    return next((path for path in paths if not (root / path).is_file()), "")
