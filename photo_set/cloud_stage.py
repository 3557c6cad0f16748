# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set that fal.ai makes: 3D model, photos, enlargements, video. Needs no Blender.

Requests go through the bridge as soon as they can be made; results are kept on the bridge's thread.
"""

from concurrent.futures import Executor
from pathlib import Path
from typing import cast

from ..fal_bridge.bridge import Bridge
from ..fal_bridge.errors import LOST, JobCancelledError, StoppedError
from ..fal_bridge.jobs import Kind
from ..fal_bridge.journal import Stage
from ..messages import events
from ..optics.angles import Angle, hero_first, hero_of
from . import prompts
from .choices import Engine
from .cloud_jobs import CloudJobs, paid_by_entry, paid_by_result
from .cloud_photos import CloudPhotos
from .cloud_video import CloudVideo
from .folder import Record
from .labels import CONCEPT_LABEL, MODEL_LABEL
from .model_views import model_inputs
from .rejection import RejectedPhotoError
from .results import SetResults
from .set_consistency import SetConsistency
from .set_json import MadeRecord
from .takes import CONCEPT, Shelf
from .video_identity import VideoIdentity
from .video_plan import used_angles, waits_for_all_photos


class CloudStage:
    """Has one set made at fal.ai.

    ``keeper``: keeps results instead of the bridge's thread; for callers that keep the results of many sets.
    """

    def __init__(self, results: SetResults, bridge: Bridge, *, keeper: Executor | None = None) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._jobs = CloudJobs(results, bridge, keeper)
        self._video = CloudVideo(results, self._jobs)
        self._photos = CloudPhotos(results, self._jobs, self.offer_for_video)

    @property
    def is_at_ceiling(self) -> bool:
        """Whether something was not sent because a ceiling was reached."""
        return self._jobs.is_at_ceiling

    @property
    def is_at_common_ceiling(self) -> bool:
        """Whether one of these ceilings is over more than this product."""
        return self._jobs.is_at_common_ceiling

    def make_model(self) -> None:
        """Have the 3D model made from the photos or the text of the plan, and wait for it.

        Raises PhotorealError when it does not come.
        """
        try:
            self._make_model()
        except LOST as error:
            self._results.record_lost_model(error)
            raise
        except JobCancelledError as error:
            if self._results.stop.is_asked:  # ``cancel`` asked for it, and has ended the job too.
                raise StoppedError(error.message) from error
            raise

    def _make_model(self) -> None:
        plan, target = self._plan, self._folder.model
        images = plan.source.files
        made_by: Record = {}
        if plan.concept_endpoint:
            concept = self._draw_concept()
            images, made_by = (self._folder.root / concept["path"],), {"concept": concept}
        generation = plan.generation(
            Kind.MODEL,
            MODEL_LABEL,
            **model_inputs(plan, images),
            addresses=plan.source.addresses,
            prompt="" if plan.concept_endpoint else plan.source.text,
            take=self._folder.record["model"].get("takes", 1),
        )
        result = self._jobs.generate(generation, target.with_suffix("")).result()
        self._folder.set_model(result.path)
        self._results.record_model(target, {**made_by, **paid_by_result(result)})
        self._keep_stray_models()

    def _keep_stray_models(self) -> None:
        """3D models that earlier runs have paid and that the set does not list."""
        model = self._folder.record["model"]
        known = {one.get("request_id") for one in (model, *model.get("earlier", []))}
        strays: list[Record] = [
            {**self._folder.entry(path), **paid_by_entry(entry)}
            for entry, path in self._jobs.finished(MODEL_LABEL)
            if entry.facts[Stage.DONE].get("request_id") not in known
        ]
        if strays:
            with self._folder.change() as record:
                record["model"]["earlier"] = [*model.get("earlier", []), *cast(list[MadeRecord], strays)]

    def _draw_concept(self) -> Record:
        """The chosen take of a picture drawn from the user's text, for endpoints that need a picture."""
        generation = self._plan.generation(
            Kind.CONCEPT,
            CONCEPT_LABEL,
            prompt=prompts.concept_prompt(self._plan.source.text),
            take=self._folder.record["model"].get("concept_takes", 1),
        )
        result = self._jobs.generate(generation, self._folder.root / "source" / CONCEPT).result()
        takes = self._results.takes
        if takes.want(Shelf.CONCEPTS, CONCEPT, result.request_id) is None:
            facts = {
                "engine": Engine.FAL.value,
                **paid_by_result(result),
                "prompt": generation.prompt,
                "seed": result.seed,
            }
            takes.add(Shelf.CONCEPTS, CONCEPT, facts, {"": result.path})
        return takes.chosen(Shelf.CONCEPTS, CONCEPT)

    def photograph(self, angle: Angle) -> None:
        """Have the render of ``angle`` re-photographed: now, or once the hero's photo can be shown with it."""
        self._photos.photograph(angle)

    def photograph_all(self) -> None:
        """Start everything that follows from references, and photos by Cycles, that are on disk."""
        for angle in hero_first(list(self._plan.angles)):
            if self._plan.engine is Engine.FAL:
                self.photograph(angle)
            elif take := self._results.takes.wanted(Shelf.PHOTOS, angle.name):
                self.offer_for_video(angle, self._folder.root / take["path"])

    def offer_for_video(self, angle: Angle, photo: Path) -> None:
        """Have a video made from ``photo`` when it is the hero's, unless a paid video serves or it needs more photos."""
        if self._plan.video is not Engine.FAL or waits_for_all_photos(self._plan):
            return
        if angle.name == hero_of(list(self._plan.angles)).name:
            self._video.start_from_hero(angle, photo)

    def compare(self, angle: Angle) -> None:
        """The photo of ``angle`` can be compared with its render: everything that this needs is on disk."""
        self._photos.readiness.set(angle.name)

    def wait(self) -> None:
        """Until everything that was started has come, or is known not to come. Nothing more is rendered by then."""
        self._photos.readiness.end()
        self._jobs.wait()
        if self._plan.video is Engine.FAL and not (self._video.is_started or self._results.stop.is_asked):
            if waits_for_all_photos(self._plan):
                self._start_video_from_all()
            else:
                self._start_video_without_hero()
        self._jobs.wait()
        with self._results.activity.doing("comparing the photos of the set"):
            SetConsistency(self._results).compare()
        with self._results.activity.doing("comparing the video with the product"):
            VideoIdentity(self._results).compare()

    def _start_video_from_all(self) -> None:
        """A photo that may still come is waited for: a video without it would be charged, and one with it too."""
        used = {angle.name for angle in used_angles(self._plan)}
        if to_come := [name for name in self._photos.to_come if name in used]:
            self._tell_video_waits(to_come[0], is_rejected=to_come[0] in self._photos.held_back)
        else:
            self._video.start_from_all()

    def _start_video_without_hero(self) -> None:
        """When the hero's photo is lost for good, the video starts from the first photo that came.

        A hero that may still come is waited for: another video would be charged when it does.
        """
        hero = self._photos.hero
        if not hero.done() or hero.exception() or hero.result():
            name, error = hero_of(list(self._plan.angles)).name, hero.exception() if hero.done() else None
            self._tell_video_waits(name, is_rejected=isinstance(error, RejectedPhotoError))
            return
        self._video.start_without_hero()

    def _tell_video_waits(self, angle: str, *, is_rejected: bool = False) -> None:
        text = f"The video waits for the {angle} photo: resume to try again."
        if is_rejected:
            text = (
                f"The video waits, because the {angle} photo was rejected: accept it, choose another take, or buy another "
                "one."
            )
        self._results.reporter.tell(events.Note(text=text))
