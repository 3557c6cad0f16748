# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as ``set.json`` keeps it, so that ``resume`` needs only the folder. The key is never in it."""

import os
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_origin, get_type_hints

from ..fal_bridge.network.service import Service
from ..files.names import path_text, portable_path
from ..files.values import Rule, checked_in, list_of, member_of, record_of, text
from ..files.writing import sha256_of
from ..gltf.choices import ModelOptions
from ..gltf.document import sha256_of_source
from ..messages.errors import InputError
from ..optics.angles import ANGLES, KEPT_ANGLES, Angle
from ..optics.rig_choice import Panorama, RigChoice
from ..optics.spin import Spin
from .choices import MAX_PHOTOS
from .folder import Record, SetFolder
from .plan import SetPlan
from .set_json import SOURCE_FILES
from .source import Source, SourceKind
from .variants import Variant

LIVE = "fal.ai"

# Members without a rule are written separately, or not at all: schemas of endpoints are fetched again, and web
# addresses of photos may contain a signature, so a resumed set uploads its copies instead.
MEMBER_RULES: Mapping[str, Rule[Any]] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(SetPlan, include_extras=True).items()
    if get_origin(hint) is Annotated
}
OPTIONS = record_of({}, MEMBER_RULES)
_SOURCE_FILES = list_of(path_text, MAX_PHOTOS)
_PLAN = record_of({"angles": KEPT_ANGLES}, {**MEMBER_RULES, "source_files": _SOURCE_FILES, "fal": text(255)})
_SOURCE = record_of(
    {"kind": member_of(SourceKind)},
    {
        "text": text(),
        "files": SOURCE_FILES,
    },
)


# Members that older sets and locks do not have. They are left out at their defaults, so that the digests stay the same.
_LATER = {
    *("pose", "without", "guide", "with_mask", "fidelity", "retries", "lock"),
    *("expiration", "private", "spin", "variants", "colors", "title"),
}
_DEFAULTS = {
    item.name: item.default if item.default_factory is MISSING else item.default_factory()
    for item in fields(SetPlan)
    if item.name in _LATER
}

_HINT = "Correct it there, or run the `set` command again with the same options and folder."


def options_record(plan: SetPlan) -> Record:
    """How ``plan`` makes its pictures, whatever the product is."""
    members = {name: getattr(plan, name) for name in MEMBER_RULES if name != "rig"}
    for name, default in _DEFAULTS.items():
        if members[name] == default:
            del members[name]
    return members_record(members)


def members_record(members: Mapping[str, Any]) -> Record:
    """Some of the members of a ``SetPlan``, in the same form."""
    return {name: _plain(value) for name, value in members.items()}


def options_from(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The members of a ``SetPlan`` in what ``options_record`` and ``rig_record`` gave for ``folder``.

    Raises ValueError for a value that the command line would not accept.
    """
    options = OPTIONS(record)
    if "rig" in options:
        options["rig"] = _rig_seen_from(folder, options["rig"])
    return options


def rig_record(rig: RigChoice, folder: Path) -> Record:
    """The light, with the path of its file relative to ``folder``."""
    record = asdict(rig)
    if rig.panorama:
        record["panorama"]["path"] = portable_path(Path(rig.panorama.path), folder)
    return record


def _rig_seen_from(folder: Path, rig: RigChoice) -> RigChoice:
    """The light with the path of its file made absolute. The file is not read."""
    if rig.panorama is None:
        return rig
    path = os.path.normpath(folder / rig.panorama.path)
    return replace(rig, panorama=replace(rig.panorama, path=path))


def plan_record(plan: SetPlan, *, fal: str = "") -> Record:
    """Everything in a plan that a later run needs and that is nowhere else in ``set.json``.

    ``fal``, as of ``fal_of``: where the requests of the set go, when this process only renders and has no service.
    """
    record = options_record(plan)
    if plan.source.files:
        record["source_files"] = [portable_path(path, plan.out) for path in plan.source.files]
    record["rig"] = rig_record(plan.rig, plan.out)
    if plan.service is not None:
        record["fal"] = plan.service.emulator_url or LIVE
    elif fal and plan.uses_fal:
        record["fal"] = fal
    return record


def is_of_plan(plan: SetPlan) -> bool:
    """Whether the set in the folder has this very plan: another one may lead to other requests with the same labels."""
    try:
        return SetFolder.open(plan.out).record.get("plan") == plan_record(plan)
    except InputError:
        return False


def fal_of(folder: SetFolder) -> str:
    """``LIVE``, the address of an emulator, or "" when the set was planned without fal."""
    kept = _record_of(folder).get("fal", "")
    return checked_in(folder.manifest, text(255), kept, "plan", "fal", hint=_HINT)


def plan_from(folder: SetFolder, service: Service | None) -> SetPlan:
    """The plan that the set in ``folder`` was made by. Raises InputError when it cannot be used."""
    record = _record_of(folder)
    if unknown := set(record) - set(MEMBER_RULES) - {"source_files", "fal"}:
        raise InputError(
            f"{folder.manifest} was made by a newer version ({', '.join(sorted(unknown))} is not known).",
            hint="Update Photoreal Set.",
        )
    plan = checked_in(folder.manifest, _PLAN, record, "plan", hint=_HINT)
    source = checked_in(folder.manifest, _SOURCE, folder.record.get("source"), "source", hint=_HINT)
    originals = plan.pop("source_files", ())
    plan.pop("fal", None)
    rig = _rig(folder, plan.pop("rig", RigChoice()))
    return SetPlan(
        source=_source(folder, source, originals), out=folder.root, service=service, rig=rig, **plan
    )


def angles_planned(folder: SetFolder) -> tuple[Angle, ...]:
    """The angles of the set in ``folder``; none in a set of an older version without a plan. Raises InputError."""
    if not folder.record.get("plan"):
        return ()
    angles = _record_of(folder).get("angles")
    planned: tuple[Angle, ...] = checked_in(
        folder.manifest, KEPT_ANGLES, angles, "plan", "angles", hint=_HINT
    )
    return planned


def model_options_planned(folder: SetFolder) -> ModelOptions:
    """The pose of the product of the set in ``folder``, and what is left out of it. Raises InputError."""
    record = _record_of(folder)
    kept = {name: record[name] for name in ("pose", "without") if name in record}
    return ModelOptions(**checked_in(folder.manifest, OPTIONS, kept, "plan", hint=_HINT))


def _record_of(folder: SetFolder) -> Record:
    record = folder.record.get("plan")
    if not isinstance(record, dict):
        raise InputError(
            f"{folder.manifest} contains no plan: an older version made it.",
            hint="Run the `set` command again with the same options and folder.",
        )
    return record


def _source(folder: SetFolder, source: Record, originals: tuple[str, ...]) -> Source:
    kind, kept = source["kind"], source.get("files", ())
    is_model = kind is SourceKind.MODEL
    fewest, most = {SourceKind.MODEL: (1, 1), SourceKind.PHOTOS: (1, MAX_PHOTOS)}.get(kind, (0, 0))
    if len(kept) != len(originals) or not fewest <= len(kept) <= most:
        raise InputError(
            f"{folder.manifest}: the source has {len(kept)} files and the plan {len(originals)}, which do not "
            f"fit a source of the kind {kind.value}.",
            hint=_HINT,
        )
    is_needed = not is_model or not folder.has(folder.record.get("model"))
    files = []
    for entry, original in zip(kept, originals, strict=True):
        copy = folder.root / "source" / entry["name"]
        places = (copy, Path(os.path.normpath(folder.root / original)))
        whole = (path for path in places if path.is_file() and sha256_of_source(path) == entry["sha256"])
        found = next(whole, None)
        if found is None and is_needed:
            raise InputError(f"{entry['name']} was moved, deleted or changed.", hint=f"Copy it to {copy}.")
        files.append(found or copy)
    return Source(kind=kind, files=tuple(files), text=source.get("text", ""), kept=folder.record["source"])


def _rig(folder: SetFolder, rig: RigChoice) -> RigChoice:
    """The light with the path of its file: the copy in the set, or the original."""
    if rig.panorama is None:
        return rig
    name, sha256 = Path(rig.panorama.path).name, rig.panorama.sha256
    places = (folder.root / "source" / name, Path(os.path.normpath(folder.root / rig.panorama.path)))
    for path in places:
        if path.is_file() and sha256_of(path) == sha256:
            return replace(rig, panorama=Panorama(path=str(path), sha256=sha256))
    raise InputError(f"{name} was moved, deleted or changed.", hint=f"Copy it to {places[0]}.")


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Angle):
        return value.name if value == ANGLES.get(value.name) else _plain(asdict(value))
    if isinstance(value, Spin | Variant):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(_plain(name)): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
