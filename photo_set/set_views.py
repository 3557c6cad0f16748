# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos of a set as they are compared with each other: small, with the places of the surface that they show."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..imaging.fidelity import Report
from ..imaging.fidelity.consistency import Drift, SetView, score_set, surface_points
from ..imaging.fidelity.reference import depth_from
from ..messages import events
from ..optics.framing import framing_from
from .calibration import file_in
from .choices import Engine
from .folder import SetFolder
from .rejection import is_rejected

Array = NDArray[Any]
SIDE = 320  # Pixels along the longer side: a photo is compared as a whole.

log = logging.getLogger(__name__)


def compared_in(folder: SetFolder) -> dict[str, Mapping[str, Any]]:
    """The entries of the angles whose photos can be compared with each other, by name.

    Their photos were made by an image model, compared with their renders, and are not held back.
    """
    return {
        entry["name"]: entry
        for entry in folder.record["angles"]
        if _is_compared(entry.get("photo") or {})
        and file_in(folder, entry.get("photo"))
        and file_in(folder, entry.get("render"))
        and (folder.root / str(entry.get("mask", ""))).is_file()
    }


def _is_compared(photo: Mapping[str, Any]) -> bool:
    return bool(photo.get("engine") == Engine.FAL and photo.get("fidelity") and not is_rejected(photo))


def drifts_of(
    folder: SetFolder,
    entries: Mapping[str, Mapping[str, Any]],
    pictures: Mapping[str, Path | Image.Image],
    hero: str,
) -> dict[str, Drift]:
    """How far each picture is from the middle of all, by angle; without a file that cannot be read.

    ``hero``: the name of the hero's angle.
    """
    views = [view_of(folder, entries[name], picture) for name, picture in pictures.items()]
    seen = [view for view in views if view is not None]
    return {drift.name: drift for drift in score_set(seen, hero)}


def drift_event(
    name: str, drift: Drift, *, sku: str | None = None, score: float | None = None, is_matched: bool = False
) -> events.Drift:
    """The drift of an angle, for programs. ``score``: what remains after it was matched."""
    return events.Drift(
        sku=sku,
        angle=name,
        reason=drift.reason,
        matched=is_matched,
        score=round(drift.score if score is None else score, 4),
        kelvin=round(drift.kelvin, 1),
        exposure=round(drift.exposure, 4),
        fill=round(drift.fill, 5),
    )


def view_of(folder: SetFolder, entry: Mapping[str, Any], picture: Path | Image.Image) -> SetView | None:
    """The view of an angle with ``picture`` as its photo; None when a file cannot be read."""
    try:
        with Image.open(folder.root / entry["render"]["path"]) as render:
            size = _small(render.size)
            sized = _pixels(render, size)
        with Image.open(folder.root / entry["mask"]) as coverage:
            mask = np.asarray(coverage.convert("L").resize(size, Image.Resampling.BOX))
        if isinstance(picture, Path):
            with Image.open(picture) as photo:
                shown = _pixels(photo, size)
        else:
            shown = _pixels(picture, size)
        points = _points(folder, entry, size)
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        log.warning("%s cannot be compared with its set: %s", entry.get("name"), error)
        return None
    return SetView(str(entry["name"]), shown, sized, mask, points, _scale(folder, entry))


def _small(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, SIDE / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _pixels(picture: Image.Image, size: tuple[int, int]) -> Array:
    return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX))


def _points(folder: SetFolder, entry: Mapping[str, Any], size: tuple[int, int]) -> Array | None:
    """Places of the surface, (h, w, 3); None when the depth or the camera of the angle is not known."""
    depth = (entry.get("calibration") or {}).get("depth") or entry.get("depth") or {}
    path = file_in(folder, depth)
    if path is None or "camera" not in entry or "near" not in depth or "far" not in depth:
        return None
    with Image.open(path) as picture:
        # Nearest values: means of two surfaces would be places on neither.
        values = np.asarray(picture.resize(size, Image.Resampling.NEAREST))
    distance = depth["near"] + depth_from(values) * (depth["far"] - depth["near"])
    framing = framing_from(entry["camera"])
    return surface_points(
        distance, framing.matrix, framing.half, shift=framing.shift, is_flat=bool(framing.ortho_scale)
    )


def _scale(folder: SetFolder, entry: Mapping[str, Any]) -> float:
    """The size of the product in the photo, in that of the render, as the check has measured it."""
    path = file_in(folder, ((entry.get("photo") or {}).get("fidelity") or {}).get("report"))
    if path is None:
        return 1.0
    try:
        registration = Report.from_json(json.loads(path.read_text(encoding="utf-8"))).registration
    except (OSError, ValueError):
        return 1.0
    usable = registration is not None and registration.is_found and registration.scale > 0.0
    return registration.scale if registration is not None and usable else 1.0
