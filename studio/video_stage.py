# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the video of a set with Cycles, or the video that fal.ai makes the video of the set from."""

import functools
import tempfile
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

from PIL import Image

from ..files.writing import copy_atomically, saying_where
from ..imaging.animation import preview_of
from ..imaging.choices import FRAMES_PER_SECOND, Background
from ..imaging.compose import png
from ..imaging.cut_out import continued_colours
from ..imaging.film_look import with_film_look
from ..optics.sizes import square
from ..optics.spin import side_of, video_frames_in
from ..photo_set.choices import Engine
from ..photo_set.prompts import TURNTABLE
from ..photo_set.provenance import provenance_of
from ..photo_set.set_json import VideoInput
from ..photo_set.takes import FOLDERS, PREVIEW, PRORES, WITH_ALPHA, Shelf
from . import video
from .frame_composer import FrameComposer
from .quality import VIDEO
from .render import Shot
from .session import Session
from .stage_work import StageWork


class _FrameStage(ABC):
    """Renders the frames of a video and encodes them."""

    def __init__(self, work: StageWork, session: Session, wanted: video.Format) -> None:
        self._work = work
        self._session = session
        self._quality = work.quality(VIDEO)
        self._wanted = wanted
        self._composer = FrameComposer(self._background(), wanted.side)

    @abstractmethod
    def _exists(self) -> bool:
        """Whether the video is up to date."""

    @abstractmethod
    def _keep_existing(self) -> bool:
        """Keep the video when it is up to date; whether it is."""

    @abstractmethod
    def _keep(self, frames: list[Path], scratch: Path, render_seconds: float) -> None:
        """Encode the frames and record the video."""

    def expect(self) -> None:
        """Announce what ``go`` is going to render."""
        count = 0 if self._exists() else self._wanted.frames
        self._work.expect("film", count, self._quality, square(self._wanted.side))

    def go(self) -> None:
        """Render the video unless it is up to date. Raises StopRenderingError after a request to stop."""
        work = self._work
        if self._keep_existing():
            work.results.activity.remaining.correct("film", 0)
            return
        self._session.light(work.rig)
        self._session.stand_before(self._background())
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="photoreal-video-") as scratch:
            frames = self._render_frames(Path(scratch))
            self._keep(frames, Path(scratch), time.monotonic() - began)

    def _render_frames(self, scratch: Path) -> list[Path]:
        work = self._work
        frames = [scratch / f"{index:04}.png" for index in range(self._wanted.frames)]
        # "film" is the name of this step in the events of a run.
        remaining = work.results.activity.remaining
        work.results.progress("film", 0, len(frames))
        known = self._known_frames()
        remaining.correct("film", len(frames) - len(known))
        for index, path in known.items():
            copyfile(path, frames[index])
        wanted = replace(self._wanted, known=frozenset(known))
        left = [path for index, path in enumerate(frames) if index not in known]
        remaining.begin("film")
        shots = self._session.video_shots(work.plan.motion, self._quality, wanted)
        for done, (path, shot) in enumerate(zip(left, shots, strict=True), len(known) + 1):
            work.writer.do(functools.partial(self._store_frame, shot, path))
            remaining.end("film")
            work.results.progress("film", done, len(frames))
            remaining.begin("film")
            work.check_stop()
        work.writer.wait()
        work.results.activity.say("encoding the video")
        return frames

    def _known_frames(self) -> dict[int, Path]:
        """Frames that exist already, by their number from 0."""
        return {}

    def _encode(self, frames: list[Path], scratch: Path, folder: Path) -> Path:
        """The video, still in ``scratch``; ``folder`` is where it will be, for the message of a full disk."""
        folder.mkdir(parents=True, exist_ok=True)
        encoded = scratch / f"{self._work.plan.motion}.mp4"
        with saying_where(folder):
            video.encode(frames, encoded, self._wanted.side)
        return encoded

    def _store_frame(self, shot: Shot, path: Path) -> None:
        self._store_picture(self._composer.picture(shot), path)

    def _store_picture(self, picture: Image.Image, path: Path) -> None:
        if self._work.plan.film_look:
            picture = with_film_look(picture, seed=int(path.stem))
        path.parent.mkdir(exist_ok=True)
        with saying_where(path.parent):
            path.write_bytes(png(picture))

    def _background(self) -> Background:
        """A video has no alpha channel: white replaces transparent."""
        wanted = self._work.plan.background
        return Background.WHITE if wanted is Background.TRANSPARENT else wanted


class VideoStage(_FrameStage):
    """Makes the video of the set, and its preview."""

    def __init__(self, work: StageWork, session: Session) -> None:
        self._seconds = work.plan.seconds or video.SECONDS
        wanted = video.Format(
            frames=FRAMES_PER_SECOND * self._seconds, side=video.frame_side(work.plan.resolution)
        )
        super().__init__(work, session, wanted)

        is_transparent = work.plan.background is Background.TRANSPARENT
        self._alpha_composer = FrameComposer(Background.TRANSPARENT, wanted.side) if is_transparent else None

    def _store_frame(self, shot: Shot, path: Path) -> None:
        super()._store_frame(shot, path)
        if self._alpha_composer is not None:
            self._store_picture(continued_colours(self._alpha_composer.picture(shot)), _with_alpha(path))

    @property
    def _made_with(self) -> str:
        work = self._work
        # Sets that exist were made before the length could be chosen.
        length = {} if self._seconds == video.SECONDS else {"seconds": self._seconds}
        return work.made_with(None, self._quality, work.rig, motion=work.plan.motion, **length)

    def _exists(self) -> bool:
        return self._work.results.takes.knows(Shelf.VIDEOS, self._work.plan.motion, self._made_with)

    def _keep_existing(self) -> bool:
        results = self._work.results
        if results.takes.want(Shelf.VIDEOS, self._work.plan.motion, self._made_with) is None:
            return False
        results.end_waiting_for_video()
        return True

    def _known_frames(self) -> dict[int, Path]:
        """The frames of the spin that are those of the video too: same size, camera, light and background."""
        plan, folder = self._work.plan, self._work.folder
        spin = plan.spin
        is_same = (
            spin is not None
            and plan.motion == TURNTABLE
            and spin.elevation == video.ELEVATION
            and side_of(plan.resolution) == self._wanted.side
            and plan.background is self._background()
            and not plan.film_look
        )
        if spin is None or not is_same:
            return {}
        paths = [folder.root / frame["path"] for frame in folder.record["spin"]["frames"]]
        shared = video_frames_in(spin, self._wanted.frames)
        return {number: paths[index] for number, index in shared.items()}

    def _keep(self, frames: list[Path], scratch: Path, render_seconds: float) -> None:
        plan = self._work.plan
        files = {"": self._encode(frames, scratch, self._work.folder.root / FOLDERS[Shelf.VIDEOS])}
        if self._alpha_composer is not None:
            files |= self._encode_with_alpha([_with_alpha(path) for path in frames], scratch)
        if plan.preview:
            files[PREVIEW] = scratch / f"{plan.motion}.{plan.preview}"
            files[PREVIEW].write_bytes(preview_of(frames, FRAMES_PER_SECOND, plan.preview))
        facts = {
            "engine": Engine.CYCLES.value,
            "motion": plan.motion,
            "seconds": self._seconds,
            "frames": self._wanted.frames,
            "width": self._wanted.side,
            "height": self._wanted.side,
            "loop": video.loops(plan.motion),
            "state": "done",
            "render_seconds": round(render_seconds, 1),
            "made_with": self._made_with,
        }
        self._work.results.record_video(facts, files)

    def _encode_with_alpha(self, frames: list[Path], scratch: Path) -> dict[str, Path]:
        """The video with an alpha channel, by the names that these files have in a take."""
        motion, folder = self._work.plan.motion, self._work.folder
        files = {WITH_ALPHA: scratch / f"{motion}.webm"}
        if video.can_write_prores():
            files[PRORES] = scratch / f"{motion}.mov"
        note = provenance_of(folder.record, {"engine": Engine.CYCLES.value}).note
        with saying_where(folder.root / FOLDERS[Shelf.VIDEOS]):
            for path in files.values():
                video.encode(frames, path, self._wanted.side, note=note)
        return files


def _with_alpha(path: Path) -> Path:
    """The frame with an alpha channel beside the frame ``path``, whose name it has in another folder."""
    return path.parent / "alpha" / path.name


class VideoInputStage(_FrameStage):
    """Renders the video that an endpoint turns into the video of the set, as large as the endpoint wants it."""

    def __init__(self, work: StageWork, session: Session, order: VideoInput) -> None:
        super().__init__(work, session, video.Format(frames=order["frames"], side=order["width"]))

    @property
    def _made_with(self) -> str:
        work, wanted = self._work, self._wanted
        return work.made_with(
            None, self._quality, work.rig, motion=work.plan.motion, frames=wanted.frames, side=wanted.side
        )

    def _exists(self) -> bool:
        entry = self._work.folder.record.get("video_input")
        return self._work.folder.has(entry, made_with=self._made_with)

    def _keep_existing(self) -> bool:
        return self._exists()

    def _keep(self, frames: list[Path], scratch: Path, render_seconds: float) -> None:
        """It stays the same file from now on: a video that is made of another file is charged again."""
        target = self._work.folder.root / "renders" / f"{self._work.plan.motion}.mp4"
        encoded = self._encode(frames, scratch, target.parent)
        copy_atomically(encoded, target)
        self._work.results.record_video_input(self._made_with, target)
