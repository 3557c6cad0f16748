# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``set.json`` says about the files of a set that fal.ai still has."""

from dataclasses import replace
from datetime import UTC, datetime

from ..fal_bridge.stored_files import StoredFiles, stored_files
from .folder import SetFolder
from .labels import label_of_variant
from .set_json import FilesAtFal
from .variant_folders import set_journals


def record_files_at_fal(folder: SetFolder) -> list[StoredFiles]:
    """Record what fal.ai still has of a set and of its variants, according to their journals. Raises JournalError."""
    found = []
    for one, journal in set_journals(folder.root).items():
        files = stored_files(journal)
        found += files if one == folder.root else [_of_variant(one.name, item) for item in files]
    if found or "at_fal" in folder.record:
        with folder.change() as record:
            record["at_fal"] = [_entry(files) for files in found]
    return found


def _of_variant(name: str, files: StoredFiles) -> StoredFiles:
    return replace(files, labels=tuple(label_of_variant(name, label) for label in files.labels))


def _entry(files: StoredFiles) -> FilesAtFal:
    entry: FilesAtFal = {
        "kind": "result" if files.request_id else "upload",
        "labels": list(files.labels),
        "files": len(files.urls),
        "until": None
        if files.until is None
        else datetime.fromtimestamp(files.until, UTC).isoformat(timespec="seconds"),
        "readable_by": "anyone" if files.is_public else "key",
    }
    if files.request_id:
        entry["request"] = files.request_id
    return entry
