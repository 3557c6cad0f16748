# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as ``set.json`` keeps it, so that ``resume`` needs nothing but the folder. The key is never in it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path
from typing import Any

from .angles import ANGLES, Angle, View
from .errors import InputError
from .fal_bridge.jobs import Kind
from .fal_bridge.service import Service
from .files import sha256_of
from .gltf import sha256_of_source
from .imaging.compose import Background
from .imaging.passes import Pass
from .imaging.preview import Preview
from .lighting import Panorama, RigChoice
from .plan import Engine, SetPlan, Source, SourceKind
from .set_folder import Record, SetFolder
from .sizes import Size

LIVE = "fal.ai"

# Written in a way of their own, or not at all: what fal.ai publishes is asked anew, and the own addresses of
# photos may hold a signature, so a resumed set uploads its copies instead.
_OF_ITS_OWN = {"source", "out", "service", "endpoints", "rig", "external_data"}
_READ: Mapping[str, Callable[[Any], Any]] = {
    "angles": lambda kept: tuple(map(_angle, kept)),
    "engine": Engine,
    "video": lambda name: Engine(name) if name else None,
    "resolution": lambda sides: Size(*map(int, sides)),
    "lens_mm": float,
    "background": Background,
    "passes": lambda names: tuple(map(Pass, names)),
    "preview": lambda kind: Preview(kind) if kind else None,
    "option_texts": lambda texts: {Kind(kind): dict(named) for kind, named in texts.items()},
}


def options_record(plan: SetPlan) -> Record:
    """How ``plan`` makes its pictures, whatever the product is."""
    return members_record(
        {item.name: getattr(plan, item.name) for item in fields(plan) if item.name not in _OF_ITS_OWN}
    )


def members_record(members: Mapping[str, Any]) -> Record:
    """Some of the members of a ``SetPlan``, in the same form."""
    return {name: _plain(value) for name, value in members.items()}


def options_from(record: Record) -> dict[str, Any]:
    """The members of a ``SetPlan`` in what ``options_record`` or ``plan_record`` gave. Raises ValueError and its like."""
    known = {item.name for item in fields(SetPlan)} - _OF_ITS_OWN
    return {
        name: _READ[name](value) if name in _READ else value
        for name, value in record.items()
        if name in known
    }


def rig_record(rig: RigChoice, folder: Path) -> Record:
    """The light, its file as seen from ``folder``."""
    record = asdict(rig)
    if rig.panorama:
        record["panorama"]["path"] = _from(folder, Path(rig.panorama.path))
    return record


def rig_from(record: Record, folder: Path) -> RigChoice:
    """What ``rig_record`` has kept. The file of the light is not looked at."""
    kept = dict(record)
    panorama = kept.pop("panorama", None)
    if panorama is None:
        return RigChoice(**kept)
    path = os.path.normpath(folder / panorama["path"])
    return RigChoice(**kept, panorama=Panorama(path=path, sha256=panorama["sha256"]))


def plan_record(plan: SetPlan) -> Record:
    """Everything of a plan that a later run needs, besides what ``set.json`` says anyway."""
    record = options_record(plan)
    if plan.source.files:
        record["source_files"] = [_from(plan.out, path) for path in plan.source.files]
    record["rig"] = rig_record(plan.rig, plan.out)
    if plan.service is not None:
        record["fal"] = plan.service.emulator_url or LIVE
    return record


def fal_of(folder: SetFolder) -> str:
    """``LIVE``, the address of an emulator, or "" when the set was planned without fal."""
    return str(_record_of(folder).get("fal", ""))


def plan_from(folder: SetFolder, service: Service | None) -> SetPlan:
    """The plan that the set in ``folder`` was made by. Raises InputError when it cannot be followed."""
    record = _record_of(folder)
    known = {item.name for item in fields(SetPlan)} - _OF_ITS_OWN
    if unknown := set(record) - known - {"source_files", "fal", "rig"}:
        raise InputError(
            f"{folder.manifest} was made by a newer version ({', '.join(sorted(unknown))} is not known).",
            hint="Update Photoreal Set.",
        )
    try:
        return SetPlan(
            source=_source(folder, record),
            out=folder.root,
            service=service,
            rig=_rig(folder, record),
            **options_from(record),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The plan in {folder.manifest} is damaged ({error}).") from error


def _record_of(folder: SetFolder) -> Record:
    record = folder.record.get("plan")
    if not isinstance(record, dict):
        raise InputError(
            f"{folder.manifest} holds no plan: an older version made it.",
            hint="Run the `set` command again with the same options and folder.",
        )
    return record


def _source(folder: SetFolder, record: Record) -> Source:
    kept = folder.record["source"]
    kind = SourceKind(kept["kind"])
    originals = record.get("source_files", [])
    is_needed = kind is not SourceKind.MODEL or not folder.has(folder.record.get("model"))
    files = []
    for entry, original in zip(kept.get("files", []), originals, strict=True):
        copy = folder.root / "source" / entry["name"]
        places = (copy, Path(os.path.normpath(folder.root / original)))
        whole = (path for path in places if path.is_file() and sha256_of_source(path) == entry["sha256"])
        found = next(whole, None)
        if found is None and is_needed:
            raise InputError(
                f"{entry['name']} is no longer where it was, or was changed.", hint=f"Copy it to {copy}."
            )
        files.append(found or copy)
    return Source(kind=kind, files=tuple(files), text=kept.get("text", ""), kept=kept)


def _rig(folder: SetFolder, record: Record) -> RigChoice:
    kept = dict(record.get("rig", {}))
    panorama = kept.pop("panorama", None)
    if panorama is None:
        return RigChoice(**kept)
    name = Path(panorama["path"]).name
    places = (folder.root / "source" / name, Path(os.path.normpath(folder.root / panorama["path"])))
    for path in places:
        if path.is_file() and sha256_of(path) == panorama["sha256"]:
            return RigChoice(**kept, panorama=Panorama(path=str(path), sha256=panorama["sha256"]))
    raise InputError(f"{name} is no longer where it was, or was changed.", hint=f"Copy it to {places[0]}.")


def _angle(kept: str | Record) -> Angle:
    if isinstance(kept, str):
        return ANGLES[kept]
    view = kept.get("view")
    if view is not None:
        rows = tuple(tuple(map(float, row)) for row in view["matrix"])
        view = View(**{**view, "matrix": rows, "shift": tuple(map(float, view["shift"]))})
    return Angle(**{**kept, "view": view})


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Angle):
        return value.name if value == ANGLES.get(value.name) else _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(_plain(name)): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _from(folder: Path, path: Path) -> str:
    """Relative where it can be, so that folder and sources can move together."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return str(path.absolute())  # On another drive of Windows.
