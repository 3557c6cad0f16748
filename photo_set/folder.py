# SPDX-License-Identifier: GPL-3.0-or-later
"""The set folder: everything about one set, on disk, readable at any time.

``set.json``, its manifest, is authoritative. One ``SetFolder`` object may be used from several threads; every
change replaces the file as a whole.
"""

import contextlib
import copy
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from ..fal_bridge.journal import NAME as JOURNAL
from ..fal_bridge.journal import journal_place
from ..files.enclosed import OutsideError, find_in, is_plain_name, place_in, refuse_links
from ..files.input_files import read_json
from ..files.part_files import is_part, part_for, sweep_tree
from ..files.values import checked_in
from ..files.writing import link_to, link_to_free_name, sha256_of, write_atomically, write_json_atomically
from ..imaging.set_page import build_report
from ..messages.errors import FieldError, InputError
from .set_json import MANIFEST, AngleRecord, Manifest, SourceRecord, Tool
from .set_json_values import SetState as SetState
from .version import VERSION

SCHEMA = 1
TOOL: Tool = {"name": "Photoreal Set", "version": VERSION}
Record = dict[str, Any]  # A part of a manifest while it is put together; ``manifest`` has the types.

# Everything that a set writes. A link among them would make it write or read outside its folder.
OWN_NAMES = (
    *(
        "set.json",
        "index.html",
        "costs.csv",
        "charges.csv",
        "charges.json",
        "source",
        "model",
        "renders",
        "masks",
        "depth",
        "normal",
        "guides",
    ),
    *("photos", "video", "spin", "variants", "export", "fidelity", JOURNAL),
)
PATH_MEMBERS = ("path", "mask", "original")  # Of entries in the manifest: relative to the set folder.
MAX_FILE_BYTES = 1 << 34
# Members that a run takes over from the run before, besides what ``_begun`` names.
KEPT = ("at_fal", "spin", "variants", "video_input", "consistency", "channels")
FROM_JOURNAL = (
    "Restore a copy of it, or run the set's own `set` command again: "
    "it continues from the journal, and nothing is paid twice."
)


class DamagedSetError(InputError):
    """A manifest that cannot be used. ``reason`` says why, when one value is the cause."""

    def __init__(self, folder: "SetFolder", reason: str = "") -> None:
        hint = "Restore a copy of it, or make the set in another folder."
        super().__init__(
            reason or f"{folder.manifest} is damaged.", hint=FROM_JOURNAL if folder.journal.is_dir() else hint
        )


class SetFolder:
    """Paths and the manifest of one set."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.manifest = self.root / "set.json"
        self.report = self.root / "index.html"
        self.journal = journal_place(self.root)
        self.model = self.root / "model" / "product.glb"
        self._lock = threading.Lock()
        self._record: Manifest = cast(Manifest, {})
        self._is_new = False
        self._has_live_page = False

    @classmethod
    def prepare(
        cls,
        root: Path,
        *,
        product: str,
        source: SourceRecord,
        tool: Tool,
        plan: Record | None = None,
        may_replace_source: bool = False,
    ) -> "SetFolder":
        """Make the folder, or continue a set of the same source that is in it, which keeps its product's name.

        ``may_replace_source``: also continue a set of another source or name; a 3D model of another source no longer
        counts then. Raises InputError when the folder cannot be written or holds something else.
        """
        folder = cls(root)
        _require_writable(root)
        folder._refuse_links()
        earlier, is_damaged = folder._read_or_set_aside()
        # With a journal alone, the manifest was lost: what is paid is in the journal.
        folder._is_new = not earlier and not is_damaged and not folder.journal.is_dir()
        if folder._is_new and _holds_something_else(root):
            raise FieldError(
                "out", f"{root} is not empty and contains no set.", hint="Choose an empty or new folder."
            )
        if earlier and earlier.get("source") != source:
            if not may_replace_source:
                raise FieldError(
                    "out",
                    f"{root} contains a set made from another source ({earlier.get('product', 'unknown')}).",
                    hint="Choose another folder.",
                )
            earlier["model"] = {}
        # In a catalogue it is the SKU, which a run of the set alone does not know.
        name = product if may_replace_source else earlier.get("product") or product
        sweep_tree(root)  # Half-written files of a run that was killed.
        folder._record = _begun(earlier, product=name, source=source, tool=tool, plan=plan)
        folder._write()
        return folder

    def _read_or_set_aside(self) -> tuple[Record, bool]:
        """The manifest, empty when there is none; and whether a damaged one was renamed.

        With a journal a set can be continued without its manifest: the journal knows what is paid, and the rest can be
        made again. Raises DamagedSetError when there is no journal either.
        """
        try:
            return self._read_earlier(), False
        except DamagedSetError:
            if not self.journal.is_dir():
                raise
            self.manifest.replace(self.manifest.with_name("set.damaged.json"))
            return {}, True

    def discard(self) -> None:
        """Remove what a run that could not begin has written, unless there was a set before or something is paid."""
        if not self._is_new or self.journal.exists():
            return
        for name in ("model", "source"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for path in (self.manifest, self.report):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # It stays when something else is in it.
            self.root.rmdir()

    @classmethod
    def open(cls, root: Path) -> "SetFolder":
        """An existing set. Raises InputError when there is none, or when it refers to files outside its folder."""
        folder = cls(root)
        folder._refuse_links()
        record = folder._read_earlier()
        if not record:
            raise InputError(
                f"{root} contains no set: set.json is missing.",
                hint=FROM_JOURNAL if folder.journal.is_dir() else "Name a folder made by `set`.",
            )
        folder._record = cast(Manifest, record)
        return folder

    @property
    def record(self) -> Manifest:
        """A copy of the current manifest."""
        with self._lock:
            return copy.deepcopy(self._record)

    @contextlib.contextmanager
    def change(self) -> Iterator[Manifest]:
        """Change the manifest and write it; when the change raises, nothing is written."""
        with self._lock:
            changed = copy.deepcopy(self._record)
            yield changed
            write_json_atomically(self.manifest, changed)
            self._record = changed
            if self._has_live_page:
                self._write_page()

    def relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def has(self, entry: Mapping[str, Any] | None, **wanted: Any) -> bool:
        """Whether the file of a manifest entry exists, is unchanged, and was made with the ``wanted`` values."""
        if not entry or any(entry.get(name) != value for name, value in wanted.items()):
            return False
        path = find_in(self.root, entry.get("path") or "", str(self.manifest), max_bytes=MAX_FILE_BYTES)
        return path is not None and sha256_of(path) == entry.get("sha256")

    def store(self, relative: str, data: bytes) -> Record:
        """Write a file of the set; its ``path`` and ``sha256`` for the manifest.

        Raises OutsideError when ``relative`` leads out of the folder.
        """
        place_in(self.root, relative, str(self.manifest))
        path = self.root / relative
        write_atomically(path, data)
        return self.entry(path)

    def set_model(self, path: Path) -> None:
        """Make the 3D file ``path`` the model of the set; an existing one with other content is renamed."""
        if path == self.model:
            return
        if self.model.is_file() and sha256_of(self.model) != sha256_of(path):
            link_to_free_name(self.model, self.model.with_name(f"{self.model.stem}-1{self.model.suffix}"))
        link_to(path, self.model)

    def start_page(self) -> None:
        """Keep the page up to date with each change from now on, until ``write_page``; it reloads in the browser."""
        with self._lock:
            self._has_live_page = True
            self._write_page()

    def write_page(self) -> None:
        """Write the page of what is in the folder now."""
        with self._lock:
            self._has_live_page = False
            self._write_page()

    def _write_page(self) -> None:
        page = build_report(self._record, is_being_made=self._has_live_page)
        write_atomically(self.report, page.encode())

    def entry(self, path: Path) -> Record:
        """``path`` and ``sha256`` of an existing file."""
        return {"path": self.relative(path), "sha256": sha256_of(path)}

    def _write(self) -> None:
        write_json_atomically(self.manifest, self._record)

    def _read_earlier(self) -> Record:
        if not self.manifest.is_file():
            return {}
        try:
            record = read_json(self.manifest)
        except OSError as error:
            raise InputError(f"{self.manifest} cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise DamagedSetError(self, f"{self.manifest} is damaged ({error}).") from error
        if not isinstance(record, dict) or "schema" not in record:
            raise DamagedSetError(self)
        if record["schema"] != SCHEMA:
            raise InputError(
                f"{self.manifest} was written by another version of Photoreal Set.",
                hint="Use that version, or choose another folder.",
            )
        self._check_paths(record)
        try:
            checked_in(self.manifest, MANIFEST, record)
        except InputError as error:
            raise DamagedSetError(self, error.message) from error
        return record

    def _refuse_links(self) -> None:
        refuse_links(self.root / name for name in OWN_NAMES)

    def _check_paths(self, record: Record) -> None:
        """Raises InputError when a manifest names a file outside the folder.

        The plan is not checked: it names the user's original files, which are used only with the recorded content.
        """
        waiting: list[Any] = [value for name, value in record.items() if name != "plan"]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                for member in PATH_MEMBERS:
                    self._check_path(value.get(member))
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value
        source = record.get("source")
        files = source.get("files", []) if isinstance(source, dict) else []
        for entry in files if isinstance(files, list) else []:
            name = entry.get("name") if isinstance(entry, dict) else entry
            if not is_plain_name(name):
                raise InputError(f"{self.manifest} names a source {name!r}, which is not the name of a file.")

    def _check_path(self, name: Any) -> None:
        if name is None or isinstance(name, dict):  # An entry, which is checked separately.
            return
        if not isinstance(name, str):
            raise InputError(f"{self.manifest} names {name!r}, which is not the path of a file.")
        try:
            place_in(self.root, name, str(self.manifest))
        except OutsideError as error:
            raise OutsideError(error.message, hint="Use the folder only if you know who made it.") from error


def _begun(
    earlier: Record, *, product: str, source: SourceRecord, tool: Tool, plan: Record | None
) -> Manifest:
    """The manifest of a run that begins, with what ``earlier`` runs have made."""
    cost = {"estimate": {"min": 0.0, "max": 0.0}, "actual": 0.0, "currency": "USD"}
    record: Record = {
        "schema": SCHEMA,
        "product": product,
        "created": earlier.get("created") or datetime.now(UTC).isoformat(timespec="seconds"),
        "tool": tool,
        "state": SetState.PARTIAL.value,
        "source": source,
        "plan": plan,
        "model": earlier.get("model", {}),
        "angles": earlier.get("angles", []),
        "videos": earlier.get("videos", []),
        "takes": earlier.get("takes", {}),
        "cost": earlier.get("cost", cost),
    }
    # A video that is made from another rendering of ``video_input`` would be paid again.
    record |= {name: earlier[name] for name in KEPT if name in earlier}
    return cast(Manifest, record)


def angle_record(record: Manifest, name: str) -> AngleRecord:
    """The entry of an angle in a manifest being changed; added when it is missing."""
    for known in record["angles"]:
        if known["name"] == name:
            return known
    entry: AngleRecord = {"name": name}
    record["angles"].append(entry)
    return entry


def check_place(root: Path) -> None:
    """Raises InputError when no folder can be made at ``root``. Does not make it."""
    try:
        nearest = next(place for place in (root.absolute(), *root.absolute().parents) if place.exists())
    except OSError as error:
        raise _unwritable(root, error.strerror or str(error)) from error
    if not nearest.is_dir():
        raise _unwritable(root, f"{nearest} is a file")
    if not os.access(nearest, os.W_OK):
        raise _unwritable(root, f"{nearest} is read-only")


def _holds_something_else(root: Path) -> bool:
    """Whether there is more than a journal, and half-written files of a run that was killed at its start."""
    return any(item.name != JOURNAL and not is_part(item.name) for item in root.iterdir())


def _require_writable(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = part_for(root / "write-test")
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _unwritable(root, error.strerror or str(error)) from error


def _unwritable(root: Path, reason: str) -> InputError:
    return InputError(
        f"The output folder {root} cannot be written ({reason}).", hint="Choose another folder."
    )
