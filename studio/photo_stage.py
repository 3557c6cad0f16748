# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the photo of each angle with Cycles."""

import zlib
from collections.abc import Callable
from pathlib import Path

from ..imaging.compose import compose, png
from ..imaging.film_look import with_film_look
from ..optics.angles import Angle
from ..optics.framing import framing_from
from ..photo_set.choices import Engine
from ..photo_set.takes import Shelf
from .quality import QUALITIES
from .render import Shot
from .session import Session
from .stage_work import StageWork


class PhotoStage:
    """Renders photos. ``when_photographed`` is called with every angle whose photo is on disk, and the photo."""

    def __init__(
        self, work: StageWork, session: Session, when_photographed: Callable[[Angle, Path], None]
    ) -> None:
        self._work = work
        self._session = session
        self._when_photographed = when_photographed
        self._quality = work.quality(QUALITIES[work.plan.quality])

    def expect(self) -> None:
        """Announce what ``go`` is going to render."""
        plan = self._work.plan
        count = sum(not self._exists(angle) for angle in plan.angles)
        self._work.expect("photos", count, self._quality, plan.resolution)

    def _exists(self, angle: Angle) -> bool:
        """Whether there is a photo for the camera of the last run."""
        results = self._work.results
        has_camera = "camera" in results.angle(angle)
        return has_camera and results.takes.knows(Shelf.PHOTOS, angle.name, self._made_with(angle))

    def go(self) -> None:
        """Render the photos that are missing or out of date."""
        self._session.stand_before(self._work.plan.background)
        self._work.writer.wait()  # The cameras of the references must be in their records.
        self._work.each("photos", list(self._work.plan.angles), self._is_kept, self._make, self._announce)

    def _made_with(self, angle: Angle) -> str:
        plan = self._work.plan
        return self._work.made_with(
            angle,
            self._quality,
            self._work.rig,
            camera=self._work.results.angle(angle)["camera"],
            f_stop=plan.f_stop,
            film_look=plan.film_look,
        )

    def _is_kept(self, angle: Angle) -> bool:
        takes = self._work.results.takes
        return takes.want(Shelf.PHOTOS, angle.name, self._made_with(angle)) is not None

    def _announce(self, angle: Angle) -> None:
        results = self._work.results
        if take := results.takes.wanted(Shelf.PHOTOS, angle.name):
            results.end_waiting(angle)
            self._when_photographed(angle, self._work.folder.root / take["path"])

    def _make(self, angle: Angle) -> None:
        entry, f_stop = self._work.results.angle(angle), self._work.plan.f_stop
        self._session.light(self._work.rig)
        framing = framing_from(entry["camera"])
        if f_stop:
            framing = self._session.opened(framing, f_stop)
        shot = self._session.shoot(framing, angle, self._quality)
        made_with = self._made_with(angle)
        self._work.writer.do(lambda: self._store(angle, shot, made_with))

    def _store(self, angle: Angle, shot: Shot, made_with: str) -> None:
        plan = self._work.plan
        picture = compose(shot.colour, shot.shadow, plan.background, shot.through)
        if plan.film_look:
            picture = with_film_look(picture, seed=zlib.crc32(angle.name.encode()))
        facts = {
            "engine": Engine.CYCLES.value,
            "state": "done",
            "samples": shot.samples,
            "seconds": round(shot.seconds, 2),
            "made_with": made_with,
        }
        self._work.results.record_photo(angle, facts, png(picture))
        self._announce(angle)
