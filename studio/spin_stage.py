# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the spin of a set with Cycles, and writes what pages and shops take of it."""

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..files.names import file_rule, safe_name
from ..imaging.compose import box_of, fill_of, mask_of, png
from ..imaging.spin_files import grid_for, jpeg_of, page_frame, sprite_of, zip_of
from ..imaging.spin_page import build_spin_page
from ..messages import events
from ..optics.framing import Framing, turned
from ..optics.sizes import square
from ..optics.spin import Direction, Spin, frame_name, side_of
from ..photo_set.provenance import finished, provenance_of
from ..photo_set.spin_json import FOLDER, is_spin_whole
from .frame_composer import FrameComposer
from .quality import VIDEO
from .render import Shot
from .session import Session
from .stage_work import StageWork

MIN_FILL = 0.85  # Of the fullest frame, as Amazon's 360 View asks.
COMPRESSION = 1  # Of the frames, as zlib counts: they are many, and mostly background.


class SpinStage:
    """Renders the frames that are missing or out of date. A frame costs as much as one of a turntable."""

    def __init__(self, work: StageWork, session: Session, spin: Spin) -> None:
        self._work = work
        self._session = session
        self._spin = spin
        self._side = side_of(work.plan.resolution)
        self._quality = work.quality(VIDEO)
        self._made_with = work.made_with(None, self._quality, work.rig, spin=asdict(spin))
        self._composer = FrameComposer(work.plan.background, self._side)

    def expect(self) -> None:
        """Announce what ``go`` is going to render."""
        count = len(self._missing(self._kept()))
        self._work.expect("spin", count, self._quality, square(self._side))

    def go(self) -> None:
        """Render the spin unless it is up to date. Raises StopRenderingError after a request to stop."""
        work, kept = self._work, self._kept()
        missing = self._missing(kept)
        work.results.activity.remaining.correct("spin", len(missing))
        if not missing and is_spin_whole(work.folder, self._made_with):
            work.results.progress("spin", self._spin.count, self._spin.count, is_kept=True)
            return
        framing = self._session.turn_framing(self._spin.elevation)
        if missing:
            self._begin(kept)
            self._render(missing, framing)
        self._finish()

    def _kept(self) -> dict[int, Mapping[str, Any]]:
        """The entries of the frames that are up to date, by their number from 0."""
        folder = self._work.folder
        entry = folder.record.get("spin") or {}
        if entry.get("made_with") != self._made_with:
            return {}
        frames = {str(frame["path"]): frame for frame in entry["frames"]}
        paths = {index: self._path(index) for index in range(self._spin.count)}
        return {index: frames[path] for index, path in paths.items() if folder.has(frames.get(path))}

    def _missing(self, kept: Mapping[int, Any]) -> list[int]:
        return [index for index in range(self._spin.count) if index not in kept]

    def _path(self, index: int) -> str:
        return f"{FOLDER}/{frame_name(index)}.png"

    def _begin(self, kept: Mapping[int, Mapping[str, Any]]) -> None:
        """Record a spin that has only the frames in ``kept``. Frames of another one are replaced or removed."""
        folder = self._work.folder
        frames = {self._path(index) for index in range(self._spin.count)}
        with folder.change() as record:
            earlier = (record.get("spin") or {}).get("frames", [])
            record["spin"] = {
                **asdict(self._spin),
                "width": self._side,
                "height": self._side,
                "made_with": self._made_with,
                "frames": [dict(kept[index]) for index in sorted(kept)],
            }
        for entry in earlier:
            if entry["path"] not in frames and entry["path"].startswith(f"{FOLDER}/"):
                (folder.root / entry["path"]).unlink(missing_ok=True)

    def _render(self, missing: list[int], framing: Framing) -> None:
        work = self._work
        self._session.light(work.rig)
        self._session.stand_before(work.plan.background)
        azimuths = [self._spin.azimuths[index] for index in missing]
        remaining = work.results.activity.remaining
        work.results.progress("spin", 0, len(missing))
        remaining.begin("spin")
        shots = self._session.turn_shots(framing, azimuths, self._quality, self._side)
        for done, (index, shot) in enumerate(zip(missing, shots, strict=True), 1):
            work.writer.do(functools.partial(self._store, index, shot))
            remaining.end("spin")
            work.results.progress("spin", done, len(missing))
            remaining.begin("spin")
            work.check_stop()
        work.writer.wait()

    def _store(self, index: int, shot: Shot) -> None:
        folder, azimuth = self._work.folder, self._spin.azimuths[index]
        picture, mask = self._composer.picture(shot), mask_of(shot.colour)
        provenance = provenance_of(folder.record, {})
        stored = folder.store(
            self._path(index), finished(png(picture, COMPRESSION), provenance, frame_name(index))
        )
        entry = {
            **stored,
            "azimuth": azimuth,
            "elevation": self._spin.elevation,
            "width": picture.width,
            "height": picture.height,
            "fill": round(fill_of(mask), 4),
            "box": list(box_of(mask) or (0, 0, 0, 0)),
            "camera": turned(shot.framing, azimuth).record(),
            "source_type": provenance.source_type.value,
        }
        with folder.change() as record:
            others = [one for one in record["spin"]["frames"] if one["path"] != stored["path"]]
            record["spin"]["frames"] = sorted((*others, entry), key=lambda one: str(one["path"]))

    def _finish(self) -> None:
        """Write the page, the sprite, the zip and the manifest, once all frames exist."""
        work = self._work
        work.results.activity.say("writing the spin")
        frames = work.folder.record["spin"]["frames"]
        paths = [work.folder.root / frame["path"] for frame in frames]
        grid = grid_for(len(paths), self._side)
        name = safe_name(work.plan.product, file_rule("product"))
        page = build_spin_page(
            work.plan.product,
            [page_frame(path) for path in paths],
            self._spin.azimuths,
            side=self._side,
            is_clockwise=self._spin.direction is Direction.CLOCKWISE,
        )
        pictures = ((f"{name}_{path.stem}.jpg", self._stamped(jpeg_of(path), path.stem)) for path in paths)
        store = work.folder.store
        files = {
            "page": store(f"{FOLDER}/spin.html", page.encode()),
            "sprite": {
                **store(f"{FOLDER}/sprite.webp", self._stamped(sprite_of(paths, grid), "sprite")),
                **asdict(grid),
            },
            "zip": store(f"{FOLDER}/{name}_360.zip", zip_of(pictures)),
        }
        manifest = json.dumps(self._manifest(frames, files), indent=2).encode()
        files["manifest"] = store(f"{FOLDER}/spin.json", manifest)
        with work.folder.change() as record:
            record["spin"].update(files, fill=max(frame["fill"] for frame in frames))
        self._warn(frames)

    def _stamped(self, data: bytes, name: str) -> bytes:
        return finished(data, provenance_of(self._work.folder.record, {}), name)

    def _manifest(self, frames: list[Any], files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """``spin.json``: what a viewer of somebody else needs. Paths are relative to it."""
        grid = {name: files["sprite"][name] for name in ("columns", "rows", "side")}
        return {
            "product": self._work.plan.product,
            **asdict(self._spin),
            "width": self._side,
            "height": self._side,
            "frames": [
                {
                    "file": Path(frame["path"]).name,
                    **{name: frame[name] for name in ("azimuth", "sha256", "fill")},
                }
                for frame in frames
            ],
            **{name: {"file": Path(entry["path"]).name} for name, entry in files.items()},
            "sprite": {"file": Path(files["sprite"]["path"]).name, **grid},
        }

    def _warn(self, frames: list[Any]) -> None:
        tell = self._work.results.reporter.tell
        if cut := [Path(frame["path"]).name for frame in frames if _is_cut_off(frame["box"], self._side)]:
            text = (
                f"Spin: the product reaches the border in {', '.join(cut)}. Check its stray and faint parts."
            )
            tell(events.Warning(text=text))
        fullest = max(frame["fill"] for frame in frames)
        if fullest < MIN_FILL:
            text = (
                f"Spin: the product fills {fullest:.0%} of its fullest frame, and Amazon asks for {MIN_FILL:.0%}. "
                "It is far from the axis on one side: move its origin or its stray parts."
            )
            tell(events.Warning(text=text))


def _is_cut_off(box: list[int], side: int) -> bool:
    """Does the product, from left and top to right and bottom in pixels, reach the border of the picture?"""
    return bool(box[2]) and (min(box) == 0 or max(box) == side)
