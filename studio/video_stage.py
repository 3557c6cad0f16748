# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the video of a set with Cycles."""

import functools
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files.writing import saying_where
from ..imaging.animation import preview_of
from ..imaging.choices import FRAMES_PER_SECOND, Background
from ..imaging.compose import compose, png
from ..imaging.film_look import with_film_look
from ..optics.shadow import GroundView
from ..optics.sizes import square
from ..photo_set.choices import Engine
from ..photo_set.takes import PREVIEW, Shelf
from . import video
from .quality import VIDEO
from .render import Shot
from .session import Session
from .stage_work import StageWork


class VideoStage:
    """Renders the frames of the video, encodes them, and makes the preview."""

    def __init__(self, work: StageWork, session: Session) -> None:
        self._work = work
        self._session = session
        self._quality = work.quality(VIDEO)
        self._side = video.frame_side(work.plan.resolution)
        self._seconds = work.plan.seconds or video.SECONDS
        self._frames = FRAMES_PER_SECOND * self._seconds
        self._ground: GroundView | None = None

    def _made_with(self) -> str:
        work = self._work
        # Sets that exist were made before the length could be chosen.
        length = {} if self._seconds == video.SECONDS else {"seconds": self._seconds}
        return work.made_with(None, self._quality, work.rig, motion=work.plan.motion, **length)

    def expect(self) -> None:
        """Announce what ``go`` is going to render."""
        exists = self._work.results.takes.knows(Shelf.VIDEOS, self._work.plan.motion, self._made_with())
        self._work.expect("film", 0 if exists else self._frames, self._quality, square(self._side))

    def go(self) -> None:
        """Render the video unless it is up to date. Raises StopRenderingError after a request to stop."""
        work, motion = self._work, self._work.plan.motion
        made_with = self._made_with()
        if work.results.takes.want(Shelf.VIDEOS, motion, made_with) is not None:
            work.results.activity.remaining.correct("film", 0)
            work.results.end_waiting_for_video()
            return
        self._session.light(work.rig)
        self._session.stand_before(self._background())
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="photoreal-video-") as scratch:
            frames = self._render_frames(Path(scratch))
            files = self._encode(frames, Path(scratch))
            facts = {
                "engine": Engine.CYCLES.value,
                "motion": motion,
                "seconds": self._seconds,
                "frames": self._frames,
                "width": self._side,
                "height": self._side,
                "loop": video.loops(motion),
                "state": "done",
                "render_seconds": round(time.monotonic() - began, 1),
                "made_with": made_with,
            }
            work.results.record_video(facts, files)

    def _render_frames(self, scratch: Path) -> list[Path]:
        work = self._work
        frames = [scratch / f"{index:04}.png" for index in range(self._frames)]
        # "film" is the name of this step in the events of a run.
        remaining = work.results.activity.remaining
        work.results.progress("film", 0, self._frames)
        remaining.begin("film")
        for index, shot in enumerate(
            self._session.video_shots(work.plan.motion, self._quality, self._frames)
        ):
            work.writer.do(functools.partial(self._store_frame, shot, frames[index]))
            remaining.end("film")
            work.results.progress("film", index + 1, self._frames)
            remaining.begin("film")
            work.check_stop()
        work.writer.wait()
        work.results.activity.say("encoding the video")
        return frames

    def _encode(self, frames: list[Path], scratch: Path) -> dict[str, Path]:
        """The video, and its preview if the plan asks for one, by part of a take."""
        plan = self._work.plan
        target = self._work.folder.root / "video" / f"{plan.motion}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        files = {"": scratch / target.name}
        with saying_where(target.parent):
            video.encode(frames, files[""], self._side)
        if plan.preview:
            files[PREVIEW] = scratch / f"{plan.motion}.{plan.preview}"
            files[PREVIEW].write_bytes(preview_of(frames, FRAMES_PER_SECOND, plan.preview))
        return files

    def _store_frame(self, shot: Shot, path: Path) -> None:
        shadow = self._shadow_in(shot)
        picture = compose(shot.colour, shadow, self._background(), shot.through)
        if self._work.plan.film_look:
            picture = with_film_look(picture, seed=int(path.stem))
        with saying_where(path.parent):
            path.write_bytes(png(picture))

    def _shadow_in(self, shot: Shot) -> NDArray[np.float32]:
        """As ``Shot.shadow``. The camera of most videos does not move, and projecting takes longer than the rest."""
        if self._ground is None or self._ground.framing is not shot.framing:
            self._ground = GroundView(shot.framing, square(self._side), shot.ground.shape[0])
        return self._ground.cast(shot.ground)

    def _background(self) -> Background:
        """A video has no alpha channel: white replaces transparent."""
        wanted = self._work.plan.background
        return Background.WHITE if wanted is Background.TRANSPARENT else wanted
