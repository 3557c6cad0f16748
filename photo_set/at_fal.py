# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``set.json`` says about the files of a set that fal.ai still has."""

from datetime import UTC, datetime

from ..fal_bridge.stored_files import StoredFiles
from .set_json import FilesAtFal


def at_fal(files: StoredFiles) -> FilesAtFal:
    """The entry for the results of a request, or for an uploaded picture."""
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
