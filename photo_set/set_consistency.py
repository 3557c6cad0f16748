# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the photos of a set with each other, and matches white balance and exposure where that is safe.

The photo before it was matched is kept in ``photos/unmatched/``. It is what the set is compared by, so that another run
comes to the same result.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from ..imaging.compose import png
from ..imaging.fidelity import Verdict, check_photo
from ..imaging.fidelity.consistency import Drift, matched
from ..imaging.fidelity.verdict import COLOUR
from ..messages import events
from ..optics.angles import hero_of
from .calibration import reference_for
from .choices import Engine, Fidelity
from .folder import Record
from .photo_check import opened
from .results import SetResults
from .set_json_fidelity import ConsistencyRecord
from .set_views import compared_in, drift_event, drifts_of
from .takes import Shelf, identity_of
from .video_plan import used_angles

SLACK = 0.2  # How much farther from its render a matched photo may be in colour, in units of the tolerance.
VERSION = 2  # Of how photos are compared and matched.
OTHER_COLOUR = "Light alone rarely does that, so its color may be wrong."
Entries = Mapping[str, Mapping[str, Any]]


class SetConsistency:
    """The photos of one set, once all of them have come."""

    def __init__(self, results: SetResults) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder

    def compare(self) -> None:
        """Record how far each photo is from its set, and match those that can be. Raises OSError."""
        entries = compared_in(self._folder)
        if not self._plan.checks_photos or len(entries) < 2:
            self._record(None)
            return
        if self._is_current(entries):
            return
        before = {name: self._before(entry["photo"]) for name, entry in entries.items()}
        hero = hero_of(list(self._plan.angles)).name
        drifts = drifts_of(self._folder, entries, before, hero)
        pictures = {
            name: picture
            for name, drift in drifts.items()
            if (picture := self._matched(entries[name], before[name], drift)) is not None
        }
        after = drifts_of(self._folder, entries, {**before, **pictures}, hero) if pictures else drifts
        while failed := [name for name in pictures if after[name].colour_score > 1.0]:
            pictures = {name: picture for name, picture in pictures.items() if name not in failed}
            after = drifts_of(self._folder, entries, {**before, **pictures}, hero)
        for name, entry in entries.items():
            self._show(entry, before[name], pictures.get(name), drifts.get(name))
        self._tell(drifts, after, pictures)
        self._record(after)

    def _before(self, photo: Mapping[str, Any]) -> Path:
        """The photo before it was matched; as it is shown, when a person has decided about it."""
        known = {} if _is_decided(photo) else photo["fidelity"].get("matched") or {}
        is_current = all(known.get(side) == photo.get(side) for side in ("width", "height"))
        if known and is_current and self._folder.has(known):
            return self._folder.root / str(known["path"])
        return self._folder.root / str(photo["path"])

    def _matched(self, entry: Mapping[str, Any], before: Path, drift: Drift) -> Image.Image | None:
        """The photo in the white balance and the exposure of its set; None when it stays as it is."""
        if drift.colour_score <= 1.0 or not drift.can_be_matched or not self._may_change(entry):
            return None
        photo = opened(before)
        with Image.open(self._folder.root / entry["mask"]) as coverage:
            mask = np.asarray(coverage.convert("L").resize(photo.size, Image.Resampling.BILINEAR))
        changed = Image.fromarray(matched(np.asarray(photo.convert("RGB")), mask, drift))
        if photo.mode == "RGBA":
            changed.putalpha(photo.getchannel("A"))
        reference = reference_for(self._folder, cast(Any, entry), self._plan.background)
        if reference is None:
            return None
        report = check_photo(changed, reference)
        # Another colour of the product is not a matter of light: a gain would make it another wrong colour.
        colour = entry["photo"]["fidelity"].get("gates", {}).get(COLOUR, {}).get("value", 0.0)
        is_as_right = report.gates[COLOUR].value <= colour + SLACK
        return changed if report.verdict is Verdict.ACCEPT and is_as_right else None

    def _may_change(self, entry: Mapping[str, Any]) -> bool:
        """A photo that a person has decided about, or that a video was made from, stays as it is."""
        is_in_video = self._plan.video is Engine.FAL and entry["name"] in {
            angle.name for angle in used_angles(self._plan)
        }
        return self._plan.fidelity is Fidelity.GATE and not _is_decided(entry["photo"]) and not is_in_video

    def _show(
        self, entry: Mapping[str, Any], before: Path, picture: Image.Image | None, drift: Drift | None
    ) -> None:
        """Make the set show ``picture``, or the photo as it was before it was matched."""
        photo = entry["photo"]
        content: bytes | None = None
        found = _judged(photo["fidelity"], drift)
        if picture is not None and drift is not None:
            name = f"photos/unmatched/{Path(photo.get('original') or photo['path']).stem}.png"
            kept = self._folder.store(name, before.read_bytes())
            size = {"width": picture.width, "height": picture.height}
            content, found["matched"] = png(picture), {**kept, **size, **_values(drift)}
        elif not _is_decided(photo) and found != photo["fidelity"]:
            if before != self._folder.root / photo["path"]:
                content = before.read_bytes()
        else:
            return
        self._results.takes.renew(
            Shelf.PHOTOS, str(entry["name"]), identity_of(photo), {"fidelity": found}, content
        )

    def _tell(
        self, before: Mapping[str, Drift], after: Mapping[str, Drift], pictures: Mapping[str, Image.Image]
    ) -> None:
        """Report each photo that had drifted; those that still do are findings, which people are warned of."""
        reporter = self._results.reporter
        for name, drift in before.items():
            if drift.is_consistent:
                continue
            reporter.tell(drift_event(name, drift, score=after[name].score, is_matched=name in pictures))
            if name in pictures:
                text = f"{name}: {drift.reason} Its white balance and exposure were matched to them."
                reporter.tell(events.Note(text=text))

    def _is_current(self, entries: Entries) -> bool:
        """Whether these very photos were compared before."""
        known: Any = self._folder.record.get("consistency") or {}
        shown = {name: entry["photo"]["sha256"] for name, entry in entries.items()}
        compared = {name: drift["photo"] for name, drift in known.get("angles", {}).items()}
        return shown == compared and known.get("checked_with") == self._digest(entries)

    def _digest(self, entries: Entries) -> str:
        facts = [
            [
                name,
                self._may_change(entry),
                entry["render"].get("sha256"),
                entry["photo"]["fidelity"].get("checked_with"),
            ]
            for name, entry in sorted(entries.items())
        ]
        return hashlib.sha256(json.dumps([VERSION, facts]).encode()).hexdigest()[:16]

    def _record(self, drifts: Mapping[str, Drift] | None) -> None:
        if drifts is None:
            if "consistency" in self._folder.record:
                with self._folder.change() as record:
                    record.pop("consistency", None)
            return
        entries = compared_in(self._folder)
        angles = {
            name: {
                "photo": entries[name]["photo"]["sha256"],
                "score": round(drift.score, 4),
                "reason": drift.reason,
                "fill": round(drift.fill, 5),
                **_values(drift),
            }
            for name, drift in drifts.items()
        }
        found = {
            "score": max((one["score"] for one in angles.values()), default=0.0),
            "checked_with": self._digest(entries),
            "angles": angles,
        }
        with self._folder.change() as record:
            record["consistency"] = cast(ConsistencyRecord, found)


def _judged(found: Mapping[str, Any], drift: Drift | None) -> Record:
    """What the check has found, with the verdict that follows from the set, and without what the set has changed before."""
    record = {name: value for name, value in found.items() if name not in ("matched", "alone")}
    alone = found.get("alone") or {name: found.get(name, "") for name in ("verdict", "reason")}
    record |= alone
    if drift is None or drift.colour_score <= 1.0 or drift.is_light or alone["verdict"] != Verdict.ACCEPT:
        return record
    look = {"verdict": Verdict.LOOK.value, "reason": f"{drift.reason} {OTHER_COLOUR}"}
    return {**record, **look, "alone": alone}


def _is_decided(photo: Mapping[str, Any]) -> bool:
    """Whether a person has accepted or reviewed the photo."""
    return bool(photo["fidelity"].get("accepted") or photo.get("review"))


def _values(drift: Drift) -> Record:
    return {
        "kelvin": round(drift.kelvin, 1),
        "tint": round(drift.tint, 4),
        "exposure": round(drift.exposure, 4),
    }
