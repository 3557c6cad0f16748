# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the video that fal.ai has made with what the product looks like, from its first frame to its last."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..files.video_check import Frames, sampled_frames
from ..imaging.fidelity import Verdict
from ..imaging.fidelity.video import Identity, follow_pictures, follow_render, judge
from ..messages import events
from .choices import Engine, Fidelity
from .folder import Record, SetFolder
from .rejection import is_rejected
from .results import SetResults
from .takes import Shelf, identity_of

Array = NDArray[Any]
VERSION = 2  # Of how videos are compared.
SAMPLES = 16  # Frames that are compared.
SIDE = 320  # Pixels of their longer side.
MAX_SPIN_FRAMES = 12
LONGER = 0.12  # How far the length may be from what was wanted, a share ...
SECONDS = 0.6  # ... or in seconds: models round to their own lengths.
STRETCHED = 0.05  # How far the aspect ratio may be from that of the pictures.


class VideoIdentity:
    """The video of one set."""

    def __init__(self, results: SetResults) -> None:
        self._results = results
        self._folder = results.folder

    def compare(self) -> None:
        """Record what the comparison of the shown video has found. Raises OSError when it cannot be written."""
        plan = self._results.plan
        video: Record = dict(self._results.video())
        is_wanted = plan.video is Engine.FAL and plan.fidelity is not Fidelity.OFF
        if not (is_wanted and video.get("engine") == Engine.FAL and self._folder.has(video)):
            return
        against = Pictures.of(self._folder, video)
        digest = _digest(video, against, plan.fidelity)
        known = video.get("identity") or {}
        if known.get("checked_with") == digest:
            return
        found = compared(self._folder, video, against)
        if found is None:
            return  # Without a decoder, nothing is known of the video.
        record = {**found, "checked_with": digest}
        is_gated = plan.fidelity is Fidelity.GATE
        if known.get("accepted"):  # A person has seen this very video.
            record["accepted"] = True
        elif is_gated and record["verdict"] == Verdict.REJECT:
            record["rejected"] = True
        motion, identity = str(video["motion"]), identity_of(video)
        self._results.takes.renew(Shelf.VIDEOS, motion, identity, {"identity": record})
        self._results.reporter.tell(
            events.Identity(
                motion=motion,
                verdict=record["verdict"],
                reason=record["reason"],
                rejected=record.get("rejected", False),
                request_id=str(video.get("request_id", "")),
            )
        )


class Pictures:
    """What a video is compared with: the video by Cycles that it was made from, or pictures of the product.

    ``kind``: "input", "spin" when frames of a full turn are among the pictures, or "photos".
    """

    def __init__(self, kind: str, files: Sequence[Path], hashes: Sequence[str]) -> None:
        self.kind = kind
        self.files = files
        self.hashes = hashes

    @classmethod
    def of(cls, folder: SetFolder, video: Mapping[str, Any]) -> "Pictures":
        record: Any = folder.record
        rendered = record.get("video_input") or {}
        if video.get("input") and video["input"] == rendered.get("sha256") and folder.has(rendered):
            return cls("input", [folder.root / rendered["path"]], [rendered["sha256"]])
        photos = [entry.get("photo") or {} for entry in record["angles"]]
        shown = [photo for photo in photos if photo.get("path") and not is_rejected(photo)]
        frames = (record.get("spin") or {}).get("frames") or []
        turned = frames[:: max(1, len(frames) // MAX_SPIN_FRAMES)]
        found = [one for one in (*shown, *turned) if (folder.root / one["path"]).is_file()]
        files = [folder.root / one["path"] for one in found]
        return cls("spin" if turned else "photos", files, [str(one.get("sha256", "")) for one in found])


def compared(folder: SetFolder, video: Mapping[str, Any], against: Pictures) -> Record | None:
    """The member ``identity`` of a video, without its digest; None when there is no decoder."""
    with tempfile.TemporaryDirectory(prefix="photoreal-frames-") as scratch:
        frames = _sampled(folder.root / str(video["path"]), Path(scratch, "video"))
        if frames is None:
            return None
        rendered = None
        if against.kind == "input":
            rendered = _sampled(against.files[0], Path(scratch, "input"))
            pictures = [] if rendered is None else _opened(rendered.files)
        else:
            pictures = _opened(against.files)
        problem = _problem(video, frames, pictures, rendered)
        shown = _opened(frames.files)
    if problem:
        return {"verdict": Verdict.LOOK.value, "reason": problem, "compared_with": against.kind}
    follow = follow_render if against.kind == "input" else follow_pictures
    values = follow(shown, pictures)
    found = judge(shown, values, is_loop=bool(video.get("loop")), seconds=frames.seconds)
    return _record(found, against.kind, frames.seconds)


def _record(found: Identity, kind: str, seconds: float) -> Record:
    values = [None if value is None else round(value, 3) for value in found.values]
    return {
        "verdict": found.verdict.value,
        "reason": found.reason,
        "compared_with": kind,
        "seconds": round(seconds, 3),
        "score": max((value for value in values if value is not None), default=0.0),
        "values": values,
        "closure": round(found.closure, 4),
    }


def _sampled(path: Path, folder: Path) -> Frames | None:
    folder.mkdir()
    return sampled_frames(path, SAMPLES, SIDE, folder)


def _opened(files: Sequence[Path]) -> list[Array]:
    """Pictures, at most ``SIDE`` pixels wide and high; those that cannot be read are left out."""
    found = []
    for file in files:
        try:
            with Image.open(file) as picture:
                picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
                found.append(_on_white(picture))
        except (OSError, SyntaxError, ValueError):
            continue
    return found


def _on_white(picture: Image.Image) -> Array:
    if "A" not in picture.getbands():
        return np.asarray(picture.convert("RGB"))
    ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB"))


def _problem(
    video: Mapping[str, Any], frames: Frames, pictures: Sequence[Array], rendered: Frames | None
) -> str:
    """Why a video cannot be compared, as a sentence; "" when it can."""
    if frames.problem or len(frames.files) < 2:
        return "The video cannot be decoded to its end, so it was not compared."
    if not pictures:
        return "There is nothing to compare the video with."
    if rendered is not None and (rendered.problem or len(rendered.files) != len(frames.files)):
        return f"The video has {frames.count} frames and the rendered one has {rendered.count}, so they were not compared."
    wanted = rendered.seconds if rendered is not None else float(video.get("seconds") or 0.0)
    if wanted and frames.seconds and abs(frames.seconds - wanted) > max(SECONDS, LONGER * wanted):
        return f"The video is {frames.seconds:.1f} s long instead of {wanted:.1f} s, so it was not compared."
    height, width = pictures[0].shape[:2]
    if abs(frames.width / max(1, frames.height) / (width / height) - 1.0) > STRETCHED:
        return (
            f"The video has another aspect ratio than its pictures ({frames.width} x {frames.height} pixels), so it was not "
            "compared."
        )
    return ""


def _digest(video: Mapping[str, Any], against: Pictures, fidelity: Fidelity) -> str:
    facts = [
        VERSION,
        video.get("sha256"),
        bool(video.get("loop")),
        against.kind,
        list(against.hashes),
        fidelity,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
