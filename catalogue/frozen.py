# SPDX-License-Identifier: GPL-3.0-or-later
"""``catalogue.lock.jsonl``: the rows as they were when the catalogue was checked, with the hashes of their files.

Its first line says how all products are made, each other line is a row. All tasks of a farm work by the same lock,
wherever the folder is mounted: paths are relative to it. The key is never in it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..enclosed import is_plain_name, refuse_link
from ..errors import InputError
from ..files import sha256_of, write_atomically
from .rows import Row

NAME = "catalogue.lock.jsonl"
SCHEMA = 1
OWN_NAMES = (NAME, "catalogue.json", "catalogue.csv", "index.html", "overview", ".journal")


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

    ``own``: angles from a file or the product's cameras, and light from a file, in the form of the lock's options.
    """

    row: Row
    folder: str
    files: tuple[FrozenFile, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def is_good(self) -> bool:
        return not self.row.faults


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
    """The lock can no longer be read, and the rows can be frozen anew."""


def read_lock(folder: Path, *, sha256: str = "") -> Lock:
    """The lock in a catalogue's folder. Raises InputError when there is none, or another than ``sha256``.

    Rows name the folders of their sets by a plain name: a lock that names any other place is refused, too.
    """
    _refuse_links(folder)
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"{folder} holds no catalogue: {NAME} is missing.", hint="Run `catalogue` first.")
    if sha256 and sha256_of(path) != sha256.strip().lower():
        raise InputError(
            f"{path} is not the catalogue that this task was made for: its hash differs.",
            hint="Submit the job again.",
        )
    try:
        with path.open(encoding="utf-8") as lines:
            header = json.loads(next(lines, ""))
            if header.get("schema") != SCHEMA:
                raise InputError(f"{path} was made by another version of Photoreal Set.")
            rows = tuple(_read_row(json.loads(line)) for line in lines)
        if len(rows) != header["rows"]:
            raise ValueError(f"{len(rows)} of {header['rows']} rows are there")
        return Lock(catalogue=header["catalogue"], options=header["options"], fal=header["fal"], rows=rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedLockError(
            f"{path} is damaged.",
            hint="Give the `catalogue` command again: it checks the rows anew, and nothing is made or paid twice.",
        ) from error


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


def frozen_path(path: Path, folder: Path) -> str:
    """Relative to the catalogue's folder, so that both can be mounted elsewhere."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()  # On another drive of Windows.


def _record(row: Row) -> dict[str, Any]:
    record = asdict(row)
    record["max_cost"] = None if row.max_cost is None else str(row.max_cost)
    record["sources"], record["faults"] = list(row.sources), list(row.faults)
    return record


def _row_line(frozen: FrozenRow) -> str:
    record = {name: value for name, value in _record(frozen.row).items() if value not in _NOTHING}
    files = [asdict(item) for item in frozen.files]
    own = {"own": frozen.own} if frozen.own else {}
    return _line({**record, **own, "folder": frozen.folder, "files": files, "digest": frozen.digest})


def _read_row(record: dict[str, Any]) -> FrozenRow:
    values = {item.name: record[item.name] for item in fields(Row) if item.name in record}
    for name in ("sources", "faults"):
        values[name] = tuple(values.get(name, ()))
    if "max_cost" in values:
        values["max_cost"] = Decimal(values["max_cost"])
    folder = record["folder"]
    if folder != "" and not is_plain_name(folder):  # A row that repeats a SKU has none.
        raise InputError(
            f"{NAME} has a product in the folder {folder!r}, which is not a folder of this catalogue.",
            hint="Use the catalogue only if you know who made it.",
        )
    return FrozenRow(
        row=Row(**values),
        folder=folder,
        files=tuple(FrozenFile(**item) for item in record["files"]),
        own=record.get("own", {}),
        digest=record["digest"],
    )


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
