# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the photos and videos that are in set folders with their renders. Changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.values import checked_in, member_of
from ..imaging.choices import Background
from ..imaging.fidelity import Report, Verdict, check_photo
from ..imaging.fidelity.consistency import Drift
from ..messages.errors import InputError
from ..optics.angles import hero_of
from .calibration import reference_for
from .choices import Engine
from .folder import SetFolder
from .lost_files import Lost, lost_file
from .photo_check import FAILED, NO_REFERENCE
from .plan_record import angles_planned
from .rejection import verdict_of
from .set_views import compared_in, drifts_of
from .variant_folders import variants_in
from .video_identity import Pictures, compared

NO_DECODER: Mapping[str, str] = {
    "verdict": Verdict.LOOK.value,
    "reason": "The video was not compared, because neither PyAV nor Blender can be started here to decode it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the check says about the photo that a set shows for an angle. ``report`` is None without a reference.

    ``is_accepted``: a person has accepted it in spite of its verdict. ``lost``: its file is missing.
    """

    folder: Path
    product: str
    angle: str
    photo: Path
    verdict: Verdict
    reason: str
    request_id: str
    is_accepted: bool
    report: Report | None
    lost: Lost | None = None

    @property
    def is_rejected(self) -> bool:
        return self.verdict in FAILED and not self.is_accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFinding:
    """What the comparison says about a video that a set shows. ``is_accepted``, ``lost``: as those of ``Finding``."""

    folder: Path
    product: str
    motion: str
    verdict: Verdict
    reason: str
    request_id: str
    is_accepted: bool
    lost: Lost | None = None

    @property
    def is_rejected(self) -> bool:
        return self.verdict in FAILED and not self.is_accepted


def sets_in(root: Path) -> list[Path]:
    """The set in the folder, or the sets in the folders below it, as in a catalogue, each followed by its other variants.

    Raises InputError without any set. The variants of a set that cannot be read are left out.
    """
    if (root / "set.json").is_file():
        return _with_variants(root)
    found = sorted(path.parent for path in root.glob("*/set.json"))
    if not found:
        raise InputError(
            f"{root} contains no set: set.json is missing.", hint="Name the folder of a set or a catalogue."
        )
    return [one for first in found for one in _with_variants(first)]


def _with_variants(root: Path) -> list[Path]:
    try:
        others = [one.folder for one in variants_in(SetFolder.open(root)) if not one.is_first]
    except InputError:  # Reported when the set itself is checked.
        return [root]
    return [root, *(folder for folder in others if (folder / "set.json").is_file())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Whether the photos of a set belong together: those that can be compared with each other, by angle."""

    product: str
    drifts: Mapping[str, Drift]

    @property
    def score(self) -> float:
        """That of the angle that is farthest from the middle of the set; above 1 it has drifted."""
        return max((drift.score for drift in self.drifts.values()), default=0.0)


def compare_set(root: Path) -> Together | None:
    """Compare the photos of one set with each other; None with fewer than two. Raises InputError."""
    folder = SetFolder.open(root)
    entries = compared_in(folder)
    if len(entries) < 2:
        return None
    shown = {name: root / entry["photo"]["path"] for name, entry in entries.items()}
    product = str(folder.record.get("product", root.name))
    planned = angles_planned(folder)
    hero = hero_of(list(planned)).name if planned else ""
    return Together(product=product, drifts=drifts_of(folder, entries, shown, hero))


def check_set(root: Path) -> Iterator[Finding]:
    """Check the photos of one set that an image model made; those by Cycles are exact, unless they are lost.

    Raises InputError and JournalError.
    """
    folder = SetFolder.open(root)
    record = folder.record
    plan: Any = record.get("plan") or {}
    planned = plan.get("background", Background.WHITE.value)
    background = checked_in(folder.manifest, member_of(Background), planned, "plan", "background")
    for entry in record["angles"]:
        shown: Any = entry.get("photo") or {}
        lost = lost_file(folder, shown) if shown.get("path") else None
        if not shown.get("path") or (shown.get("engine") == Engine.CYCLES and not lost):
            continue
        reference = None if lost else reference_for(folder, entry, background)
        report = None if reference is None else check_photo(root / shown["path"], reference)
        reason = NO_REFERENCE if report is None else report.reason
        yield Finding(
            folder=root,
            product=str(record.get("product", root.name)),
            angle=entry["name"],
            photo=root / shown["path"],
            verdict=Verdict.LOOK if report is None else report.verdict,
            reason=lost.text if lost else reason,
            request_id=str(shown.get("request_id", "")),
            is_accepted=verdict_of(shown) == "accepted",
            report=report,
            lost=lost,
        )


def check_videos(root: Path) -> Iterator[VideoFinding]:
    """Compare the videos of one set that fal.ai made with the product; those by Cycles are exact, unless they are lost.

    Raises InputError and JournalError.
    """
    folder = SetFolder.open(root)
    record = folder.record
    for video in record["videos"]:
        lost = lost_file(folder, video) if video.get("path") else None
        if not video.get("path") or (video.get("engine") != Engine.FAL and not lost):
            continue
        if lost:
            found: Mapping[str, Any] = {"verdict": Verdict.LOOK.value, "reason": lost.text}
        else:
            found = compared(folder, video, Pictures.of(folder, video)) or NO_DECODER
        yield VideoFinding(
            folder=root,
            product=str(record.get("product", root.name)),
            motion=video["motion"],
            verdict=Verdict(found["verdict"]),
            reason=found["reason"],
            request_id=str(video.get("request_id", "")),
            is_accepted=verdict_of(video) == "accepted",
            lost=lost,
        )
