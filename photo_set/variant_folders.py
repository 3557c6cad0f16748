# SPDX-License-Identifier: GPL-3.0-or-later
"""The set folders of variants: prepared with what they share with the first variant, and listed in its ``set.json``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..fal_bridge.journal import NAME as JOURNAL
from ..fal_bridge.journal import Journal
from ..files.enclosed import place_in, refuse_link
from ..files.writing import link_to
from ..gltf.colors import coverage_of
from ..gltf.document import read_gltf
from ..imaging.choices import Pass
from ..messages.errors import InputError
from .folder import Record, SetFolder, SetState
from .plan import SetPlan
from .plan_record import fal_of, plan_record
from .rejection import is_rejected
from .set_json import AngleRecord, ModelRecord, VariantRecord
from .variants import FOLDER, Variant, plan_of_variant

_SHARED = ("camera", "fill", *(kind.value for kind in Pass))


@dataclass(frozen=True, slots=True)
class VariantFolder:
    """Where a variant of a set is."""

    name: str
    folder: Path
    is_first: bool
    is_rendered: bool  # Or it is being rendered; otherwise that was not possible.


def variants_in(folder: SetFolder) -> list[VariantFolder]:
    """The variants of a set, the first of which is in ``folder`` itself; empty for a set without several."""
    found = [
        VariantFolder(entry["name"], folder.root / entry["folder"], not entry["folder"], "error" not in entry)
        for entry in folder.record.get("variants", [])
    ]
    for one in found:
        if not one.is_first:
            place_in(folder.root, one.folder.relative_to(folder.root).as_posix(), str(folder.manifest))
    return found


def other_variants(folder: SetFolder) -> list[tuple[str, SetFolder]]:
    """The name and the set of each variant except the first. Those that are not made yet are left out.

    Raises InputError for a set that cannot be used.
    """
    return [
        (one.name, SetFolder.open(one.folder))
        for one in variants_in(folder)
        if not one.is_first and (one.folder / "set.json").is_file()
    ]


def set_folders(root: Path) -> list[Path]:
    """The folder ``root`` of a set, and those of its other variants in which requests were made, also of earlier runs.

    Each has its own journal. Raises InputError when one of them is a link, which could lead elsewhere.
    """
    folders = [root]
    for journal in sorted(root.glob(f"{FOLDER}/*/{JOURNAL}")):
        for place in (journal.parent.parent, journal.parent, journal):
            refuse_link(place)
        folders.append(journal.parent)
    return folders


def set_journals(root: Path) -> dict[Path, Journal]:
    """The journals of a set and of its other variants, by their set folders. Raises InputError as ``set_folders``."""
    return {folder: Journal(SetFolder(folder).journal) for folder in set_folders(root)}


def set_of_variant(root: Path) -> Path | None:
    """The set folder whose variant the set folder ``root`` is, also by a link; ``None`` for any other set."""
    for place in (root.absolute(), root.resolve()):
        first = place.parent.parent
        if place.parent.name == FOLDER and (first / "set.json").is_file():
            return first
    return None


def list_variants(folder: SetFolder, variants: Iterable[Variant]) -> None:
    """List exactly these variants in ``set.json``. What it knows of one that is the same as before is kept."""
    record = folder.record
    known = {entry["name"]: entry for entry in record.get("variants", [])}
    entries = []
    for number, variant in enumerate(variants):
        entry: VariantRecord = {
            "name": variant.name,
            "folder": variant.folder if number else "",
            "material": variant.material,
            "colors": dict(variant.colors),
        }
        earlier = known.get(variant.name, cast(VariantRecord, {}))
        if number and all(earlier.get(name) == value for name, value in entry.items()):
            entry = {**earlier, "state": SetState.PARTIAL.value}
        elif number:
            entry["state"] = SetState.PARTIAL.value
        entries.append(entry)
    if entries == record.get("variants", []):
        return
    with folder.change() as changed:
        changed.pop("variants", None)
        if entries:
            changed["variants"] = entries


def prepared_variant(first: SetFolder, plan: SetPlan, variant: Variant) -> tuple[SetFolder, SetPlan]:
    """The set folder of a variant of the set in ``first``, and its plan. Raises InputError when it cannot be written."""
    own = plan_of_variant(plan, variant, first.model)
    refuse_link(first.root / Path(variant.folder).parent)
    refuse_link(own.out)
    record = first.record
    folder = SetFolder.prepare(
        own.out,
        product=own.product,
        source=own.source.record(),
        tool=record["tool"],
        plan=plan_record(own, fal=fal_of(first)),
        may_replace_source=True,
    )
    return folder, own


def share(first: SetFolder, folder: SetFolder, names: Iterable[str]) -> None:
    """Give a variant the cameras of the first for the angles ``names``, and its masks and passes if they are the same.

    They are the same when the materials of both cover the same parts of the picture. Raises InputError when the first
    has no camera for an angle.
    """
    models = (read_gltf(one.model, without_binary=True) for one in (first, folder))
    is_same = len({coverage_of(model) for model in models}) == 1
    record, own = first.record, folder.record
    known = {entry["name"]: entry for entry in own["angles"]}
    given = {entry["name"]: entry for entry in record["angles"]}
    entries = [_shared(first, folder, given.get(name, {}), known.get(name, {}), is_same) for name in names]
    with folder.change() as changed:
        changed["angles"] = cast(list[AngleRecord], entries)
        model = cast(Record, changed["model"])
        model["standing_matrix"] = record["model"]["standing_matrix"]
        changed["model"] = cast(ModelRecord, model)


def _shared(
    first: SetFolder, folder: SetFolder, given: Mapping[str, Any], known: Mapping[str, Any], is_same: bool
) -> Record:
    """The entry of an angle with what the variants have in common."""
    if "camera" not in given or "mask" not in given:
        raise InputError("The first variant is not rendered yet.", hint="Run `resume` with the set folder.")
    entry = {**known, **{name: given[name] for name in ("name", "azimuth", "elevation", "camera")}}
    if not is_same:
        if entry.pop("shared_mask", False):
            for name in ("mask", "fill", "render", *Pass):
                entry.pop(name, None)
        return entry
    paths = [given["mask"], *(given[kind.value]["path"] for kind in Pass if kind.value in given)]
    for path in paths:
        target = folder.root / path
        target.parent.mkdir(exist_ok=True)
        link_to(first.root / path, target)
    shared = {name: given[name] for name in _SHARED if name in given}
    return {**entry, **shared, "mask": given["mask"], "shared_mask": True}


def record_variant(
    first: SetFolder, variant: Variant, folder: SetFolder | None, state: SetState, *, error: str = ""
) -> None:
    """Record in the ``set.json`` of the first variant what another one has. Without a ``folder`` it has nothing."""
    pictures = [
        {"name": entry["name"], "kind": kind, **picture, "path": f"{variant.folder}/{picture['path']}"}
        for entry in (folder.record.get("angles", []) if folder else [])
        for kind, picture in _best(entry)
    ]
    with first.change() as changed:
        entry = cast(Record, next(one for one in changed["variants"] if one["name"] == variant.name))
        entry.pop("error", None)
        entry.update(state=state.value, angles=pictures, **({"error": error} if error else {}))


def _best(entry: AngleRecord) -> list[tuple[str, dict[str, str]]]:
    """The kind and the file of the photo, or of the render if there is none or it is rejected; empty without both."""
    kinds = ("render",) if is_rejected(entry.get("photo")) else ("photo", "render")
    found = [(kind, cast(Record, entry).get(kind) or {}) for kind in kinds]
    files = (
        (kind, {name: str(one[name]) for name in ("path", "sha256") if name in one}) for kind, one in found
    )
    return [(kind, file) for kind, file in files if file.get("path")][:1]
