# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes of a set: every photo, video and concept picture that was made for it, and which one is chosen.

The chosen take has the plain name (``photos/front.png``); the others are next to it with their number
(``photos/front.2.png``). ``set.json`` lists them with what made them::

    "takes": {"photos": {"front": {"chosen": 2, "wanted": "…", "list": [{"take": 1, "path": "…", …}, …]}}}

``wanted`` is the identity of the take that the plan asks for: its request id or, for a free one by Cycles, the digest
of everything that decides how it looks. As long as the plan asks for the same take, the user's choice is kept.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from ..files.kinds import kind_of
from ..files.writing import link_to, link_to_free_name, sha256_of, write_atomically
from ..imaging.provenance import Provenance
from ..messages.errors import InputError
from .folder import Record, SetFolder, angle_record
from .provenance import finished, provenance_of
from .set_json import MadeRecord, Manifest, VideoRecord

Content = bytes | Path  # The content of a file of a take, or a file with that content.

COUNTERS = (
    "takes",
    "pending",
    "start_take",
    "photo_takes",
)  # Members of a video's entry that belong to no take.
PREVIEW = "preview"  # The member of a video's take for its animated preview.
WITH_ALPHA = "with_alpha"  # That for the video with an alpha channel.
PRORES = "prores"  # That for the same video for video editors.


class Shelf(StrEnum):
    """The sorts of takes; the value is the name of the list in ``set.json``."""

    PHOTOS = "photos"
    VIDEOS = "videos"
    CONCEPTS = "concepts"


CONCEPT = "concept"  # The only name on its shelf.
FOLDERS: Mapping[Shelf, str] = {Shelf.PHOTOS: "photos", Shelf.VIDEOS: "video", Shelf.CONCEPTS: "source"}


def identity_of(take: Mapping[str, Any]) -> str:
    """What identifies a take: its paid request, what it was rendered with, or its content."""
    return str(take.get("request_id") or take.get("made_with") or take.get("sha256", ""))


def takes_in(record: Manifest | Record, shelf: Shelf, name: str) -> list[Record]:
    """The takes of a manifest, oldest first; for a set without a list, the one that it shows."""
    return cast(list[Record], _slot(cast(Manifest, record), shelf, name)["list"])


def chosen_number(record: Manifest, shelf: Shelf, name: str) -> int:
    """The number of the chosen take; 0 when there is none."""
    return int(_slot(record, shelf, name)["chosen"])


def own_file(path: Path, number: int) -> Path:
    """A file with the content of ``path``, a file of take ``number``, that no other take replaces. Raises OSError."""
    return path if _is_numbered(path) else link_to_free_name(path, _numbered(path, number))


class Takes:
    """The takes of one set folder. Safe from several threads, as the folder is."""

    def __init__(self, folder: SetFolder) -> None:
        self._folder = folder

    def want(self, shelf: Shelf, name: str, identity: str, *, shown: str = "") -> Record | None:
        """The take with this identity, when it is on disk: it is what the plan asks for.

        It becomes the chosen one, unless the plan has asked for it before and the user has chosen another.
        ``shown``: the identity of a better take that becomes the chosen one in its place.
        """
        with self._folder.change() as record:
            slot = _slot(record, shelf, name)
            take = self._on_disk(slot, identity)
            if take is None:
                return None
            chosen = _numbered_take(slot, slot["chosen"])
            is_settled = slot["wanted"] == identity and chosen is not None and self._file(chosen) is not None
            slot["wanted"] = identity
            better = self._on_disk(slot, shown) or take
            self._put_forward(record, shelf, name, chosen if is_settled and chosen else better)
            return take

    def add(
        self,
        shelf: Shelf,
        name: str,
        facts: Record,
        files: Mapping[str, Content],
        *,
        is_wanted: bool = True,
        shown: str = "",
    ) -> Record:
        """Keep a take. ``files``: its content by member, "" for the take itself; ``facts`` say what made it.

        It replaces an earlier take with the same identity, whose file was lost or changed.
        ``is_wanted``: the plan asks for it, so it is chosen. Otherwise it is chosen only when there is no other.
        ``shown``: the identity of a better take that is chosen in its place.
        """
        with self._folder.change() as record:
            slot = _slot(record, shelf, name)
            provenance = provenance_of(record, facts)
            take: Record = {
                **facts,
                "source_type": provenance.source_type.value,
                "take": _number_for(slot, identity_of(facts)),
            }
            better = self._on_disk(slot, shown)
            is_chosen = (is_wanted and better is None) or not slot["chosen"]
            vacated = self._make_room(slot) if is_chosen else []
            for member, content in files.items():
                plain = self._folder.root / FOLDERS[shelf] / f"{name}{_suffix(content)}"
                place = plain if is_chosen else _numbered(plain, take["take"])
                _part(take, member).update(self._kept(_stamped(content, place, provenance), place, slot))
            slot["list"] = _listed(slot, take)
            if is_wanted:
                slot["wanted"] = identity_of(take)
            if is_chosen:
                self._show(record, shelf, name, take, vacated)
            elif is_wanted and better is not None:
                self._put_forward(record, shelf, name, better)
            return take

    def renew(
        self,
        shelf: Shelf,
        name: str,
        identity: str,
        facts: Record,
        content: bytes | None = None,
        *,
        without: Collection[str] = (),
    ) -> None:
        """Add facts to a take, or remove those in ``without``, and replace its picture after an enlargement."""
        with self._folder.change() as record:
            slot = _slot(record, shelf, name)
            take = next(one for one in slot["list"] if identity_of(one) == identity)
            take.update(facts)
            for key in without:
                take.pop(key, None)
            if content is not None:
                path, provenance = self._folder.root / take["path"], provenance_of(record, take)
                take["source_type"] = provenance.source_type.value
                write_atomically(path, finished(content, provenance, path.name))
                take.update(self._folder.entry(path))
            if slot["chosen"] == take["take"]:
                _publish(record, shelf, name, take)

    def found(self, shelf: Shelf, name: str, identity: str) -> Record | None:
        """The take with this identity, when it is on disk."""
        return self._on_disk(_slot(self._folder.record, shelf, name), identity)

    def wanted(self, shelf: Shelf, name: str) -> Record | None:
        """The take that the plan asked for last, when it is on disk; the user may have chosen another."""
        slot = _slot(self._folder.record, shelf, name)
        return self._on_disk(slot, slot["wanted"])

    def chosen(self, shelf: Shelf, name: str) -> Record:
        """The chosen take. Raises InputError when there is none."""
        slot = _slot(self._folder.record, shelf, name)
        take = _numbered_take(slot, slot["chosen"])
        if take is None:
            raise InputError(f"{name} has no take.")
        return take

    def knows(self, shelf: Shelf, name: str, identity: str) -> bool:
        """Whether a take with this identity is listed."""
        return any(identity_of(one) == identity for one in takes_in(self._folder.record, shelf, name))

    def check(self, shelf: Shelf, name: str, number: int) -> Record:
        """The take with this number. Raises InputError when there is none, or its file is gone."""
        return self._checked(_slot(self._folder.record, shelf, name), name, number)

    def choose(self, shelf: Shelf, name: str, number: int) -> None:
        """Make a take the chosen one. Raises InputError as ``check`` does."""
        with self._folder.change() as record:
            self._put_forward(record, shelf, name, self._checked(_slot(record, shelf, name), name, number))

    def _checked(self, slot: Record, name: str, number: int) -> Record:
        take = _numbered_take(slot, number)
        if take is None:
            known = ", ".join(str(one["take"]) for one in slot["list"]) or "none"
            raise InputError(f"{name} has no take {number}.", hint=f"It has: {known}.")
        if self._file(take) is None:
            raise InputError(
                f"The file of take {number} of {name} is missing or was changed: {take['path']}.",
                hint="Put it back, or choose another take.",
            )
        return take

    def retire_all(self, record: Manifest) -> None:
        """In a manifest being changed: choose no take any more, because the product has changed."""
        for shelf in (Shelf.PHOTOS, Shelf.VIDEOS):
            for name in _names(record, shelf):
                slot = _slot(record, shelf, name)
                for plain in self._make_room(slot):
                    plain.unlink()
                slot.update(chosen=0, wanted="")

    def _put_forward(self, record: Manifest, shelf: Shelf, name: str, take: Record) -> None:
        """Give a take on disk the plain name."""
        slot = _slot(record, shelf, name)
        vacated = self._make_room(slot) if slot["chosen"] != take["take"] else []
        for member in _members(take):
            part = _part(take, member)
            if (source := self._file(part)) is None:
                continue
            plain = self._folder.root / FOLDERS[shelf] / f"{name}{source.suffix}"
            part.update(self._kept(source, plain, slot))
        self._show(record, shelf, name, take, vacated)

    def _show(self, record: Manifest, shelf: Shelf, name: str, take: Record, vacated: list[Path]) -> None:
        """Make the set show a take; plain names that it has no file for are removed."""
        _slot(record, shelf, name)["chosen"] = take["take"]
        used = {self._folder.root / str(_part(take, member)["path"]) for member in _members(take)}
        for plain in vacated:
            if plain not in used:
                plain.unlink(missing_ok=True)
        _publish(record, shelf, name, take)

    def _make_room(self, slot: Record) -> list[Path]:
        """Give the files of the chosen take a numbered name, so that another take can have the plain ones; gives those."""
        take, plain_names = _numbered_take(slot, slot["chosen"]), []
        for part in [_part(take, member) for member in _members(take)] if take else []:
            path = self._folder.root / part["path"]
            if not _is_numbered(path) and path.is_file() and sha256_of(path) == part.get("sha256"):
                own = link_to_free_name(path, _numbered(path, take["take"] if take else 0))
                part["path"] = self._folder.relative(own)
                plain_names.append(path)
        return plain_names

    def _on_disk(self, slot: Record, identity: str) -> Record | None:
        """The take of a slot with this identity, unless its file is missing or was changed."""
        found = (one for one in slot["list"] if identity_of(one) == identity)
        return next((one for one in found if self._file(one) is not None), None)

    def _file(self, part: Record) -> Path | None:
        """The unchanged file of a take; None when there is none."""
        path = self._folder.root / str(part.get("path", ""))
        for place in (path, _numbered(path, part["take"])) if "take" in part else (path,):
            if place.is_file() and sha256_of(place) == part.get("sha256"):
                return place
        return None

    def _kept(self, content: Content, place: Path, slot: Record) -> Record:
        """Write ``content`` to ``place``; gives its ``path`` and ``sha256``. A file there that is not a take is renamed."""
        if content != place:
            if place.is_file() and sha256_of(place) not in _hashes(slot):
                link_to_free_name(place, place.with_name(f"{place.stem}.changed{place.suffix}"))
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                link_to(content, place)
            else:
                write_atomically(place, content)
        return self._folder.entry(place)


def _stamped(content: Content, place: Path, provenance: Provenance) -> Content:
    """The content as it is written. A file that lies in the same folder was written by an earlier run and stays."""
    if isinstance(content, Path):
        if content.parent == place.parent:
            return content
        content = content.read_bytes()
    return finished(content, provenance, place.name)


def _suffix(content: Content) -> str:
    if isinstance(content, Path):
        return content.suffix
    return f".{kind_of(content)}"


def _number_for(slot: Record, identity: str) -> int:
    """The number of the take with this identity, or the next free one."""
    same = (int(one["take"]) for one in slot["list"] if identity_of(one) == identity)
    return next(same, max((int(one["take"]) for one in slot["list"]), default=0) + 1)


def _listed(slot: Record, take: Record) -> list[Record]:
    """The takes of a slot with this one in its place, oldest first."""
    others = [one for one in slot["list"] if one["take"] != take["take"]]
    return sorted([*others, take], key=lambda one: int(one["take"]))


def _hashes(slot: Record) -> set[str]:
    """The hashes of all files of all takes."""
    parts = (_part(take, member) for take in slot["list"] for member in _members(take))
    return {str(part.get("sha256", "")) for part in parts}


def _slot(record: Manifest, shelf: Shelf, name: str) -> Record:
    """The takes of a name; when they are missing, made from what the set shows."""
    shelves = cast(dict[str, dict[str, Record]], record.setdefault("takes", {}))
    names = shelves.setdefault(shelf.value, {})
    if name not in names:
        shown = _shown(record, shelf, name)
        has_file = bool(shown.get("path"))
        names[name] = {
            "chosen": 1 if has_file else 0,
            "wanted": identity_of(shown) if has_file else "",
            "list": [{**shown, "take": 1}] if has_file else [],
        }
    return names[name]


def _names(record: Manifest, shelf: Shelf) -> list[str]:
    """Every name that has takes, including those not listed yet."""
    listed = list(cast(dict[str, Record], record.get("takes", {})).get(shelf.value, {}))
    if shelf is Shelf.PHOTOS:
        shown = [entry["name"] for entry in record["angles"]]
    else:
        shown = [entry["motion"] for entry in record["videos"]]
    return list(dict.fromkeys([*listed, *shown]))


def _shown(record: Manifest, shelf: Shelf, name: str) -> Record:
    """What the set shows for a name, without its counters."""
    if shelf is Shelf.PHOTOS:
        angle: Mapping[str, Any] = next((one for one in record["angles"] if one["name"] == name), {})
        shown: Mapping[str, Any] = angle.get("photo") or {}
    elif shelf is Shelf.VIDEOS:
        shown = next((one for one in record["videos"] if one["motion"] == name), {})
    else:
        shown = record["model"].get("concept") or {}
    return {key: value for key, value in shown.items() if key not in COUNTERS}


def _publish(record: Manifest, shelf: Shelf, name: str, take: Record) -> None:
    """Make the set show a take."""
    if shelf is Shelf.PHOTOS:
        angle_record(record, name)["photo"] = cast(MadeRecord, {**take, "state": "done"})
    elif shelf is Shelf.VIDEOS:
        former: Mapping[str, Any] = next((one for one in record["videos"] if one["motion"] == name), {})
        others = [one for one in record["videos"] if one["motion"] != name]
        counters = {key: former[key] for key in COUNTERS if key in former}
        shown: Record = {**counters, **take, "motion": name, "state": "done"}
        record["videos"] = [*others, cast(VideoRecord, shown)]


def _numbered_take(slot: Record, number: int) -> Record | None:
    return next((one for one in slot["list"] if one["take"] == number), None)


def _members(take: Record) -> Iterator[str]:
    yield ""
    yield from (member for member in (PREVIEW, WITH_ALPHA, PRORES) if isinstance(take.get(member), dict))


def _part(take: Record, member: str) -> Record:
    """The file entry of a take: itself, or a member of it."""
    return take if not member else cast(Record, take.setdefault(member, {}))


def _numbered(path: Path, number: int) -> Path:
    """``front.2.png`` for ``front.png``; names of angles and motions have no dot."""
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def _is_numbered(path: Path) -> bool:
    return "." in path.stem
