# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set that fal.ai makes: the 3D model, photos, enlargements, the film. Needs no Blender.

What is asked for goes through the bridge at once; what comes is kept on the bridge's thread.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path

from PIL import Image

from . import prompts
from .angles import Angle, hero_first, hero_of
from .errors import MachineError, PhotorealError
from .fal_bridge.bridge import Bridge, Connection
from .fal_bridge.budget import Spending
from .fal_bridge.errors import (
    LOST,
    CeilingReachedError,
    JobCancelledError,
    ProductCeilingError,
    StoppedError,
    UncertainSubmitError,
)
from .fal_bridge.jobs import Generation, Job, JobResult, JobState, Kind
from .plan import LANCZOS, Engine
from .set_folder import Record, angle_record
from .set_results import SetResults, png

log = logging.getLogger(__name__)


def bridge_for(
    results: SetResults, spending: Spending | None, connection: Connection | None = None
) -> Bridge:
    """A bridge for the requests of one set, which tells the set's reporter of them.

    Raises InputError when the set's journal is not whole.
    """
    results.check_journal()
    plan = results.plan
    assert plan.service is not None, "a plan that uses fal is checked to have it"
    return Bridge(
        plan.service,
        results.folder.journal,
        lambda job: _tell_job(results, job),
        connection=connection,
        keep_uploads=plan.keep_uploads,
        webhook=plan.webhook,
        endpoints=plan.endpoints,
        spending=spending,
        inline_bytes=plan.inline_bytes,
    )


def _tell_job(results: SetResults, job: Job) -> None:
    if job.state not in (JobState.PREPARED, JobState.DONE):  # Else it is there from an earlier run.
        results.has_worked.set()
    results.reporter.tell(
        "job",
        label=job.label,
        state=job.state.value,
        endpoint=job.endpoint,
        request_id=job.request_id,
        queue_position=job.queue_position,
        message=job.message,
        error=job.error,
    )


class CloudStage:
    """Has one set made at fal.

    ``keeper``: keeps what comes, instead of the bridge's thread; for callers that keep the results of many sets.
    """

    def __init__(self, results: SetResults, bridge: Bridge, *, keeper: Executor | None = None) -> None:
        self._keeper = keeper
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._bridge = bridge
        self._hero_photo: Future[Path | None] = Future()
        self._waiting: list[Future[None]] = []
        self._film_sent = False
        self._ceilings: list[CeilingReachedError] = []

    @property
    def is_at_ceiling(self) -> bool:
        """Whether something was not sent because a ceiling was reached."""
        return bool(self._ceilings)

    @property
    def is_at_common_ceiling(self) -> bool:
        """Whether one of these ceilings is over more than this product."""
        return not all(isinstance(error, ProductCeilingError) for error in self._ceilings)

    def make_model(self) -> None:
        """Have the 3D model made from the photos or words of the plan, and wait for it."""
        try:
            self._make_model()
        except LOST as error:
            self._results.record_lost_model(error)
            raise
        except JobCancelledError as error:
            if self._results.stop.is_asked:  # By ``cancel``, which ended the job, too.
                raise StoppedError(error.message) from error
            raise

    def _make_model(self) -> None:
        plan, target = self._plan, self._folder.model
        images = plan.source.files
        made_by: Record = {}
        if plan.concept_endpoint:
            concept = self._draw_concept()
            images, made_by = (concept.path,), {"concept": self._made_by(concept)}
        result = self._generate(
            plan.generation(
                Kind.MODEL,
                "3D model",
                images=images,
                addresses=plan.source.addresses,
                prompt="" if plan.concept_endpoint else plan.source.text,
                take=self._folder.record["model"].get("takes", 1),
            ),
            target.with_suffix(""),
        ).result()
        self._results.record_model(target, {**made_by, **_paid(result)})

    def _draw_concept(self) -> JobResult:
        """A picture of the product from the user's words, for endpoints that model pictures."""
        return self._generate(
            self._plan.generation(
                Kind.CONCEPT,
                "concept picture",
                prompt=prompts.concept_prompt(self._plan.source.text),
                take=self._folder.record["model"].get("concept_takes", 1),
            ),
            self._folder.root / "source" / "concept",
        ).result()

    def _made_by(self, result: JobResult) -> Record:
        return {
            "path": self._folder.relative(result.path),
            "sha256": result.sha256,
            **_paid(result),
        }

    def photograph(self, angle: Angle) -> None:
        """Have the render of ``angle`` re-photographed: now, or when the hero's photo can be shown with it."""
        if not self._plan.with_hero or self._is_hero(angle):
            self._send_photo(angle, None)
            return
        settled: Future[None] = Future()
        self._waiting.append(settled)

        def go_on(hero: Future[Path | None]) -> None:
            try:
                self._send_photo(angle, hero.result())
            except PhotorealError:
                self._await_photo(angle)  # Without the hero it would be another picture, paid again later.
            finally:
                settled.set_result(None)

        self._hero_photo.add_done_callback(go_on)

    def offer_to_filmmaker(self, angle: Angle, photo: Path) -> None:
        """Have the hero's ``photo`` filmed, unless there is a paid film that serves."""
        if self._plan.video is not Engine.FAL or not self._is_hero(angle):
            return
        if stand_in := self._stand_in_film():
            self._film_sent = True
            self._results.reporter.tell(
                "note", text=f"The film from the {stand_in} photo is kept: another one would be paid too."
            )
            return
        self._send_to_filmmaker(photo)

    def photograph_all(self) -> None:
        """Ask for all that follows from references, and photos by Cycles, that are on disk."""
        for angle in hero_first(list(self._plan.angles)):
            if self._plan.engine is Engine.FAL:
                self.photograph(angle)
            else:
                photo = self._folder.root / self._results.angle(angle)["photo"]["path"]
                self.offer_to_filmmaker(angle, photo)

    def wait(self) -> None:
        """Until everything that was asked for has come, or is known not to come."""
        self._settle_all()
        self._film_without_hero()
        self._settle_all()

    def _settle_all(self) -> None:
        while self._waiting:  # What settles may add to it: the hero's photo starts the film.
            self._waiting[0].result()
            self._waiting.pop(0)

    def _is_hero(self, angle: Angle) -> bool:
        return angle.name == hero_of(list(self._plan.angles)).name

    def _can_wait(self, angle: Angle) -> bool:
        """Films take longest, so what leads to one goes first."""
        return self._plan.video is Engine.FAL and not self._is_hero(angle)

    def _await_photo(self, angle: Angle) -> None:
        with self._folder.change() as record:
            angle_record(record, angle.name).setdefault(
                "photo", {"engine": Engine.FAL.value, "state": "waiting"}
            )

    def _send_photo(self, angle: Angle, hero: Path | None) -> None:
        """The hero's photo starts the film when it comes."""
        self._await_photo(angle)
        generation = self._plan.generation(
            Kind.PHOTO,
            f"{angle.name} photo",
            images=(self._folder.root / "renders" / f"{angle.name}.png", *((hero,) if hero else ())),
            prompt=prompts.photo_prompt(
                angle,
                self._plan.background.value,
                self._plan.prompt,
                self._plan.look,
                has_hero=hero is not None,
            ),
            can_wait=self._can_wait(angle),
            take=self._results.angle(angle).get("takes", 1),
        )
        future = self._generate(generation, self._folder.root / "photos" / "original" / angle.name)

        def keep(result: JobResult) -> None:
            with Image.open(result.path) as original:
                picture = original.convert("RGBA" if "A" in original.getbands() else "RGB")
            stored = self._folder.store(f"photos/{angle.name}.png", png(picture))
            self._results.record_photo(
                angle,
                {
                    **stored,
                    "engine": Engine.FAL.value,
                    "state": "done",
                    **_paid(result),
                    "seed": result.seed,
                    "prompt": generation.prompt,
                    "width": picture.width,
                    "height": picture.height,
                    "original": self._folder.relative(result.path),
                },
            )
            self.offer_to_filmmaker(angle, result.path)
            if self._plan.photo_size and max(picture.size) < self._plan.photo_size:
                self._enlarge(angle, result.path, picture)
            if self._is_hero(angle):
                self._hero_photo.set_result(result.path)

        def lose(error: PhotorealError) -> None:
            if self._is_hero(angle) and not self._hero_photo.done():
                if _is_open(error):
                    self._hero_photo.set_exception(error)
                else:
                    self._hero_photo.set_result(None)  # The others do without.
            self._results.record_photo(
                angle,
                {
                    "engine": Engine.FAL.value,
                    "state": _state_of(error),
                    "endpoint": generation.endpoint,
                    "error": str(error),
                },
            )

        self._when_ready(future, keep, lose)

    def _enlarge(self, angle: Angle, original: Path, picture: Image.Image) -> None:
        """Bring a photo that is there to its size: free, or as a paid job of its own."""
        wanted = self._plan.photo_size or 0
        if self._plan.upscale_endpoint == LANCZOS:
            self._record_enlarged(angle, picture, {"state": "done", "method": LANCZOS})
            return
        self._record_enlargement(angle, {"state": "waiting"})
        most = max(self._plan.endpoint(Kind.UPSCALE).factors, default=1.0)
        generation = self._plan.generation(
            Kind.UPSCALE,
            f"{angle.name} enlargement",
            images=(original,),
            enlarge=min(wanted / max(picture.size), most),
            can_wait=self._can_wait(angle),
        )
        future = self._generate(generation, original.with_name(f"{angle.name}-enlarged"))

        def keep(result: JobResult) -> None:
            with Image.open(result.path) as enlarged:
                larger = enlarged.convert("RGBA" if "A" in enlarged.getbands() else "RGB")
            facts = {"state": "done", **_paid(result), "original": self._folder.relative(result.path)}
            self._record_enlarged(angle, larger, facts)

        def lose(error: PhotorealError) -> None:
            self._results.reporter.tell("warning", text=str(error))
            self._record_enlargement(
                angle, {"state": _state_of(error), "endpoint": generation.endpoint, "error": str(error)}
            )

        self._when_ready(future, keep, lose)

    def _record_enlarged(self, angle: Angle, picture: Image.Image, facts: Record) -> None:
        """Upscalers multiply; the last pixels to the exact size are resampled."""
        longer = max(picture.size)
        width, height = (round(side * (self._plan.photo_size or longer) / longer) for side in picture.size)
        sized = picture.resize((width, height), Image.Resampling.LANCZOS)
        stored = self._folder.store(f"photos/{angle.name}.png", png(sized))
        with self._folder.change() as record:
            photo = angle_record(record, angle.name)["photo"]
            photo.update(**stored, width=width, height=height, enlargement=facts)

    def _record_enlargement(self, angle: Angle, facts: Record) -> None:
        with self._folder.change() as record:
            angle_record(record, angle.name)["photo"]["enlargement"] = facts

    def _film_prompt(self) -> str:
        takes_picture = self._plan.endpoint(Kind.VIDEO).images[1] > 0
        return prompts.video_prompt(
            self._plan.motion,
            self._plan.prompt,
            look=self._plan.look,
            is_loop=self._plan.loop,
            product="" if takes_picture else self._plan.source.text or self._plan.product,
        )

    def _send_to_filmmaker(self, photo: Path, *, stand_in: str = "") -> None:
        """Have ``photo`` filmed; ``stand_in`` names its angle when it is not the hero."""
        self._film_sent = True
        endpoint = self._plan.endpoint(Kind.VIDEO)
        takes_picture = endpoint.images[1] > 0
        if endpoint.note:
            self._results.reporter.tell("warning", text=f"{endpoint.id}: {endpoint.note}")
        generation = self._plan.generation(
            Kind.VIDEO,
            "film",
            images=(photo,) if takes_picture else (),
            end_image=photo if self._plan.loop else None,
            prompt=self._film_prompt(),
            negative_prompt=prompts.MOTIONS[self._plan.motion].unwanted,
            seconds=self._plan.film_seconds,
            take=self._results.film().get("takes", 1),
        )
        video: Record = {
            "engine": Engine.FAL.value,
            "motion": self._plan.motion,
            "endpoint": generation.endpoint,
        }
        if stand_in:
            video["stand_in"] = stand_in

        def keep(result: JobResult) -> None:
            self._results.record_video(
                {
                    **self._folder.entry(result.path),
                    **video,
                    "seconds": generation.seconds,
                    "loop": self._plan.loop,
                    "state": "done",
                    **_paid(result),
                    "prompt": generation.prompt,
                }
            )

        def lose(error: PhotorealError) -> None:
            self._results.record_video({**video, "state": _state_of(error), "error": str(error)})

        future = self._generate(generation, self._folder.root / "video" / self._plan.motion)
        self._when_ready(future, keep, lose)

    def _stand_in_film(self) -> str:
        """The angle of a paid film that an earlier run made in the hero's absence, when it is as wanted now."""
        wanted = {
            "state": "done",
            "motion": self._plan.motion,
            "endpoint": self._plan.endpoint(Kind.VIDEO).id,
            "seconds": self._plan.film_seconds,
            "loop": self._plan.loop,
            "prompt": self._film_prompt(),
        }
        for entry in self._folder.record["videos"]:
            if entry.get("stand_in") and self._folder.has(entry, **wanted):
                return str(entry["stand_in"])
        return ""

    def _film_without_hero(self) -> None:
        """When the hero's photo failed, the film starts from the first photo that did not.

        A hero that may still come is waited for: another film would be paid when it does.
        """
        if self._plan.video is not Engine.FAL or self._film_sent or self._results.stop.is_asked:
            return
        if self._hero_photo.done() and self._hero_photo.exception():
            return
        for entry in self._folder.record["angles"]:
            photo = entry.get("photo", {})
            if photo.get("state") == "done":
                self._results.reporter.tell(
                    "warning", text=f"The film starts from the {entry['name']} photo: the hero failed."
                )
                self._send_to_filmmaker(self._folder.root / photo["path"], stand_in=entry["name"])
                return
        self._results.record_video(
            {
                "engine": Engine.FAL.value,
                "motion": self._plan.motion,
                "state": "failed",
                "error": "There is no photo that the film could start from.",
            }
        )

    def _generate(self, generation: Generation, target: Path) -> Future[JobResult]:
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._results.stop.is_asked:  # What led here may be the end of a job that ``cancel`` has ended.
            self._bridge.send_no_more()
        return self._bridge.start(generation, target)

    def _when_ready(
        self,
        future: Future[JobResult],
        keep: Callable[[JobResult], None],
        lose: Callable[[PhotorealError], None],
    ) -> None:
        """Let ``keep`` or ``lose`` have what comes of ``future``, on the bridge's thread."""
        settled: Future[None] = Future()
        self._waiting.append(settled)

        def settle(done: Future[JobResult]) -> None:
            try:
                keep(done.result())
            except PhotorealError as error:
                if isinstance(error, CeilingReachedError):
                    self._ceilings.append(error)
                lose(error)
            except Exception as error:
                log.exception("A result could not be kept")
                lose(
                    MachineError(
                        f"The result could not be kept ({error}).", hint="Run the same command again."
                    )
                )
            finally:
                settled.set_result(None)

        if self._keeper:
            keeper = self._keeper
            future.add_done_callback(lambda done: keeper.submit(settle, done))
        else:
            future.add_done_callback(settle)


def _paid(result: JobResult) -> Record:
    """Where a file came from and what it cost; the price is null when nobody says."""
    price = None if result.cost is None else float(result.cost)
    return {"endpoint": result.endpoint, "request_id": result.request_id, "price": price}


def _state_of(error: PhotorealError) -> str:
    if isinstance(error, UncertainSubmitError):
        return "uncertain"
    return "waiting" if isinstance(error, StoppedError) else "failed"


def _is_open(error: PhotorealError) -> bool:
    """Whether a later run may still bring what this one did not."""
    return isinstance(error, UncertainSubmitError | StoppedError | CeilingReachedError)
