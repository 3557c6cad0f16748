# SPDX-License-Identifier: GPL-3.0-or-later
"""``catalogue.lock.jsonl``: the rows as they were when the catalogue was checked, with the hashes of their files.

Its first line says how all products are made, each other line is a row. All tasks of a farm use the same lock,
wherever the folder is mounted: paths are relative to it. The key is never in it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..fal_bridge.network.picture_addresses import is_address
from ..files.enclosed import refuse_link
from ..files.input_files import parsed_json, read_regular
from ..files.names import path_text, same_name
from ..files.values import SHA256, checked_in, empty_or, like, list_of, record_of, text, whole
from ..files.writing import write_atomically
from ..messages.errors import InputError
from ..photo_set.plan_record import MEMBER_RULES, OPTIONS
from .folder_names import folder_name
from .glance import LOCK_NAME as NAME
from .glance import MAX_BYTES
from .rows import MAX_SOURCES, Row, kept_row

SCHEMA = 1
OWN_NAMES = (
    *(NAME, "catalogue.json", "catalogue.csv", "index.html", "overview", ".journal"),
    *("charges.csv", "charges.json"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenFile:
    """A source file. ``size`` (bytes) and ``changed`` (nanoseconds) tell cheaply that it is still the same.

    Of a .gltf all three cover the parts beside it.
    """

    path: str
    sha256: str
    size: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRow:
    """A row with its folder, its files and ``digest``, which changes with anything that decides its pictures.

    ``own``: angles from a file or the product's cameras, light from a file, and variants, in the form of the lock's
    options.
    """

    row: Row
    folder: str
    files: tuple[FrozenFile, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def is_good(self) -> bool:
        return not self.row.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A frozen catalogue. ``fal``: ``fal.ai``, the address of an emulator, or "" when all of it is free."""

    catalogue: str
    options: Mapping[str, Any]
    fal: str
    rows: tuple[FrozenRow, ...]

    def data(self) -> bytes:
        header = {
            "catalogue": self.catalogue,
            "schema": SCHEMA,
            "fal": self.fal,
            "rows": len(self.rows),
            "options": self.options,
        }
        return "".join(f"{line}\n" for line in (_line(header), *map(_row_line, self.rows))).encode()

    def write(self, folder: Path) -> str:
        """The SHA-256 of the file, by which a task knows that it works by the same catalogue.

        Raises InputError when a folder that a catalogue writes to is a link.
        """
        _refuse_links(folder)
        data = self.data()
        path = folder / NAME
        if not path.is_file() or path.read_bytes() != data:
            write_atomically(path, data)
        return hashlib.sha256(data).hexdigest()


class DamagedLockError(InputError):
    """The lock can no longer be used, and the rows can be frozen again."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason,
            hint="Run the `catalogue` command again: it checks the rows again, and nothing is made or paid twice.",
        )


def read_lock(folder: Path, *, sha256: str = "") -> Lock:
    """The lock in a catalogue's folder. Raises InputError when there is none, or another than ``sha256``.

    Rows name the folders of their sets by a plain name: a lock that names any other place is refused, too.
    """
    _refuse_links(folder)
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"{folder} contains no catalogue: {NAME} is missing.", hint="Run `catalogue` first.")
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256.strip().lower():
        raise InputError(
            f"{path} is not the catalogue that this task was made for: its hash differs.",
            hint="Submit the job again.",
        )
    return _read(path, data)


def _read(path: Path, data: bytes) -> Lock:
    """The lock in ``data``. Raises DamagedLockError with the line and the value that no lock has."""
    values = _values_in(path, data)
    if isinstance(values[0], Mapping) and values[0].get("schema", SCHEMA) != SCHEMA:
        raise InputError(f"{path} was made by another version of Photoreal Set.", hint="Use that version.")
    try:
        header = checked_in(f"{path}, line 1", _HEADER, values[0])
        rows = tuple(_frozen_row(value, f"{path}, line {line}") for line, value in enumerate(values[1:], 2))
    except InputError as error:
        raise DamagedLockError(error.message) from error
    if len(rows) != header["rows"]:
        raise DamagedLockError(f"{path} is damaged ({len(rows)} of {header['rows']} rows are there).")
    if shared := _shared_folder(rows):
        raise DamagedLockError(f"{path}: two products have the folder {shared!r}.")
    return Lock(catalogue=header["catalogue"], options=header["options"], fal=header["fal"], rows=rows)


def _values_in(path: Path, data: bytes) -> list[Any]:
    values = []
    for line, content in enumerate(data.splitlines() or [b""], 1):
        try:
            values.append(parsed_json(content))
        except ValueError as error:
            raise DamagedLockError(f"{path} is damaged (line {line}, {error}).") from error
    return values


def _shared_folder(rows: Iterable[FrozenRow]) -> str:
    """A folder that is there twice; "" without any. Two products in one folder would overwrite each other."""
    names: set[str] = set()
    for row in filter(lambda row: row.folder, rows):
        if same_name(row.folder) in names:
            return row.folder
        names.add(same_name(row.folder))
    return ""


def _refuse_links(folder: Path) -> None:
    for name in OWN_NAMES:
        refuse_link(folder / name)


def digest_of(
    row: Row, files: Iterable[FrozenFile], own: Mapping[str, Any], options: Mapping[str, Any]
) -> str:
    """Equal for rows whose pictures would be equal: not for another price limit, name of a file or place."""
    wanted = {
        name: value
        for name, value in _record(row).items()
        if name not in _NOT_IN_PICTURES and value not in _NOTHING and name not in own
    }
    addresses = [text for text in row.sources if text.lower().startswith("http")]
    from_files = dict(own)
    if "rig" in own:
        rig = own["rig"]
        from_files["rig"] = [rig["panorama"]["sha256"], rig["rotation"], rig["intensity"]]
    facts = [wanted, [item.sha256 for item in files], addresses, from_files, options]
    return hashlib.sha256(_line(facts).encode()).hexdigest()[:32]


_NOT_IN_PICTURES = {"number", "line", "sources", "spec", "max_cost", "more", "faults"}
_NOTHING: tuple[Any, ...] = ("", None, [], {})


def _record(row: Row) -> dict[str, Any]:
    record = asdict(row)
    record["max_cost"] = None if row.max_cost is None else str(row.max_cost)
    del record["errors"]
    record["sources"], record["faults"] = list(row.sources), list(row.errors)
    return record


def _row_line(frozen: FrozenRow) -> str:
    record = {name: value for name, value in _record(frozen.row).items() if value not in _NOTHING}
    files = [asdict(item) for item in frozen.files]
    own = {"own": frozen.own} if frozen.own else {}
    return _line({**record, **own, "folder": frozen.folder, "files": files, "digest": frozen.digest})


def _frozen_row(record: Any, where: str) -> FrozenRow:
    """Raises InputError where a value is not one that freezing gives."""
    frozen = checked_in(where, _FROZEN, record)
    of_row = {name: value for name, value in frozen.items() if name not in _OF_FREEZING}
    row = checked_in(where, kept_row, of_row)
    found = FrozenRow(
        row=row,
        folder=frozen["folder"],
        files=tuple(FrozenFile(**item) for item in frozen["files"]),
        own=record.get("own", {}),
        digest=frozen["digest"],
    )
    if found.is_good and not (found.folder and found.digest):
        raise InputError(f"{where} has no folder or no digest.")
    own_files = [text for text in row.sources if not is_address(text)]
    if found.is_good and len(found.files) != len(own_files):
        raise InputError(f"{where} has {len(found.files)} files for {len(own_files)} sources.")
    return found


def _options(value: Any) -> Any:
    """The rule for the lock's options, which stay as they are written: they belong to the digests of rows."""
    OPTIONS(value)
    if missing := {"angles", "rig", "video", "device"} - set(value):
        raise ValueError(f"has no {min(missing)}")
    return value


_HEADER = record_of(
    {
        "catalogue": path_text,
        "schema": whole(0, 1_000_000),
        "fal": text(255),
        "rows": whole(0, MAX_BYTES),
        "options": _options,
    }
)
_FILE = record_of(
    {"path": path_text, "sha256": SHA256, "size": whole(0, 1 << 62), "changed": whole(-(1 << 70), 1 << 70)}
)
_OF_FREEZING = {
    "folder": empty_or(folder_name),
    "files": list_of(_FILE, MAX_SOURCES, name="file"),
    "digest": empty_or(like(r"[0-9a-f]{32}", "a digest")),
    "own": record_of({}, {name: MEMBER_RULES[name] for name in ("angles", "rig", "variant", "variants")}),
}
_FROZEN = record_of(
    {name: rule for name, rule in _OF_FREEZING.items() if name != "own"},
    {"own": _OF_FREEZING["own"]},
    may_have_others=True,
)


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
