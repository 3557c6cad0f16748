# SPDX-License-Identifier: GPL-3.0-or-later
"""The video that fal.ai makes from the photos of a set, or from a video by Cycles and photos."""

from collections.abc import Callable
from pathlib import Path

from ..fal_bridge.errors import ForgottenError
from ..fal_bridge.jobs import JobResult, Kind, Role
from ..fal_bridge.journal import Stage
from ..messages import events
from ..messages.errors import PhotorealError
from ..optics.angles import Angle, hero_of
from . import prompts, video_plan
from .choices import Engine
from .cloud_jobs import CloudJobs, failure, paid_by_entry, paid_by_result
from .folder import Record
from .labels import VIDEO_LABEL
from .photo_files import is_source_gone, source_of
from .rejection import is_rejected
from .results import SetResults
from .takes import FOLDERS, Shelf, chosen_number, identity_of, takes_in


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

    def start_from_all(self) -> None:
        """Have a video made from the photos that there are, unless a paid video serves."""
        self._when_none_is_open(self._send_all)

    def _when_none_is_open(self, send: Callable[[], None]) -> None:
        """Fetch what earlier runs have paid for the video, then ``send``; while one stays open, nothing is sent."""
        self.is_started = True

        def keep(_nothing: None) -> None:
            self._keep_strays()
            if not self._keeps_paid_video():
                send()

        def lose(error: PhotorealError) -> None:
            try:
                self._keep_strays()
            finally:  # Where they cannot be written either, the error must not disappear.
                self._results.record_lost_video({**self._facts(), **failure(error)})

        self._jobs.when_ready(self._jobs.settle(VIDEO_LABEL, self._target), keep, lose)

    @property
    def _target(self) -> Path:
        """The place of the file as received, without its extension."""
        return self._folder.root / FOLDERS[Shelf.VIDEOS] / "original" / self._plan.motion

    def _original(self, path: Path) -> Record:
        return {"original": self._folder.relative(path)}

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
            "loop": video_plan.loops(self._plan),
            "prompt": video_plan.video_text(self._plan),
        }

    def _start_picture(self, hero: Angle, photo: Path) -> Path:
        """The take that was chosen when another video was requested, else ``photo``."""
        number = self._results.video().get("start_take")
        takes = takes_in(self._folder.record, Shelf.PHOTOS, hero.name)
        chosen = next((take for take in takes if take["take"] == number), None)
        path = source_of(self._folder.root, chosen or {})
        return path if chosen and path.is_file() else photo

    def _photo(self, angle: Angle) -> Path | None:
        """The photo of an angle as the video gets it: that of the plan, or the one that was chosen for another video."""
        video, takes = self._results.video(), self._results.takes
        number = video.get("photo_takes", {}).get(angle.name)
        listed = takes_in(self._folder.record, Shelf.PHOTOS, angle.name)
        take = next((one for one in listed if one["take"] == number), None)
        take = take or takes.wanted(Shelf.PHOTOS, angle.name)
        if is_rejected(take):  # Of several tries the set shows the best one.
            take = next((one for one in listed if one["take"] == self._shown_take(angle)), None)
        path = source_of(self._folder.root, take or {})
        return path if take and path.is_file() and not is_rejected(take) else None

    def _shown_take(self, angle: Angle) -> int:
        return chosen_number(self._folder.record, Shelf.PHOTOS, angle.name)

    def _send_all(self) -> None:
        if video_plan.is_from_render(self._plan) and self._results.video_input is None:
            error = "The video that it is made from is not rendered."
            self._results.record_lost_video({**self._facts(), "state": "waiting", "error": error})
            return
        hero = self._photo(hero_of(list(self._plan.angles)))
        if hero is None:
            self._send_first_photo()
        else:
            self._send(hero)

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
        """Have a video made from ``photo``; ``stand_in`` names its angle when it is not the hero.

        A photo whose source is gone also counts as a stand-in, because the source may be found again.
        """
        endpoint = self._plan.endpoint(Kind.VIDEO)
        if endpoint.note:
            self._results.reporter.tell(events.Warning(text=f"{endpoint.id}: {endpoint.note}"))
        files, sources = self._files()
        if not stand_in and self._lacks_sources():
            stand_in = hero_of(list(self._plan.angles)).name
        facts = {**self._wanted(), **sources, **({"stand_in": stand_in} if stand_in else {})}
        is_last_too = endpoint.end_image_field and video_plan.loops(self._plan)
        generation = self._plan.generation(
            Kind.VIDEO,
            VIDEO_LABEL,
            images=(photo,),
            end_image=photo if is_last_too else None,
            files=files,
            settings=video_plan.video_settings(self._plan),
            prompt=facts["prompt"],
            negative_prompt=prompts.MOTIONS[self._plan.motion].unwanted,
            seconds=facts["seconds"],
            take=self._results.video().get("takes", 1),
            about=facts,
            stand_in=lambda request_id: self._results.stand_in(Shelf.VIDEOS, self._plan.motion, request_id),
        )

        def keep(result: JobResult) -> None:
            if self._results.takes.want(Shelf.VIDEOS, self._plan.motion, result.request_id) is None:
                self._results.tell_restored(Shelf.VIDEOS, self._plan.motion, result.request_id)
                made = {**facts, "state": "done", **paid_by_result(result), **self._original(result.path)}
                self._results.record_video(made, {"": result.path})
            self._results.end_waiting_for_video()

        def lose(error: PhotorealError, failed: Record) -> None:
            given_up = isinstance(error, ForgottenError)
            self._results.record_lost_video({**facts, **failed}, is_given_up=given_up)

        self._jobs.run(generation, self._target, keep, lose)

    def _files(self) -> tuple[dict[Role, tuple[Path, ...]], Record]:
        """The files besides the first and the last frame, and what ``set.json`` says of them."""
        if not video_plan.waits_for_all_photos(self._plan):
            return {}, {}
        photos = {angle.name: self._photo(angle) for angle in video_plan.used_angles(self._plan)}
        found = {name: path for name, path in photos.items() if path is not None}
        missing = [name for name in photos if name not in found]
        sources: Record = {"photos": list(found), **({"missing": missing} if missing else {})}
        if video_plan.is_from_render(self._plan):
            video = self._results.video_input
            assert video is not None, "it is checked before"
            sources["input"] = self._folder.record["video_input"]["sha256"]
            return {Role.VIDEO: (video,), Role.REFERENCE: tuple(found.values())}, sources
        names = [angle.name for angle in video_plan.key_angles(self._plan)]
        return {Role.MIDDLE: tuple(found[name] for name in names if name in found)}, sources

    def _keep_strays(self) -> None:
        """Videos that earlier runs have paid and that the set does not list."""
        for entry, path in self._jobs.strays(VIDEO_LABEL, Shelf.VIDEOS, self._plan.motion):
            about = entry.facts[Stage.IN_FLIGHT].get("about")
            known = about if isinstance(about, dict) else {}
            facts = {
                **self._facts(),
                **known,
                "state": "done",
                **paid_by_entry(entry),
                **self._original(path),
            }
            if facts["motion"] == self._plan.motion:
                self._results.record_video(facts, {"": path}, is_wanted=False)

    def _keeps_paid_video(self) -> bool:
        """Whether a paid video is as wanted now, but made from other files than there are: kept until it is redone.

        It was made when photos were lost, or the files that it was made from are gone.
        """
        if "pending" in self._results.video():
            return False
        wanted, takes, motion = self._wanted(), self._results.takes, self._plan.motion
        is_source_lost = self._lacks_sources()
        newest_first = reversed(takes_in(self._folder.record, Shelf.VIDEOS, motion))
        for take in filter(None, (takes.wanted(Shelf.VIDEOS, motion), *newest_first)):
            is_lesser = take.get("stand_in") or take.get("missing")
            if (is_source_lost or is_lesser) and self._folder.has(take, **wanted):
                takes.want(Shelf.VIDEOS, motion, identity_of(take))
                self._results.end_waiting_for_video()
                self._results.reporter.tell(
                    events.Note(text=self._why_kept(take, is_source_lost=is_source_lost))
                )
                return True
        return False

    def _why_kept(self, take: Record, *, is_source_lost: bool) -> str:
        stand_in, missing = take.get("stand_in"), take.get("missing")
        if is_source_lost or stand_in == hero_of(list(self._plan.angles)).name:
            made, other = "from other files of the photos", "from those there are"
        elif stand_in:
            made, other = f"from the {stand_in} photo", "from the hero's photo"
        else:
            made, other = f"without the {' and the '.join(missing or ())} photo", "from all photos"
        return f"The video made {made} is kept: another one would be charged too. Redo the video to buy one {other}."

    def _lacks_sources(self) -> bool:
        """Whether there is a photo for the video of which only the file is left that the set shows."""
        return any(map(self._lacks_source, video_plan.used_angles(self._plan)))

    def _lacks_source(self, angle: Angle) -> bool:
        """Whether the source of a take is gone that the video may have been made from."""
        video, wanted = self._results.video(), self._results.takes.wanted(Shelf.PHOTOS, angle.name)
        chosen = (video.get("start_take"), video.get("photo_takes", {}).get(angle.name))
        numbers = {*chosen, self._shown_take(angle), (wanted or {}).get("take")}
        listed = takes_in(self._folder.record, Shelf.PHOTOS, angle.name)
        return any(is_source_gone(self._folder.root, take) for take in listed if take["take"] in numbers)
