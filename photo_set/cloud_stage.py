# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set that fal.ai makes: the 3D model, photos, enlargements, the film. Needs no Blender.

What is asked for goes through the bridge at once; what comes is kept on the bridge's thread.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TypeVar

from PIL import Image

from ..fal_bridge.bridge import Bridge, Connection
from ..fal_bridge.errors import (
    FINALLY_LOST,
    LOST,
    CeilingReachedError,
    JobCancelledError,
    ProductCeilingError,
    StoppedError,
    UncertainSubmitError,
)
from ..fal_bridge.jobs import SET_WIDE, Generation, Job, JobResult, JobState, Kind
from ..fal_bridge.journal import Entry, Journal, Stage
from ..fal_bridge.money.spending import Spending
from ..files.writing import sha256_of
from ..imaging.compose import png
from ..messages.errors import MachineError, PhotorealError
from ..optics.angles import Angle, hero_first, hero_of
from . import prompts
from .choices import LANCZOS, Engine
from .folder import Record
from .results import SetResults
from .takes import CONCEPT, FOLDERS, Shelf, identity_of, takes_in

FILM = SET_WIDE[Kind.VIDEO]  # Labels of requests.
MODEL_LABEL = "3D model"

T = TypeVar("T")

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
            images, made_by = (self._folder.root / concept["path"],), {"concept": concept}
        result = self._generate(
            plan.generation(
                Kind.MODEL,
                MODEL_LABEL,
                images=images,
                addresses=plan.source.addresses,
                prompt="" if plan.concept_endpoint else plan.source.text,
                take=self._folder.record["model"].get("takes", 1),
            ),
            target.with_suffix(""),
        ).result()
        self._folder.set_model(result.path)
        self._results.record_model(target, {**made_by, **_paid(result)})
        self._keep_stray_models()

    def _keep_stray_models(self) -> None:
        """3D models that earlier runs have paid and that the set does not list."""
        model = self._folder.record["model"]
        known = {one.get("request_id") for one in (model, *model.get("earlier", []))}
        journal = Journal(self._folder.journal)
        strays = [
            {**self._folder.entry(path), **_paid_by(entry)}
            for entry in journal.done_jobs(MODEL_LABEL)
            if entry.facts[Stage.DONE].get("request_id") not in known
            and (path := _file_of(journal, entry)) is not None
        ]
        if strays:
            with self._folder.change() as record:
                record["model"]["earlier"] = [*model.get("earlier", []), *strays]

    def _draw_concept(self) -> Record:
        """A picture of the product from the user's text, for endpoints that model pictures: its chosen take."""
        generation = self._plan.generation(
            Kind.CONCEPT,
            "concept picture",
            prompt=prompts.concept_prompt(self._plan.source.text),
            take=self._folder.record["model"].get("concept_takes", 1),
        )
        result = self._generate(generation, self._folder.root / "source" / CONCEPT).result()
        takes = self._results.takes
        if takes.want(Shelf.CONCEPTS, CONCEPT, result.request_id) is None:
            facts = {
                "engine": Engine.FAL.value,
                **_paid(result),
                "prompt": generation.prompt,
                "seed": result.seed,
            }
            takes.add(Shelf.CONCEPTS, CONCEPT, facts, {"": result.path})
        return takes.chosen(Shelf.CONCEPTS, CONCEPT)

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
                self._results.await_photo(
                    angle
                )  # Without the hero it would be another picture, paid again later.
            finally:
                settled.set_result(None)

        self._hero_photo.add_done_callback(go_on)

    def offer_to_filmmaker(self, angle: Angle, photo: Path) -> None:
        """Have the hero's ``photo`` filmed, unless there is a paid video that serves."""
        if self._plan.video is not Engine.FAL or not self._is_hero(angle):
            return

        def film() -> None:
            if not self._uses_stand_in():
                self._send_to_filmmaker(self._start_picture(angle, photo))

        self._when_no_video_is_open(film)

    def photograph_all(self) -> None:
        """Ask for all that follows from references, and photos by Cycles, that are on disk."""
        for angle in hero_first(list(self._plan.angles)):
            if self._plan.engine is Engine.FAL:
                self.photograph(angle)
            else:
                if take := self._results.takes.wanted(Shelf.PHOTOS, angle.name):
                    self.offer_to_filmmaker(angle, self._folder.root / take["path"])

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

    def _send_photo(self, angle: Angle, hero: Path | None) -> None:
        """The hero's photo starts the film when it comes."""
        self._results.await_photo(angle)
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
        future = self._generate(generation, self._original(angle))

        def keep(result: JobResult) -> None:
            self._keep_photo(angle, result, generation.prompt)
            self._keep_strays(generation.label, angle)
            self.offer_to_filmmaker(angle, result.path)
            if self._is_hero(angle):
                self._hero_photo.set_result(result.path)

        def lose(error: PhotorealError) -> None:
            self._keep_strays(generation.label, angle)
            if self._is_hero(angle) and not self._hero_photo.done():
                if isinstance(error, FINALLY_LOST):
                    self._hero_photo.set_result(None)  # The others do without it.
                else:
                    self._hero_photo.set_exception(error)
            self._results.record_lost_photo(
                angle,
                {
                    "engine": Engine.FAL.value,
                    "state": _state_of(error),
                    "endpoint": generation.endpoint,
                    "error": str(error),
                },
            )

        self._when_ready(future, keep, lose)

    def _original(self, angle: Angle) -> Path:
        return self._folder.root / "photos" / "original" / angle.name

    def _keep_photo(self, angle: Angle, result: JobResult, prompt: str) -> None:
        """Let the photo that has come be the one that the plan asks for, at the size that it asks for."""
        takes, size = self._results.takes, self._plan.photo_size
        facts = {**self._photo_facts(_paid(result), result.path), "seed": result.seed, "prompt": prompt}
        take = takes.want(Shelf.PHOTOS, angle.name, result.request_id)
        if take is None:
            take = self._results.record_photo(angle, facts, png(_opened(result.path)))
        elif size is None and "enlargement" in take:
            picture = png(_opened(result.path))
            takes.renew(Shelf.PHOTOS, angle.name, result.request_id, facts, picture, without=("enlargement",))
        self._results.end_waiting(angle)
        if size and max(take["width"], take["height"]) < size:
            self._enlarge(angle, take, result.path)

    def _photo_facts(self, paid: Record, original: Path) -> Record:
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
        for entry, path in self._strays(label, Shelf.PHOTOS, angle.name):
            facts = self._photo_facts(_paid_by(entry), path) | {"seed": entry.facts[Stage.DONE].get("seed")}
            self._results.takes.add(
                Shelf.PHOTOS, angle.name, facts, {"": png(_opened(path))}, is_wanted=False
            )

    def _strays(self, label: str, shelf: Shelf, name: str) -> Iterator[tuple[Entry, Path]]:
        """Finished requests with this label that the set does not list, and their files."""
        journal = Journal(self._folder.journal)
        for entry in journal.done_jobs(label):
            request_id = str(entry.facts[Stage.DONE].get("request_id", ""))
            is_known = self._results.takes.knows(shelf, name, request_id)
            if not is_known and (path := _file_of(journal, entry)) is not None:
                yield entry, path

    def _enlarge(self, angle: Angle, take: Record, original: Path) -> None:
        """Bring a photo that is there to its size: free, or as a separate paid job."""
        wanted, picture = self._plan.photo_size or 0, _opened(original)
        if self._plan.upscale_endpoint == LANCZOS:
            self._keep_enlarged(angle, take, picture, {"state": "done", "method": LANCZOS})
            return
        self._record_enlargement(angle, take, {"state": "waiting"})
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
            facts = {"state": "done", **_paid(result), "original": self._folder.relative(result.path)}
            self._keep_enlarged(angle, take, _opened(result.path), facts)

        def lose(error: PhotorealError) -> None:
            self._results.reporter.tell("warning", text=str(error))
            facts = {"state": _state_of(error), "endpoint": generation.endpoint, "error": str(error)}
            self._record_enlargement(angle, take, facts)

        self._when_ready(future, keep, lose)

    def _keep_enlarged(self, angle: Angle, take: Record, picture: Image.Image, facts: Record) -> None:
        """Upscalers multiply; the last pixels to the exact size are resampled."""
        longer = max(picture.size)
        width, height = (round(side * (self._plan.photo_size or longer) / longer) for side in picture.size)
        sized = picture.resize((width, height), Image.Resampling.LANCZOS)
        more = {"width": width, "height": height, "enlargement": facts}
        self._results.takes.renew(Shelf.PHOTOS, angle.name, identity_of(take), more, png(sized))

    def _record_enlargement(self, angle: Angle, take: Record, facts: Record) -> None:
        self._results.takes.renew(Shelf.PHOTOS, angle.name, identity_of(take), {"enlargement": facts})

    def _film_prompt(self) -> str:
        takes_picture = self._plan.endpoint(Kind.VIDEO).images[1] > 0
        return prompts.video_prompt(
            self._plan.motion,
            self._plan.prompt,
            look=self._plan.look,
            is_loop=self._plan.loop,
            product="" if takes_picture else self._plan.source.text or self._plan.product,
        )

    def _when_no_video_is_open(self, film: Callable[[], None]) -> None:
        """Fetch what earlier runs have paid for the video, then ``film``; with one that stays open, nothing is sent."""
        self._film_sent = True

        def keep(_nothing: None) -> None:
            self._keep_stray_videos()
            film()

        def lose(error: PhotorealError) -> None:
            self._keep_stray_videos()
            self._results.record_lost_video(
                self._video_facts() | {"state": _state_of(error), "error": str(error)}
            )

        self._when_ready(self._bridge.settle(FILM, self._video_target), keep, lose)

    @property
    def _video_target(self) -> Path:
        return self._folder.root / FOLDERS[Shelf.VIDEOS] / self._plan.motion

    def _video_facts(self) -> Record:
        return {
            "engine": Engine.FAL.value,
            "motion": self._plan.motion,
            "endpoint": self._plan.endpoint(Kind.VIDEO).id,
        }

    def _start_picture(self, hero: Angle, photo: Path) -> Path:
        """What the video starts from: the take that was chosen when another video was wanted, else ``photo``."""
        number = self._results.film().get("start_take")
        takes = takes_in(self._folder.record, Shelf.PHOTOS, hero.name)
        chosen = next((take for take in takes if take["take"] == number), None)
        path = self._folder.root / str((chosen or {}).get("original") or (chosen or {}).get("path", ""))
        return path if chosen and path.is_file() else photo

    def _send_to_filmmaker(self, photo: Path, *, stand_in: str = "") -> None:
        """Have ``photo`` filmed; ``stand_in`` names its angle when it is not the hero."""
        endpoint = self._plan.endpoint(Kind.VIDEO)
        takes_picture = endpoint.images[1] > 0
        if endpoint.note:
            self._results.reporter.tell("warning", text=f"{endpoint.id}: {endpoint.note}")
        facts = self._video_facts() | {
            "seconds": self._plan.film_seconds,
            "loop": self._plan.loop,
            "prompt": self._film_prompt(),
            **({"stand_in": stand_in} if stand_in else {}),
        }
        generation = self._plan.generation(
            Kind.VIDEO,
            FILM,
            images=(photo,) if takes_picture else (),
            end_image=photo if self._plan.loop else None,
            prompt=facts["prompt"],
            negative_prompt=prompts.MOTIONS[self._plan.motion].unwanted,
            seconds=facts["seconds"],
            take=self._results.film().get("takes", 1),
            about=facts,
        )

        def keep(result: JobResult) -> None:
            if self._results.takes.want(Shelf.VIDEOS, self._plan.motion, result.request_id) is None:
                self._results.record_video({**facts, "state": "done", **_paid(result)}, {"": result.path})
            self._results.end_waiting_for_video()

        def lose(error: PhotorealError) -> None:
            self._results.record_lost_video({**facts, "state": _state_of(error), "error": str(error)})

        self._when_ready(self._generate(generation, self._video_target), keep, lose)

    def _keep_stray_videos(self) -> None:
        """Videos that earlier runs have paid and that the set does not list."""
        for entry, path in self._strays(FILM, Shelf.VIDEOS, self._plan.motion):
            about = entry.facts[Stage.IN_FLIGHT].get("about")
            known = about if isinstance(about, dict) else {}
            facts = {**self._video_facts(), **known, "state": "done", **_paid_by(entry)}
            if facts["motion"] == self._plan.motion:
                self._results.record_video(facts, {"": path}, is_wanted=False)

    def _uses_stand_in(self) -> bool:
        """Whether a paid video from another photo, made when the hero was lost, is as wanted now: then it is kept."""
        wanted = self._video_facts() | {
            "seconds": self._plan.film_seconds,
            "loop": self._plan.loop,
            "prompt": self._film_prompt(),
        }
        for take in takes_in(self._folder.record, Shelf.VIDEOS, self._plan.motion):
            if take.get("stand_in") and self._folder.has(take, **wanted):
                self._results.takes.want(Shelf.VIDEOS, self._plan.motion, identity_of(take))
                self._results.end_waiting_for_video()
                self._results.reporter.tell(
                    "note",
                    text=f"The video from the {take['stand_in']} photo is kept: another one would be charged too. "
                    "`resume DIR --redo film` buys one from the hero's photo.",
                )
                return True
        return False

    def _film_without_hero(self) -> None:
        """When the hero's photo is lost for good, the video starts from the first photo that came.

        A hero that may still come is waited for: another video would be charged when it does.
        """
        if self._plan.video is not Engine.FAL or self._film_sent or self._results.stop.is_asked:
            return
        if not self._hero_photo.done() or self._hero_photo.exception() or self._hero_photo.result():
            hero = hero_of(list(self._plan.angles)).name
            self._results.reporter.tell(
                "note", text=f"The video waits for the {hero} photo: resume to try again."
            )
            return

        def film() -> None:
            if not self._uses_stand_in():
                self._film_first_photo()

        self._when_no_video_is_open(film)

    def _film_first_photo(self) -> None:
        for entry in self._folder.record["angles"]:
            photo = entry.get("photo", {})
            if photo.get("state") == "done":
                self._results.reporter.tell(
                    "warning",
                    text=f"The hero's photo is lost, so the video starts from the {entry['name']} photo.",
                )
                self._send_to_filmmaker(self._folder.root / photo["path"], stand_in=entry["name"])
                return
        error = "There is no photo that the video could start from."
        self._results.record_lost_video(self._video_facts() | {"state": "failed", "error": error})

    def _generate(self, generation: Generation, target: Path) -> Future[JobResult]:
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._results.stop.is_asked:  # What led here may be the end of a job that ``cancel`` has ended.
            self._bridge.send_no_more()
        return self._bridge.start(generation, target)

    def _when_ready(
        self,
        future: Future[T],
        keep: Callable[[T], None],
        lose: Callable[[PhotorealError], None],
    ) -> None:
        """Let ``keep`` or ``lose`` have what comes of ``future``, on the bridge's thread."""
        settled: Future[None] = Future()
        self._waiting.append(settled)

        def settle(done: Future[T]) -> None:
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


def _file_of(journal: Journal, entry: Entry) -> Path | None:
    """The file of a finished request, when it is as it came."""
    done = entry.facts[Stage.DONE]
    path = journal.file_of(done)
    return path if path is not None and path.is_file() and sha256_of(path) == done.get("sha256") else None


def _paid_by(entry: Entry) -> Record:
    """The same for a finished request of which only the journal tells."""
    done = entry.facts[Stage.DONE]
    cost = done.get("cost")
    return {
        "endpoint": entry.endpoint,
        "request_id": str(done["request_id"]),
        "price": float(cost) if cost is not None else None,
    }


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as original:
        return original.convert("RGBA" if "A" in original.getbands() else "RGB")


def _state_of(error: PhotorealError) -> str:
    if isinstance(error, UncertainSubmitError):
        return "uncertain"
    return "waiting" if isinstance(error, StoppedError) else "failed"
