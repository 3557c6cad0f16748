# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict about a set: everything that was found wrong with its model and its finished pictures."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from PIL import Image

from ..gltf.findings import Finding, Severity, terminal_findings, worst_first
from ..imaging.flaws import Flaw, flaws_of
from ..messages import events
from ..messages.progress import Reporter
from ..optics.angles import Angle
from .folder import SetFolder
from .set_json import FindingRecord

_TEXTS: Mapping[Flaw, str] = {
    Flaw.EMPTY: "the product is not visible. Check the camera, and whether its parts are hidden or transparent.",
    Flaw.CLIPPED: "the product reaches the border of the picture and is cut off there. Check its stray and faint parts.",
    Flaw.BLACK: "the product is black, without any light on it. Check its materials and normals, and the light.",
    Flaw.WHITE: "the picture is white, without any shade. Check the product's materials, and the light.",
}
DRIFT = "photo_drifted"  # Kinds of findings.
OTHER_VIDEO = "video_differs"
FULL_FRAME = 0.97  # The fill from which an angle is meant to reach the border.

log = logging.getLogger(__name__)


def record_verdict(folder: SetFolder, angles: Sequence[Angle], reporter: Reporter) -> None:
    """Record what is wrong with the finished pictures, and warn about what is new."""
    record = folder.record
    pictures = findings_about(folder.root, angles, record["angles"])
    findings = worst_first([*pictures, *drift_findings(record), *video_findings(record)])
    entries = [finding.record() for finding in findings]
    known = record.get("findings", [])
    if entries != known:
        with folder.change() as changed:
            changed["findings"] = cast(list[FindingRecord], entries)
    warn_about([finding for finding in findings if finding.record() not in known], reporter)


def warn_about(findings: Sequence[Finding], reporter: Reporter) -> None:
    """Report the findings that matter, with the settings that avoid them."""
    for item in terminal_findings(findings):
        reporter.tell(events.Warning(text=item.text, field=item.setting or None, value=item.value or None))


def findings_about(
    root: Path, angles: Sequence[Angle], entries: Iterable[Mapping[str, Any]]
) -> Iterator[Finding]:
    """An error for each flaw of the finished pictures in the set folder ``root``.

    The finished picture is the photo; the reference, where there is no photo.
    """
    by_name = {angle.name: angle for angle in angles}
    for entry in entries:
        angle = by_name.get(entry["name"])
        picture = (entry.get("photo") or {}).get("path") or (entry.get("render") or {}).get("path")
        if angle is None or not picture or "mask" not in entry:
            continue
        for flaw in _flaws(root / str(picture), root / entry["mask"], angle):
            yield Finding(
                kind=flaw.value,
                severity=Severity.ERROR,
                where=angle.name,
                text=f"{angle.name}: {_TEXTS[flaw]}",
            )


def drift_findings(record: Mapping[str, Any]) -> Iterator[Finding]:
    """A warning for each photo that differs from the others of its set. ``record``: of ``set.json``."""
    drifts = (record.get("consistency") or {}).get("angles") or {}
    for entry in record["angles"]:
        drift = drifts.get(entry["name"]) or {}
        is_shown = drift.get("photo") == (entry.get("photo") or {}).get("sha256")
        if drift.get("reason") and is_shown:
            yield Finding(
                kind=DRIFT,
                severity=Severity.WARNING,
                where=entry["name"],
                text=f"{entry['name']}: {drift['reason']}",
            )


def video_findings(record: Mapping[str, Any]) -> Iterator[Finding]:
    """A warning for each video that does not show the product all the time, or could not be compared."""
    for video in record.get("videos") or []:
        found = video.get("identity") or {}
        if found and found.get("verdict") != "accept" and not found.get("accepted"):
            text = f"Video: {found.get('reason', '')}"
            yield Finding(kind=OTHER_VIDEO, severity=Severity.WARNING, where=video["motion"], text=text)


def _flaws(picture: Path, mask: Path, angle: Angle) -> list[Flaw]:
    is_whole = angle.shows_whole_product and angle.fill <= FULL_FRAME
    try:
        with Image.open(picture) as shown, Image.open(mask) as coverage:
            return list(flaws_of(shown, coverage, shows_whole_product=is_whole))
    except FileNotFoundError:
        return []  # The run has said what is lost and what brings it back.
    except (OSError, SyntaxError, ValueError) as error:
        # It is damaged; the next run makes it again.
        log.warning("%s cannot be judged: %s", picture, error)
        return []


def all_findings(record: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What ``set.json`` says is wrong with the model and the pictures, worst first."""
    listed = [*((record.get("model") or {}).get("triage") or []), *(record.get("findings") or [])]
    return worst_first(map(finding_from, listed))


def finding_from(entry: Mapping[str, Any]) -> Finding:
    """A finding from its record, of which only severity and text are certain to be there."""
    return Finding(
        kind=str(entry.get("kind", "")),
        severity=Severity(entry["severity"]),
        where=str(entry.get("where", "")),
        count=entry.get("count"),
        text=entry["text"],
    )


def worst_of(findings: Iterable[Finding]) -> Severity | None:
    """The severity of the worst finding; ``None`` without any."""
    return next((finding.severity for finding in worst_first(findings)), None)
