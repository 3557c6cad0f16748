# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos made by fal.ai from the renders of a set, and their enlargements."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from PIL import Image

from ..fal_bridge.errors import FINALLY_LOST
from ..fal_bridge.jobs import JobResult, Kind
from ..fal_bridge.journal import Stage
from ..imaging.compose import png
from ..messages import events
from ..messages.errors import PhotorealError
from ..optics.angles import Angle, hero_of
from .choices import LANCZOS, Engine
from .cloud_jobs import CloudJobs, paid_by_entry, paid_by_result
from .folder import Record
from .labels import enlargement_label, photo_label
from .photo_inputs import photo_inputs, photo_text
from .results import SetResults
from .takes import Shelf, identity_of


class CloudPhotos:
    """The photos of one set.

    ``when_photographed`` gets each photo once it is kept. ``hero`` becomes the hero's photo; None when it is lost for
    good, an error when it may still come.
    """

    def __init__(
        self, results: SetResults, jobs: CloudJobs, when_photographed: Callable[[Angle, Path], None]
    ) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._jobs = jobs
        self._when_photographed = when_photographed
        self.hero: Future[Path | None] = Future()
        self.to_come: list[str] = []  # The angles whose photos this run has not got, and a later one may get.

    def photograph(self, angle: Angle) -> None:
        """Have the render of ``angle`` re-photographed: now, or once the hero's photo can be shown with it."""
        if not self._plan.with_hero or self._is_hero(angle):
            self._send(angle, None)
            return
        settled = self._jobs.add_waiting()

        def continue_with(hero: Future[Path | None]) -> None:
            try:
                self._send(angle, hero.result())
            except PhotorealError:
                # Without the hero it would be another picture, which a later run would pay again.
                self._results.await_photo(angle)
                self.to_come.append(angle.name)
            finally:
                settled.set_result(None)

        self.hero.add_done_callback(continue_with)

    def _is_hero(self, angle: Angle) -> bool:
        return angle.name == hero_of(list(self._plan.angles)).name

    def _can_wait(self, angle: Angle) -> bool:
        """Videos take longest, so what a video is made from goes first."""
        return self._plan.video is Engine.FAL and not self._is_hero(angle)

    def _send(self, angle: Angle, hero: Path | None) -> None:
        """The hero's photo starts the video when it comes."""
        self._results.await_photo(angle)
        render = self._folder.root / "renders" / f"{angle.name}.png"
        prompt = photo_text(self._plan, angle, has_hero=hero is not None)
        generation = self._plan.generation(
            Kind.PHOTO,
            photo_label(angle.name),
            images=(render, hero) if hero else (render,),
            prompt=prompt,
            can_wait=self._can_wait(angle),
            take=self._results.angle(angle).get("takes", 1),
            **photo_inputs(self._plan, self._folder, angle),
        )

        def keep(result: JobResult) -> None:
            self._keep(angle, result, prompt)
            self._keep_strays(generation.label, angle)
            self._when_photographed(angle, result.path)
            if self._is_hero(angle):
                self.hero.set_result(result.path)

        def lose(error: PhotorealError, facts: Record) -> None:
            self._keep_strays(generation.label, angle)
            if not isinstance(error, FINALLY_LOST):
                self.to_come.append(angle.name)
            if self._is_hero(angle):
                self._settle_lost_hero(error)
            self._results.record_lost_photo(angle, {"engine": Engine.FAL.value, **facts})

        self._jobs.run(generation, self._folder.root / "photos" / "original" / angle.name, keep, lose)

    def _settle_lost_hero(self, error: PhotorealError) -> None:
        if self.hero.done():
            return
        if isinstance(error, FINALLY_LOST):
            self.hero.set_result(None)  # The other angles are photographed without it.
        else:
            self.hero.set_exception(error)

    def _keep(self, angle: Angle, result: JobResult, prompt: str) -> None:
        """Make the received photo the one that the plan asks for, at the size that it asks for."""
        takes, size = self._results.takes, self._plan.photo_size
        facts = {**self._facts(paid_by_result(result), result.path), "seed": result.seed, "prompt": prompt}
        take = takes.want(Shelf.PHOTOS, angle.name, result.request_id)
        if take is None:
            take = self._results.record_photo(angle, facts, png(_opened(result.path)))
        elif size is None and "enlargement" in take:
            picture = png(_opened(result.path))
            takes.renew(Shelf.PHOTOS, angle.name, result.request_id, facts, picture, without=("enlargement",))
        self._results.end_waiting(angle)
        if size and max(take["width"], take["height"]) < size:
            self._enlarge(angle, take, result.path)

    def _facts(self, paid: Record, original: Path) -> Record:
        picture = _opened(original)
        return {
            "engine": Engine.FAL.value,
            "state": "done",
            **paid,
            "width": picture.width,
            "height": picture.height,
            "original": self._folder.relative(original),
        }

    def _keep_strays(self, label: str, angle: Angle) -> None:
        """Photos of ``angle`` that earlier runs have paid and only this one has fetched."""
        for entry, path in self._jobs.strays(label, Shelf.PHOTOS, angle.name):
            facts = self._facts(paid_by_entry(entry), path) | {"seed": entry.facts[Stage.DONE].get("seed")}
            self._results.takes.add(
                Shelf.PHOTOS, angle.name, facts, {"": png(_opened(path))}, is_wanted=False
            )

    def _enlarge(self, angle: Angle, take: Record, original: Path) -> None:
        """Enlarge a photo that is on disk: free of charge, or as a separate paid job."""
        wanted, picture = self._plan.photo_size or 0, _opened(original)
        if self._plan.upscale_endpoint == LANCZOS:
            self._keep_enlarged(angle, take, picture, {"state": "done", "method": LANCZOS})
            return
        self._record_enlargement(angle, take, {"state": "waiting"})
        maximum = max(self._plan.endpoint(Kind.UPSCALE).factors, default=1.0)
        generation = self._plan.generation(
            Kind.UPSCALE,
            enlargement_label(angle.name),
            images=(original,),
            enlarge=min(wanted / max(picture.size), maximum),
            can_wait=self._can_wait(angle),
        )

        def keep(result: JobResult) -> None:
            paid = {**paid_by_result(result), "original": self._folder.relative(result.path)}
            self._keep_enlarged(angle, take, _opened(result.path), {"state": "done", **paid})

        def lose(error: PhotorealError, facts: Record) -> None:
            self._results.reporter.tell(events.Warning(text=str(error)))
            self._record_enlargement(angle, take, facts)

        self._jobs.run(generation, original.with_name(f"{angle.name}-enlarged"), keep, lose)

    def _keep_enlarged(self, angle: Angle, take: Record, picture: Image.Image, facts: Record) -> None:
        """Upscalers enlarge by whole factors; the exact size is reached by resampling."""
        longer = max(picture.size)
        width, height = (round(side * (self._plan.photo_size or longer) / longer) for side in picture.size)
        sized = picture.resize((width, height), Image.Resampling.LANCZOS)
        changes = {"width": width, "height": height, "enlargement": facts}
        self._results.takes.renew(Shelf.PHOTOS, angle.name, identity_of(take), changes, png(sized))

    def _record_enlargement(self, angle: Angle, take: Record, facts: Record) -> None:
        self._results.takes.renew(Shelf.PHOTOS, angle.name, identity_of(take), {"enlargement": facts})


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as original:
        return original.convert("RGBA" if "A" in original.getbands() else "RGB")
