# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos made by fal.ai from the renders of a set: requested, compared with their renders, requested again, enlarged."""

import functools
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..fal_bridge.errors import FINALLY_LOST, ForgottenError
from ..fal_bridge.jobs import Generation, JobResult, Kind
from ..fal_bridge.journal import Stage
from ..imaging.compose import png
from ..messages import events
from ..messages.errors import PhotorealError
from ..optics.angles import Angle, hero_of
from . import prompts
from .choices import Engine
from .cloud_enlargement import Enlarger
from .cloud_jobs import CloudJobs, failure, paid_by_entry, paid_by_result
from .folder import Record, angle_record
from .labels import photo_label
from .photo_check import Checked, PhotoCheck
from .photo_files import source_of
from .photo_inputs import extended, photo_inputs, photo_text
from .readiness import Readiness
from .rejection import RejectedPhotoError, is_rejected, reason_of
from .results import SetResults
from .set_json import Pending
from .set_json_fidelity import RetryRecord
from .takes import Shelf, identity_of
from .tries import asked_for, best_of, rank, retries_of, wish_of

CHANGED = (
    "realigned",
    "locked",
    "matched",
)  # Members of ``fidelity`` of photos that are not shown as received.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A photo that is asked for. ``wish`` is that of all its tries; ``retries`` is how many came before this one."""

    angle: Angle
    hero: Path | None
    generation: Generation
    wish: str
    retries: int


class CloudPhotos:
    """The photos of one set.

    ``when_photographed`` gets each photo once it is kept and not held back. ``hero`` becomes the hero's photo; None when
    it is lost for good, an error when it may still come or is rejected. ``readiness``: what the photos are compared with.
    """

    def __init__(
        self, results: SetResults, jobs: CloudJobs, when_photographed: Callable[[Angle, Path], None]
    ) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._jobs = jobs
        self._when_photographed = when_photographed
        self._check = PhotoCheck(results)
        self._enlarger = Enlarger(results, jobs)
        self.hero: Future[Path | None] = Future()
        self.readiness = Readiness()
        self.to_come: list[str] = []  # The angles whose photos this run has not got, and a later one may get.
        self.held_back: list[str] = []  # Those of them that are rejected.

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

    # --- requesting -----------------------------------------------------------------------------

    def _send(self, angle: Angle, hero: Path | None) -> None:
        """Request the photo or its next retry. The hero's photo starts the video when it comes."""
        self._results.await_photo(angle)
        wanted = self._wanted(angle, hero)
        label, target = wanted.generation.label, self._folder.root / "photos" / "original" / angle.name

        def keep(result: JobResult) -> None:
            take = self._keep(wanted, result)
            self._keep_strays(label, angle)
            if not self._asks_again(wanted, take):
                self._settle(wanted, take)

        def keep_earlier(_nothing: None) -> None:
            self._keep_strays(label, angle)
            self._settle(wanted, self._best(wanted))

        def lose(error: PhotorealError, facts: Record) -> None:
            try:
                self._keep_strays(label, angle)
            finally:  # Where they cannot be written either, the error must not disappear.
                is_final = isinstance(error, FINALLY_LOST) and not wanted.retries
                if not is_final:
                    self.to_come.append(angle.name)
                if is_final and self._has_good_photo(angle):
                    self._settle(wanted, None)  # What follows is made from the photo from before.
                elif self._is_hero(angle):
                    self._settle_lost_hero(error, is_retry=wanted.retries > 0)
                given_up = isinstance(error, ForgottenError)
                self._results.record_lost_photo(angle, facts, is_given_up=given_up)

        def lose_earlier(error: PhotorealError) -> None:
            lose(error, {**failure(error), "endpoint": wanted.generation.endpoint})

        best = self._best(wanted)
        if wanted.retries and best and not is_rejected(best):  # A person has accepted an earlier try.
            self._jobs.when_ready(self._jobs.settle(label, target), keep_earlier, lose_earlier)
            return
        after = self.readiness.of(angle.name) if self._plan.checks_photos else None
        self._jobs.run(wanted.generation, target, keep, lose, after=after)

    def _wanted(self, angle: Angle, hero: Path | None) -> _Wanted:
        render = self._folder.root / "renders" / f"{angle.name}.png"
        images = (render, hero) if hero else (render,)
        entry, inputs = self._results.angle(angle), photo_inputs(self._plan, self._folder, angle)
        take = entry.get("takes", 1)
        prompt = photo_text(self._plan, angle, has_hero=hero is not None)
        prompt = extended(self._plan, prompt, asked_for(entry, take))
        wish = wish_of(self._plan, angle, prompt, images, take)
        retries = retries_of(entry, wish)[: self._plan.photo_retries]
        if retries:
            prompt = extended(self._plan, prompt, retries[-1]["prompt"])
        generation = self._plan.generation(
            Kind.PHOTO,
            photo_label(angle.name),
            images=images,
            prompt=prompt,
            can_wait=self._can_wait(angle),
            take=take + len(retries),
            stand_in=functools.partial(self._stand_in, angle),
            **inputs,
        )
        return _Wanted(angle=angle, hero=hero, generation=generation, wish=wish, retries=len(retries))

    def _asks_again(self, wanted: _Wanted, take: Record) -> bool:
        """Whether another photo is requested in place of ``take``. The decision is on disk before the request."""
        allowed, best = self._plan.photo_retries, self._best(wanted) or take
        if not is_rejected(best) or wanted.retries >= allowed or self._results.stop.is_asked:
            return False
        if self._check.has_other_shape(wanted.angle, take):
            return False  # The endpoint would give another photo of that shape, which costs as much.
        angle, reason = wanted.angle, reason_of(take)
        retry: RetryRecord = {
            "wish": wanted.wish,
            "prompt": prompts.retry_prompt(reason),
            "because": reason,
        }
        waiting: Record = {"engine": Engine.FAL.value, "state": "waiting"}
        with self._folder.change() as record:
            entry = angle_record(record, angle.name)
            entry["retries"] = [*entry.get("retries", []), retry]
            entry["pending"] = cast(Pending, waiting)
        text = f"{angle.name}: rejected. {reason} Another photo is requested ({wanted.retries + 1} of {allowed})."
        self._results.reporter.tell(events.Note(text=text))
        self._send(angle, wanted.hero)
        return True

    # --- keeping --------------------------------------------------------------------------------

    def _keep(self, wanted: _Wanted, result: JobResult) -> Record:
        """Make the received photo the one that the plan asks for; of several tries the best one is shown."""
        takes, angle = self._results.takes, wanted.angle
        take = takes.found(Shelf.PHOTOS, angle.name, result.request_id)
        if take is None:
            self._results.tell_restored(Shelf.PHOTOS, angle.name, result.request_id)
            checked = self._check.check(angle, result.path, result.request_id)
            facts = {
                **self._facts(paid_by_result(result), checked, result.path, wanted.wish),
                "seed": result.seed,
                "prompt": wanted.generation.prompt,
            }
            self._tell(angle, facts)
            files = {"": png(checked.picture)}
            return takes.add(Shelf.PHOTOS, angle.name, facts, files, shown=self._better_than(facts, wanted))
        if not result.is_stand_in:
            take = self._checked_again(wanted, take, result)
        takes.want(Shelf.PHOTOS, angle.name, result.request_id, shown=self._better_than(take, wanted))
        return take

    def _checked_again(self, wanted: _Wanted, take: Record, result: JobResult) -> Record:
        """``take``, compared with what its angle is rendered as now. What a person has accepted stays so."""
        known = take.get("fidelity") or {}
        is_current = known.get("checked_with") == self._check.digest(wanted.angle)
        if not known or known.get("accepted") or not self._plan.checks_photos or is_current:
            return take
        checked = self._check.check(wanted.angle, result.path, result.request_id)
        facts = self._facts(paid_by_result(result), checked, result.path, wanted.wish)
        self._tell(wanted.angle, facts)
        is_moved = any(name in one for name in CHANGED for one in (known, facts["fidelity"]))
        picture = png(checked.picture) if is_moved else None
        kept = facts if is_moved else {"fidelity": facts["fidelity"]}
        without = ("enlargement",) if is_moved else ()
        name, identity = wanted.angle.name, result.request_id
        self._results.takes.renew(Shelf.PHOTOS, name, identity, kept, picture, without=without)
        return self._results.takes.found(Shelf.PHOTOS, name, identity) or take

    def _settle(self, wanted: _Wanted, take: Record | None) -> None:
        """Nothing more is requested: continue with the best photo, or hold back what follows from it."""
        angle = wanted.angle
        self._results.end_waiting(angle)
        best = self._best(wanted) or take or self._results.takes.chosen(Shelf.PHOTOS, angle.name)
        if not self._plan.checks_photos:
            best = self._released(angle, best)
        if is_rejected(best):
            shown = self._results.takes.chosen(Shelf.PHOTOS, angle.name)
            if is_rejected(shown):
                self._hold_back(angle, shown)
                return
            best = shown  # The user has chosen a photo from before.
        file = source_of(self._folder.root, best)
        self._enlarger.fit(angle, best, file, can_wait=self._can_wait(angle))
        self._when_photographed(angle, file)
        if self._is_hero(angle) and not self.hero.done():
            self.hero.set_result(file)

    def _released(self, angle: Angle, photo: Record) -> Record:
        """The photo, which is not held back as long as nothing is compared; the next check judges it again."""
        if not is_rejected(photo):
            return photo
        found = {name: value for name, value in photo["fidelity"].items() if name != "checked_with"}
        facts: Record = {"fidelity": {**found, "rejected": False}}
        self._results.takes.renew(Shelf.PHOTOS, angle.name, identity_of(photo), facts)
        return {**photo, **facts}

    def _hold_back(self, angle: Angle, photo: Record) -> None:
        text = f"{angle.name}: the photo is rejected. {reason_of(photo)}"
        self._results.reporter.tell(events.Warning(text=text))
        self.to_come.append(angle.name)
        self.held_back.append(angle.name)
        if self._is_hero(angle) and not self.hero.done():
            self.hero.set_exception(RejectedPhotoError(text))

    def _settle_lost_hero(self, error: PhotorealError, *, is_retry: bool) -> None:
        if self.hero.done():
            return
        if is_retry:
            self.hero.set_exception(RejectedPhotoError(str(error)))
        elif isinstance(error, FINALLY_LOST):
            self.hero.set_result(None)  # The other angles are photographed without it.
        else:
            self.hero.set_exception(error)

    # --- parts ----------------------------------------------------------------------------------

    def _stand_in(self, angle: Angle, request_id: str) -> Path | None:
        """The photo as the set shows it, where the file that was received for a request is lost."""
        if self._plan.with_hero and self._is_hero(angle):
            return None  # The other photos were made with the file as received.
        return self._results.stand_in(Shelf.PHOTOS, angle.name, request_id)

    def _has_good_photo(self, angle: Angle) -> bool:
        photo = self._results.angle(angle).get("photo", {})
        return "path" in photo and not is_rejected(photo)

    def _best(self, wanted: _Wanted) -> Record | None:
        return best_of(self._results, wanted.angle, wanted.wish)

    def _better_than(self, facts: Record, wanted: _Wanted) -> str:
        """The identity of an earlier try that is better; "" without one."""
        best = self._best(wanted)
        return identity_of(best) if best and rank(best) < rank(facts) else ""

    def _tell(self, angle: Angle, facts: Record) -> None:
        """Report the verdict to programs, and what was changed or should be looked at to people."""
        found = facts.get("fidelity")
        if not found:
            return
        reporter, reason = self._results.reporter, str(found["reason"])
        reporter.tell(
            events.Checked(
                angle=angle.name,
                verdict=found["verdict"],
                reason=reason,
                rejected=found["rejected"],
                request_id=str(facts.get("request_id", "")),
            )
        )
        if moved := found.get("realigned"):
            text = f"{angle.name}: the photo was moved back onto its render; {moved.get('residual', 0.0):.2%} remain."
            reporter.tell(events.Note(text=text))
        if found["verdict"] == "look":
            reporter.tell(events.Note(text=f"{angle.name}: look at the photo. {reason}"))

    def _facts(self, paid: Record, checked: Checked, original: Path, wish: str = "") -> Record:
        facts: Record = {
            "engine": Engine.FAL.value,
            "state": "done",
            **paid,
            "width": checked.picture.width,
            "height": checked.picture.height,
            "original": self._folder.relative(original),
            **checked.facts,
        }
        if wish and checked.record:
            facts["fidelity"] = {**checked.record, "wish": wish}
        return facts

    def _keep_strays(self, label: str, angle: Angle) -> None:
        """Photos of ``angle`` that earlier runs have paid and only this one has fetched."""
        for entry, path in self._jobs.strays(label, Shelf.PHOTOS, angle.name):
            checked = self._check.check(angle, path, str(entry.facts[Stage.DONE].get("request_id", "")))
            facts = self._facts(paid_by_entry(entry), checked, path)
            facts["seed"] = entry.facts[Stage.DONE].get("seed")
            files = {"": png(checked.picture)}
            self._results.takes.add(Shelf.PHOTOS, angle.name, facts, files, is_wanted=False)
