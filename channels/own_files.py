# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in a folder that exports have written, so that others are neither replaced nor removed.

``export.json`` there lists them. Until an export ends, a second file says what it is about to write.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files.enclosed import refuse_link
from ..files.input_files import parsed_json, read_json
from ..files.names import component
from ..files.writing import sha256_of, write_atomically, write_json_atomically
from ..messages.errors import InputError

MANIFEST = "export.json"
UNFINISHED = (
    "export.unfinished.jsonl"  # What an export that has not ended is about to write, a line for each file.
)


class OwnFiles:
    """The folder of an export. ``write`` files, then ``finish``. Raises InputError for a list that cannot be read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        refuse_link(root)
        self._earlier = listed_files(root)

    def is_own(self, name: str) -> bool:
        """Whether an earlier export wrote the file, and nothing has changed it since."""
        known, path = self._earlier.get(name, {}), self.root / name
        return bool(known) and path.is_file() and sha256_of(path) == known.get("sha256")

    def is_current(self, name: str, digest: str) -> bool:
        """Whether it was also made with ``digest``, so that it need not be written again."""
        return self.is_own(name) and self._earlier[name].get("made_with") == digest

    def earlier(self, name: str) -> Mapping[str, Any]:
        """What the list of earlier exports says about a file."""
        return self._earlier.get(name, {})

    def made_for(self, sku: str) -> dict[str, dict[str, Any]]:
        """The files that earlier exports wrote for a product and that are there unchanged."""
        return {
            name: one for name, one in self._earlier.items() if one.get("sku") == sku and self.is_own(name)
        }

    def refuse_foreign(self, name: str) -> None:
        """Raises InputError when the file exists and is not our own."""
        path = self.root / name
        if path.exists() and not self.is_own(name):
            raise InputError(
                f"{path} was not written by an export, or was changed since.",
                hint="Move it away, or choose other names with --name.",
            )

    def write(self, name: str, data: bytes) -> None:
        """Write a file. If the export is killed, the next one knows that it is its own. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"file": name, "sha256": hashlib.sha256(data).hexdigest()})
        with (self.root / UNFINISHED).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
        write_atomically(self.root / name, data)

    def finish(self, kind: str, records: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Remove what earlier exports wrote and ``records`` does not have, and write the list; the names removed.

        ``kind`` is the channel or the format.
        """
        removed = [name for name in self._earlier if name not in records and self.is_own(name)]
        for name in removed:
            (self.root / name).unlink()
        self.root.mkdir(parents=True, exist_ok=True)
        write_json_atomically(self.root / MANIFEST, {"schema": 1, "channel": kind, "files": records})
        (self.root / UNFINISHED).unlink(missing_ok=True)
        return removed


def listed_files(root: Path) -> dict[str, dict[str, Any]]:
    """The files of earlier exports, also of one that was killed. Raises InputError for a list that cannot be read."""
    for name in (MANIFEST, UNFINISHED):
        refuse_link(root / name)
    return _listed(root) | _unfinished(root)


def _unfinished(root: Path) -> dict[str, dict[str, Any]]:
    """What a killed export wrote. A line that is cut off, and one about a file that is not there, say nothing."""
    found: dict[str, dict[str, Any]] = {}
    path = root / UNFINISHED
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            entry = dict(parsed_json(line.encode()))
            place = root / component(entry["file"])
        except (ValueError, KeyError, TypeError):
            continue
        if place.is_file() and sha256_of(place) == entry.get("sha256"):
            found[place.name] = {"sha256": entry["sha256"]}
    return found


def _listed(root: Path) -> dict[str, dict[str, Any]]:
    path = root / MANIFEST
    if not path.is_file():
        return {}
    try:
        record = read_json(path)
        files = record["files"]
        return {component(name): dict(entry) for name, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged ({error}).", hint="Move the folder away and export again."
        ) from error
