# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that photos of an angle are compared with: its render and mask, its surface, and it in other light."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ..imaging.choices import Background
from ..imaging.fidelity import Reference
from .folder import SetFolder
from .set_json import AngleRecord
from .set_json_fidelity import CalibrationRecord

SINGLE = ("depth", "normal", "base_colour")


def needs_calibration(entry: AngleRecord) -> bool:
    """Whether a photo of the angle is going to be checked.

    Photos that a set had before photos were checked stay as they are.
    """
    photo = entry.get("photo", {})
    return "pending" in entry or not photo.get("path") or "fidelity" in photo


def calibration_files(record: CalibrationRecord) -> Iterator[Mapping[str, Any]]:
    """The entries of all its files."""
    files = cast(Mapping[str, Any], record)
    for name in SINGLE:
        yield files.get(name) or {}
    yield from files.get("lights") or []


def reference_for(folder: SetFolder, entry: AngleRecord, background: Background) -> Reference | None:
    """What photos of the angle are compared with, as far as it is in the folder; None without a render or its mask.

    The files of the calibration count only together, because they belong to one camera.
    """
    render, mask = file_in(folder, entry.get("render")), folder.root / entry.get("mask", "")
    if render is None or not mask.is_file():
        return None
    known = entry.get("calibration")
    found = {} if known is None else _surface_and_lights(folder, known)
    shown = Background.WHITE if background is Background.TRANSPARENT else background
    try:
        return Reference.load(render, mask, background=shown, **found)
    except OSError:
        return None


def is_calibrated(folder: SetFolder, entry: AngleRecord) -> bool:
    """Whether every file of the angle's calibration is in the folder."""
    known = entry.get("calibration")
    return known is not None and bool(_surface_and_lights(folder, known))


def reference_digest(entry: AngleRecord) -> str:
    """Changes with every file that ``reference_for`` reads."""
    known = entry.get("calibration")
    files = [] if known is None else list(calibration_files(known))
    hashes = [entry.get("render", {}).get("sha256", ""), *(file.get("sha256", "") for file in files)]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:16]


def _surface_and_lights(folder: SetFolder, known: CalibrationRecord) -> dict[str, Any]:
    files = [file_in(folder, file) for file in calibration_files(known)]
    if any(path is None for path in files):
        return {}
    return {**dict(zip(SINGLE, files, strict=False)), "lights": files[len(SINGLE) :]}


def file_in(folder: SetFolder, entry: Mapping[str, Any] | None) -> Path | None:
    """The file of an entry of ``set.json``; None when there is none in the folder."""
    path = folder.root / str((entry or {}).get("path", ""))
    return path if path.is_file() else None
