# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a photo with its render, moves it back where it has only moved, and records what was found.

Its files are ``fidelity/front/ID.json`` with the whole report, ``fidelity/front/ID.jpg`` with what was found drawn into
the photo, and in ``photos/realigned/`` and ``photos/locked/`` the photo after it was moved back and locked.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..imaging.choices import Lock
from ..imaging.compose import png
from ..imaging.fidelity import Reference, Report, Verdict, check_photo, draw_overlay, realign
from ..imaging.fidelity.check import is_in_place
from ..imaging.fidelity.locking import lock_photo
from ..imaging.fidelity.photo import is_other_shape
from ..optics.angles import Angle
from .calibration import is_calibrated, reference_digest, reference_for
from .choices import Fidelity
from .folder import Record
from .results import SetResults

NO_REFERENCE = "The render or its mask is missing, so the photo was not compared with it."
FAILED = (Verdict.RETRY, Verdict.REJECT)
OVERLAY_SIDE, OVERLAY_QUALITY = 1024, 85


@dataclass(frozen=True, slots=True)
class Checked:
    """A photo as the set shows it, the file that others are made from, and what ``set.json`` says of the check."""

    picture: Image.Image
    file: Path
    record: Record

    @property
    def facts(self) -> Record:
        """Members of the photo's entry; none when it was not checked."""
        return {"fidelity": self.record} if self.record else {}


class PhotoCheck:
    """Checks the photos of one set."""

    def __init__(self, results: SetResults) -> None:
        self._plan = results.plan
        self._folder = results.folder
        self._results = results
        self._known: tuple[str, Reference] | None = None  # Two photos of an angle often follow each other.

    def digest(self, angle: Angle) -> str:
        """What a photo of the angle is compared with: another digest, another check."""
        facts = [
            reference_digest(self._results.angle(angle)),
            self._plan.fidelity.value,
            self._plan.lock.value,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    def check(self, angle: Angle, original: Path, request_id: str) -> Checked:
        """Check the photo that was received as ``original``. Raises OSError when something cannot be written."""
        picture = opened(original)
        if not self._plan.checks_photos:
            return Checked(picture, original, {})
        reference = self._reference(angle)
        if reference is None:
            return Checked(picture, original, self._record(angle, Verdict.LOOK, NO_REFERENCE))
        with self._results.activity.doing("comparing photos with their renders"):
            return self._compared(angle, original, picture, reference, request_id)

    def _compared(
        self, angle: Angle, original: Path, picture: Image.Image, reference: Reference, request_id: str
    ) -> Checked:
        report = check_photo(picture, reference)
        file = original
        moved: Record = {}
        if report.verdict is Verdict.REALIGN and self._plan.fidelity is Fidelity.GATE:
            picture = realign(picture, report, background=reference.background)
            again = check_photo(picture, reference)
            moved = self._kept_realigned(original, picture, report, again)
            file, report = self._folder.root / moved["path"], again
        lock: Record = {}
        if self._plan.lock is not Lock.NONE and is_in_place(report):
            picture = locked(picture, reference, self._plan.lock)
            report = check_photo(picture, reference)
            stored = self._folder.store(f"photos/locked/{original.stem}.png", png(picture))
            lock = {**stored, "what": self._plan.lock.value}
            file = self._folder.root / lock["path"]
        record = self._record(angle, report.verdict, report.reason)
        record.update(
            score=round(report.score, 4),
            gates={name: _gate(gate) for name, gate in report.to_json()["gates"].items()},
            is_calibrated=is_calibrated(self._folder, self._results.angle(angle)),
            **({"realigned": moved} if moved else {}),
            **({"locked": lock} if lock else {}),
            **self._kept_evidence(angle, request_id, picture, reference, report),
        )
        return Checked(picture, file, record)

    def has_other_shape(self, angle: Angle, photo: Record) -> bool:
        """Whether a photo differs from its render in aspect ratio."""
        reference = self._reference(angle)
        if reference is None:
            return False
        height, width = reference.render.shape[:2]
        return is_other_shape((photo["width"], photo["height"]), (width, height))

    def _record(self, angle: Angle, verdict: Verdict, reason: str) -> Record:
        if self._plan.fidelity is Fidelity.GATE and verdict is Verdict.REALIGN:
            verdict = Verdict.RETRY  # It was moved back, and is still in another place.
        return {
            "verdict": verdict.value,
            "reason": reason,
            "rejected": self._plan.fidelity is Fidelity.GATE and verdict in FAILED,
            "checked_with": self.digest(angle),
        }

    def _reference(self, angle: Angle) -> Reference | None:
        entry = self._results.angle(angle)
        key = f"{angle.name} {reference_digest(entry)}"
        if self._known is None or self._known[0] != key:
            reference = reference_for(self._folder, entry, self._plan.background)
            if reference is None:
                return None
            self._known = key, reference
        return self._known[1]

    def _kept_realigned(self, original: Path, picture: Image.Image, before: Report, after: Report) -> Record:
        stored = self._folder.store(f"photos/realigned/{original.stem}.png", png(picture))
        facts: Record = {**stored, "width": picture.width, "height": picture.height}
        if before.registration is not None:
            facts["shift"] = [round(value, 6) for value in before.registration.shift]
            facts["scale"] = round(before.registration.scale, 6)
            facts["rotation"] = round(before.registration.rotation, 4)
        if after.registration is not None:
            facts["residual"] = round(after.registration.moved, 6)
        return facts

    def _kept_evidence(
        self, angle: Angle, request_id: str, picture: Image.Image, reference: Reference, report: Report
    ) -> Record:
        """The report and, unless the photo is accepted or cannot be compared, the overlay."""
        place = f"fidelity/{angle.name}/{_name_of(request_id)}"
        text = json.dumps(report.to_json(), indent=1).encode()
        found: Record = {"report": self._folder.store(f"{place}.json", text)}
        if not report.problem and report.verdict is not Verdict.ACCEPT:
            overlay = draw_overlay(picture, reference, report)
            overlay.thumbnail((OVERLAY_SIDE, OVERLAY_SIDE))
            buffer = io.BytesIO()
            overlay.save(buffer, "JPEG", quality=OVERLAY_QUALITY)
            found["overlay"] = self._folder.store(f"{place}.jpg", buffer.getvalue())
        return found


def locked(picture: Image.Image, reference: Reference, what: Lock) -> Image.Image:
    """The photo in the size of its render, with what ``what`` names taken from the render."""
    height, width = reference.render.shape[:2]
    sized = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    depth, normal, base_colour = (
        None if one is None else _sized(one, width, height)
        for one in (reference.depth, reference.normal, reference.base_colour)
    )
    render = np.asarray(Image.fromarray(reference.render).convert("RGB"))
    return Image.fromarray(
        lock_photo(np.asarray(sized), render, reference.mask, depth, normal, base_colour, what)
    )


def _sized(values: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """The nearest values in another size: means of two surfaces would be neither of them."""
    rows = (np.arange(height) + 0.5) * values.shape[0] / height
    columns = (np.arange(width) + 0.5) * values.shape[1] / width
    sized: NDArray[Any] = values[rows.astype(int)][:, columns.astype(int)]
    return sized


def opened(path: Path) -> Image.Image:
    """A photo as it is shown: RGB, or RGBA when it has transparency."""
    with Image.open(path) as original:
        return original.convert("RGBA" if "A" in original.getbands() else "RGB")


def _gate(gate: Mapping[str, Any]) -> Record:
    return {name: gate[name] for name in ("value", "threshold", "confidence", "state")}


def _name_of(request_id: str) -> str:
    """A name for files about the photo of a request: ids come from outside."""
    return hashlib.sha256(request_id.encode()).hexdigest()[:12]
