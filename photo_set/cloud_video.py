# SPDX-License-Identifier: GPL-3.0-or-later
"""The video that fal.ai makes from a photo of a set."""

from collections.abc import Callable
from pathlib import Path

from ..fal_bridge.jobs import JobResult, Kind
from ..fal_bridge.journal import Stage
from ..messages import events
from ..messages.errors import PhotorealError
from ..optics.angles import Angle
from . import prompts
from .choices import Engine
from .cloud_jobs import CloudJobs, failure, paid_by_entry, paid_by_result
from .folder import Record
from .labels import VIDEO_LABEL
from .rejection import is_rejected
from .results import SetResults
from .takes import FOLDERS, Shelf, identity_of, takes_in


class CloudVideo:
    """The video of one set. At most one is sent by a run."""

    def __init__(self, results: SetResults, jobs: CloudJobs) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._jobs = jobs
        self.is_started = False

    def start_from_hero(self, hero: Angle, photo: Path) -> None:
        """Have a video made from the hero's ``photo``, unless a paid video serves."""
        self._when_none_is_open(lambda: self._send(self._start_picture(hero, photo)))

    def start_without_hero(self) -> None:
        """Have a video made from the first photo that there is, unless a paid video serves."""
        self._when_none_is_open(self._send_first_photo)

    def _when_none_is_open(self, send: Callable[[], None]) -> None:
        """Fetch what earlier runs have paid for the video, then ``send``; while one stays open, nothing is sent."""
        self.is_started = True

        def keep(_nothing: None) -> None:
            self._keep_strays()
            if not self._uses_stand_in():
                send()

        def lose(error: PhotorealError) -> None:
            self._keep_strays()
            self._results.record_lost_video({**self._facts(), **failure(error)})

        self._jobs.when_ready(self._jobs.settle(VIDEO_LABEL, self._target), keep, lose)

    @property
    def _target(self) -> Path:
        return self._folder.root / FOLDERS[Shelf.VIDEOS] / self._plan.motion

    @property
    def _accepts_picture(self) -> bool:
        return self._plan.endpoint(Kind.VIDEO).images[1] > 0

    def _facts(self) -> Record:
        return {
            "engine": Engine.FAL.value,
            "motion": self._plan.motion,
            "endpoint": self._plan.endpoint(Kind.VIDEO).id,
        }

    def _wanted(self) -> Record:
        """What a video of the plan looks like, besides the photo that it starts from."""
        return {
            **self._facts(),
            "seconds": self._plan.video_seconds,
            "loop": self._plan.loop,
            "prompt": prompts.video_prompt(
                self._plan.motion,
                self._plan.prompt,
                look=self._plan.look,
                is_loop=self._plan.loop,
                product="" if self._accepts_picture else self._plan.source.text or self._plan.product,
            ),
        }

    def _start_picture(self, hero: Angle, photo: Path) -> Path:
        """The take that was chosen when another video was requested, else ``photo``."""
        number = self._results.video().get("start_take")
        takes = takes_in(self._folder.record, Shelf.PHOTOS, hero.name)
        chosen = next((take for take in takes if take["take"] == number), None)
        path = self._folder.root / str((chosen or {}).get("original") or (chosen or {}).get("path", ""))
        return path if chosen and path.is_file() else photo

    def _send_first_photo(self) -> None:
        for entry in self._folder.record["angles"]:
            photo = entry.get("photo", {})
            if photo.get("state") == "done" and not is_rejected(photo):
                text = f"The hero's photo is lost, so the video starts from the {entry['name']} photo."
                self._results.reporter.tell(events.Warning(text=text))
                self._send(self._folder.root / photo["path"], stand_in=entry["name"])
                return
        error = "There is no photo that the video could start from."
        self._results.record_lost_video({**self._facts(), "state": "failed", "error": error})

    def _send(self, photo: Path, *, stand_in: str = "") -> None:
        """Have a video made from ``photo``; ``stand_in`` names its angle when it is not the hero."""
        endpoint = self._plan.endpoint(Kind.VIDEO)
        if endpoint.note:
            self._results.reporter.tell(events.Warning(text=f"{endpoint.id}: {endpoint.note}"))
        facts = {**self._wanted(), **({"stand_in": stand_in} if stand_in else {})}
        generation = self._plan.generation(
            Kind.VIDEO,
            VIDEO_LABEL,
            images=(photo,) if self._accepts_picture else (),
            end_image=photo if self._plan.loop else None,
            prompt=facts["prompt"],
            negative_prompt=prompts.MOTIONS[self._plan.motion].unwanted,
            seconds=facts["seconds"],
            take=self._results.video().get("takes", 1),
            about=facts,
        )

        def keep(result: JobResult) -> None:
            if self._results.takes.want(Shelf.VIDEOS, self._plan.motion, result.request_id) is None:
                made = {**facts, "state": "done", **paid_by_result(result)}
                self._results.record_video(made, {"": result.path})
            self._results.end_waiting_for_video()

        def lose(_error: PhotorealError, failed: Record) -> None:
            self._results.record_lost_video({**facts, **failed})

        self._jobs.run(generation, self._target, keep, lose)

    def _keep_strays(self) -> None:
        """Videos that earlier runs have paid and that the set does not list."""
        for entry, path in self._jobs.strays(VIDEO_LABEL, Shelf.VIDEOS, self._plan.motion):
            about = entry.facts[Stage.IN_FLIGHT].get("about")
            known = about if isinstance(about, dict) else {}
            facts = {**self._facts(), **known, "state": "done", **paid_by_entry(entry)}
            if facts["motion"] == self._plan.motion:
                self._results.record_video(facts, {"": path}, is_wanted=False)

    def _uses_stand_in(self) -> bool:
        """Whether a paid video from another photo, made when the hero was lost, is as wanted now: then it is kept."""
        wanted = self._wanted()
        for take in takes_in(self._folder.record, Shelf.VIDEOS, self._plan.motion):
            if take.get("stand_in") and self._folder.has(take, **wanted):
                self._results.takes.want(Shelf.VIDEOS, self._plan.motion, identity_of(take))
                self._results.end_waiting_for_video()
                text = (
                    f"The video from the {take['stand_in']} photo is kept: another one would be charged too. "
                    "Redo the video to buy one from the hero's photo."
                )
                self._results.reporter.tell(events.Note(text=text))
                return True
        return False
