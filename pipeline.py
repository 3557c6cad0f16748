# SPDX-License-Identifier: GPL-3.0-or-later
"""A set from start to end: model, references, photos, film; rendering and the cloud side by side.

The main thread renders. What fal makes goes through the bridge, on its thread, the moment its picture is
on disk. Each result stands in ``set.json`` as soon as it is there, so a run that died goes on where it
was: finished files that still fit are kept, paid jobs are found in the journal.
"""

import contextlib
import hashlib
import io
import json
import logging
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import bpy
from PIL import Image

from . import prompts
from .angles import Angle, hero_first, hero_of
from .errors import STOPPED_EXIT_CODE, InputError, MachineError, PhotorealError
from .estimates import Bill, money
from .fal_bridge import costs
from .fal_bridge.bridge import Bridge
from .fal_bridge.errors import CeilingReachedError, StoppedError, UncertainSubmitError
from .fal_bridge.jobs import Generation, Job, JobResult, Kind
from .files import copy_atomically, write_atomically
from .imaging.compose import Background, compose, fill_of, mask_of
from .imaging.report import build_report
from .interrupts import Stop
from .plan import LANCZOS, Engine, SetPlan, SourceKind, needs_conversion
from .plan_record import plan_record
from .progress import Reporter
from .set_folder import Record, SetFolder, SetState, angle_record
from .studio import render, rig, turntable
from .studio.session import Session, convert_to_glb, open_session
from .version import VERSION

log = logging.getLogger(__name__)

LEAST_FILL, MOST_FILL = 0.85, 0.90
MOTION = prompts.TURNTABLE  # The one that Cycles films.


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. ``exit_code`` is that of the command line."""

    state: SetState
    exit_code: int
    folder: Path


def run_set(plan: SetPlan, reporter: Reporter, bill: Bill | None = None, stop: Stop | None = None) -> Outcome:
    """Make the set of ``plan``, or finish the one that is in its folder.

    ``bill`` says what it may spend; a plan that asks nothing of fal needs none. After ``stop`` is asked
    nothing more is rendered or sent, and what is paid is still brought home.

    Raises PhotorealError for what ends the whole run; a fault of one angle or of the film is recorded
    and the rest goes on.
    """
    plan.check()
    folder = SetFolder.prepare(
        plan.out,
        product=plan.product,
        source=plan.source.record(),
        tool={"name": "Photoreal Set", "version": VERSION, "blender": bpy.app.version_string},
        plan=plan_record(plan),
    )
    reporter.tell("started", product=plan.product, summary=_summary(plan), set=str(folder.root))
    run = _Run(plan, folder, reporter, bill, stop or Stop())
    try:
        try:
            outcome = run.go()
        finally:
            run.close_bill()
    except PhotorealError as error:
        states = {UncertainSubmitError: SetState.HELD, StoppedError: SetState.PARTIAL}
        state = states.get(type(error), SetState.FAILED)
        with folder.change() as record:
            record["state"], record["error"] = state.value, str(error)
        folder.write_report(build_report(folder.record))
        if isinstance(error, InputError):
            folder.discard()
        raise
    folder.write_report(build_report(folder.record))
    return outcome


def _summary(plan: SetPlan) -> str:
    photos = "Cycles" if plan.engine is Engine.CYCLES else plan.photo_endpoint
    film = {None: "no film", Engine.CYCLES: "film by Cycles", Engine.FAL: f"film by {plan.video_endpoint}"}
    return f"{len(plan.angles)} angles, photos by {photos}, {film[plan.video]}"


class _StopRenderingError(Exception):
    """The user asked to stop; what is paid is still brought home."""


class _Run:
    """One run over one set folder."""

    def __init__(
        self, plan: SetPlan, folder: SetFolder, reporter: Reporter, bill: Bill | None, stop: Stop
    ) -> None:
        self._bill = bill
        self._stop = stop
        self._is_at_ceiling = False
        self._hero_photo: Future[Path | None] = Future()
        self._plan = plan
        self._folder = folder
        self._reporter = reporter
        self._bridge: Bridge | None = None
        self._waiting: list[Future[None]] = []
        self._told_of_denoiser = False
        self._film_sent = False

    def go(self) -> Outcome:
        plan = self._plan
        with ExitStack() as stack:
            if plan.uses_fal:
                assert plan.service is not None
                bridge = Bridge(
                    plan.service,
                    self._folder.journal,
                    self._show_job,
                    keep_uploads=plan.keep_uploads,
                    webhook=plan.webhook,
                    endpoints=plan.endpoints,
                    spending=self._bill.spending if self._bill else None,
                    inline_bytes=plan.inline_bytes,
                )
                self._bridge = stack.enter_context(bridge)
                self._stop.when_asked(bridge.send_no_more)
                self._stop.when_leaving(bridge.leave)
                self._stop.when_leaving(self._close_bill_in_haste)
            self._open_bill()
            self._keep_source()
            try:
                self._make(stack)
            except _StopRenderingError:
                self._reporter.tell("note", text="Stopped. What is paid is brought home.")
            self._wait_for_cloud()
        return self._finish()

    def _make(self, stack: ExitStack) -> None:
        """The model, and everything that is rendered or sent."""
        self._get_model()
        session = stack.enter_context(
            open_session(
                self._folder.model,
                resolution=self._plan.resolution,
                device=self._plan.device,
                name=self._plan.source.model_name,
            )
        )
        self._record_model(session)
        self._render_references(session)
        if self._plan.engine is Engine.CYCLES:
            self._photograph(session)
        if self._plan.video is Engine.CYCLES:
            self._film(session)

    def _check_stop(self) -> None:
        """Before each render, which itself cannot be interrupted."""
        if self._stop.is_asked:
            raise _StopRenderingError

    def _open_bill(self) -> None:
        estimate = self._bill.estimate.record() if self._bill else {"min": 0.0, "max": 0.0}
        with self._folder.change() as record:
            record["cost"] = {**record["cost"], "estimate": estimate, "currency": "USD"}
        if self._bill and self._bill.estimate.jobs:
            known = money(self._bill.estimate.known)
            more = " and what is unknown" if self._bill.estimate.unknown else ""
            self._reporter.tell("note", text=f"The whole set costs {known} dollars{more}.")

    def close_bill(self) -> None:
        """Write down what was spent, by the journal: all attempts, also those of earlier runs."""
        paid = costs.costs_in(self._folder.journal, self._folder.record["product"])
        if paid:
            write_atomically(self._folder.root / "costs.csv", costs.as_csv(paid).encode())
        with self._folder.change() as record:
            record["cost"]["actual"] = float(costs.total(paid))
            record["cost"].pop("unknown", None)
            if unknown := sum(cost.amount is None for cost in paid):
                record["cost"]["unknown"] = unknown  # Requests that may have cost something.

    def _close_bill_in_haste(self) -> None:
        with contextlib.suppress(PhotorealError, OSError):  # The next run does it.
            self.close_bill()

    # --- the model ------------------------------------------------------------------------------

    def _keep_source(self) -> None:
        if self._plan.source.kind is SourceKind.PHOTOS:
            source = self._plan.source
            for name, path in zip(source.kept_names, source.files, strict=True):
                copy_atomically(path, self._folder.root / "source" / name)

    def _get_model(self) -> None:
        """Bring the product's GLB into the folder: a copy, a conversion, or a paid job."""
        source, target = self._plan.source, self._folder.model
        if self._folder.has(self._folder.record["model"]):
            return
        made_by: Record = {}
        faults: list[str] = []
        if source.kind is SourceKind.MODEL:
            if needs_conversion(source.files[0]):
                faults = convert_to_glb(source.files[0].absolute(), target)
            else:
                copy_atomically(source.files[0], target)
        else:
            images = source.files
            if self._plan.concept_endpoint:
                concept = self._draw_concept()
                images, made_by = (concept.path,), {"concept": self._made_by(concept)}
            result = self._generate(
                self._plan.generation(
                    Kind.MODEL,
                    "3D model",
                    images=images,
                    addresses=source.addresses,
                    prompt="" if self._plan.concept_endpoint else source.text,
                ),
                target.with_suffix(""),
            ).result()
            made_by = {**made_by, **_paid(result)}
        with self._folder.change() as record:
            record["model"] = {**self._folder.entry(target), **made_by, "source_faults": faults}

    def _draw_concept(self) -> JobResult:
        """A picture of the product from the user's words, for endpoints that model pictures."""
        return self._generate(
            self._plan.generation(
                Kind.CONCEPT, "concept picture", prompt=prompts.concept_prompt(self._plan.source.text)
            ),
            self._folder.root / "source" / "concept",
        ).result()

    def _made_by(self, result: JobResult) -> Record:
        return {
            "path": self._folder.relative(result.path),
            "sha256": result.sha256,
            **_paid(result),
        }

    def _record_model(self, session: Session) -> None:
        product = session.product
        faults = [*self._folder.record["model"].get("source_faults", []), *product.faults]
        with self._folder.change() as record:
            record["model"].update(
                triangles=product.triangles,
                size_m=[round(side, 6) for side in product.size_m],
                standing_matrix=session.standing_matrix,
                faults=faults,
            )
            kept = {entry["name"]: entry for entry in record["angles"]}
            record["angles"] = [
                {
                    **kept.get(angle.name, {}),
                    "name": angle.name,
                    "azimuth": angle.azimuth,
                    "elevation": angle.elevation,
                }
                for angle in self._plan.angles
            ]
        for fault in faults:
            self._reporter.tell("warning", text=fault)

    # --- references -----------------------------------------------------------------------------

    def _render_references(self, session: Session) -> None:
        session.light(rig.REFERENCE)
        angles = hero_first(list(self._plan.angles))
        for index, angle in enumerate(angles):
            self._check_stop()
            self._progress("references", index, len(angles), angle.name)
            self._render_reference(session, angle)
            if self._plan.engine is Engine.FAL:
                self._send_to_photographer(angle)
        self._progress("references", len(angles), len(angles))

    def _render_reference(self, session: Session, angle: Angle) -> None:
        quality = self._quality(render.REFERENCE)
        made_with = self._made_with(angle, quality, rig.REFERENCE)
        entry = self._angle(angle)
        mask_file = self._folder.root / "masks" / f"{angle.name}.png"
        if self._folder.has(entry.get("render"), made_with=made_with) and mask_file.is_file():
            return
        target_fill = angle.fill
        framing = session.framing(angle)
        shot = session.shoot(framing, angle, quality)
        self._note_denoiser(session)
        mask = mask_of(shot.colour)
        fill = fill_of(mask)
        if angle.shows_whole_product and fill and not LEAST_FILL <= fill <= MOST_FILL:
            # Transparent materials: less is seen than the vertices span.
            target_fill = angle.fill * angle.fill / fill
            framing = session.framing(angle, fill=target_fill)
            shot = session.shoot(framing, angle, quality)
            mask = mask_of(shot.colour)
            fill = fill_of(mask)
        picture = compose(shot.colour, shot.shadow, self._plan.background)
        stored_mask = self._folder.store(f"masks/{angle.name}.png", _png(mask))
        stored = self._folder.store(f"renders/{angle.name}.png", _png(picture))
        with self._folder.change() as record:
            angle_record(record, angle.name).update(
                camera={
                    "matrix_world": framing.matrix.tolist(),
                    "lens_mm": framing.lens_mm,
                    "sensor_mm": framing.sensor_mm,
                },
                render={
                    **stored,
                    "width": picture.width,
                    "height": picture.height,
                    "samples": shot.samples,
                    "seconds": round(shot.seconds, 2),
                    "target_fill": target_fill,
                    "made_with": made_with,
                },
                mask=stored_mask["path"],
                fill=round(fill, 4),
            )

    def _note_denoiser(self, session: Session) -> None:
        if not session.has_denoiser and not self._told_of_denoiser:
            self._told_of_denoiser = True
            self._reporter.tell(
                "note", text="This Blender was built without OpenImageDenoise: more samples instead, slower."
            )

    # --- photos and film by Cycles --------------------------------------------------------------

    def _photograph(self, session: Session) -> None:
        session.light(rig.PHOTO)
        quality = self._quality(render.PHOTO)
        angles = self._plan.angles
        for index, angle in enumerate(angles):
            self._check_stop()
            self._progress("photos", index, len(angles), angle.name)
            made_with = self._made_with(angle, quality, rig.PHOTO)
            entry = self._angle(angle)
            if self._folder.has(entry.get("photo"), made_with=made_with):
                self._offer_to_filmmaker(angle, self._folder.root / entry["photo"]["path"])
                continue
            framing = session.framing(angle, fill=entry["render"]["target_fill"])
            shot = session.shoot(framing, angle, quality)
            picture = compose(shot.colour, shot.shadow, self._plan.background)
            self._record_photo(
                angle,
                {
                    **self._folder.store(f"photos/{angle.name}.png", _png(picture)),
                    "engine": Engine.CYCLES.value,
                    "state": "done",
                    "samples": shot.samples,
                    "seconds": round(shot.seconds, 2),
                    "made_with": made_with,
                },
            )
            self._offer_to_filmmaker(angle, self._folder.root / "photos" / f"{angle.name}.png")
        self._progress("photos", len(angles), len(angles))

    def _film(self, session: Session) -> None:
        session.light(rig.PHOTO)
        quality = self._quality(render.VIDEO)
        made_with = self._made_with(None, quality, rig.PHOTO)
        if any(self._folder.has(entry, made_with=made_with) for entry in self._folder.record["videos"]):
            return
        began = time.monotonic()
        target = self._folder.root / "video" / f"{MOTION}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        side = turntable.frame_side(self._plan.resolution)
        with tempfile.TemporaryDirectory(prefix="photoreal-film-") as scratch:
            frames = []
            self._progress("film", 0, turntable.FRAMES)
            for index, shot in enumerate(session.turntable(quality)):
                path = Path(scratch) / f"{index:04}.png"
                path.write_bytes(_png(compose(shot.colour, shot.shadow, self._film_background())))
                frames.append(path)
                self._progress("film", index + 1, turntable.FRAMES)
                self._check_stop()
            turntable.encode(frames, target, side)
        self._record_video(
            {
                **self._folder.entry(target),
                "engine": Engine.CYCLES.value,
                "motion": MOTION,
                "seconds": turntable.SECONDS,
                "frames": turntable.FRAMES,
                "width": side,
                "height": side,
                "loop": True,
                "state": "done",
                "render_seconds": round(time.monotonic() - began, 1),
                "made_with": made_with,
            }
        )

    def _film_background(self) -> Background:
        """A film has no alpha: white stands in for transparent."""
        wanted = self._plan.background
        return Background.WHITE if wanted is Background.TRANSPARENT else wanted

    # --- photos and film by fal -----------------------------------------------------------------

    def _send_to_photographer(self, angle: Angle) -> None:
        """Now, or when the hero's photo is there to be shown with it."""
        if not self._plan.with_hero or self._is_hero(angle):
            self._photograph_by_fal(angle, None)
            return
        settled: Future[None] = Future()
        self._waiting.append(settled)

        def go_on(hero: Future[Path | None]) -> None:
            try:
                self._photograph_by_fal(angle, hero.result())
            except PhotorealError:
                self._await_photo(angle)  # Without the hero it would be another picture, paid again later.
            finally:
                settled.set_result(None)

        self._hero_photo.add_done_callback(go_on)

    def _is_hero(self, angle: Angle) -> bool:
        return angle.name == hero_of(list(self._plan.angles)).name

    def _await_photo(self, angle: Angle) -> None:
        with self._folder.change() as record:
            angle_record(record, angle.name).setdefault(
                "photo", {"engine": Engine.FAL.value, "state": "waiting"}
            )

    def _photograph_by_fal(self, angle: Angle, hero: Path | None) -> None:
        """Have the render of ``angle`` re-photographed; the hero's photo starts the film."""
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
        )
        future = self._generate(generation, self._folder.root / "photos" / "original" / angle.name)

        def keep(result: JobResult) -> None:
            with Image.open(result.path) as original:
                picture = original.convert("RGBA" if "A" in original.getbands() else "RGB")
            stored = self._folder.store(f"photos/{angle.name}.png", _png(picture))
            self._record_photo(
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
            self._offer_to_filmmaker(angle, result.path)
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
            self._record_photo(
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
        )
        future = self._generate(generation, original.with_name(f"{angle.name}-enlarged"))

        def keep(result: JobResult) -> None:
            with Image.open(result.path) as enlarged:
                larger = enlarged.convert("RGBA" if "A" in enlarged.getbands() else "RGB")
            facts = {"state": "done", **_paid(result), "original": self._folder.relative(result.path)}
            self._record_enlarged(angle, larger, facts)

        def lose(error: PhotorealError) -> None:
            self._reporter.tell("warning", text=str(error))
            self._record_enlargement(
                angle, {"state": _state_of(error), "endpoint": generation.endpoint, "error": str(error)}
            )

        self._when_ready(future, keep, lose)

    def _record_enlarged(self, angle: Angle, picture: Image.Image, facts: Record) -> None:
        """Upscalers multiply; the last pixels to the exact size are resampled."""
        longer = max(picture.size)
        width, height = (round(side * (self._plan.photo_size or longer) / longer) for side in picture.size)
        sized = picture.resize((width, height), Image.Resampling.LANCZOS)
        stored = self._folder.store(f"photos/{angle.name}.png", _png(sized))
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
            self._reporter.tell("warning", text=f"{endpoint.id}: {endpoint.note}")
        generation = self._plan.generation(
            Kind.VIDEO,
            "film",
            images=(photo,) if takes_picture else (),
            end_image=photo if self._plan.loop else None,
            prompt=self._film_prompt(),
            negative_prompt=prompts.MOTIONS[self._plan.motion].unwanted,
            seconds=self._plan.film_seconds,
        )
        video: Record = {
            "engine": Engine.FAL.value,
            "motion": self._plan.motion,
            "endpoint": generation.endpoint,
        }
        if stand_in:
            video["stand_in"] = stand_in

        def keep(result: JobResult) -> None:
            self._record_video(
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
            self._record_video({**video, "state": _state_of(error), "error": str(error)})

        future = self._generate(generation, self._folder.root / "video" / self._plan.motion)
        self._when_ready(future, keep, lose)

    def _offer_to_filmmaker(self, angle: Angle, photo: Path) -> None:
        if self._plan.video is not Engine.FAL or not self._is_hero(angle):
            return
        if stand_in := self._stand_in_film():
            self._film_sent = True
            self._reporter.tell(
                "note", text=f"The film from the {stand_in} photo is kept: another one would be paid too."
            )
            return
        self._send_to_filmmaker(photo)

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
        if self._plan.video is not Engine.FAL or self._film_sent or self._stop.is_asked:
            return
        if self._hero_photo.done() and self._hero_photo.exception():
            return
        for entry in self._folder.record["angles"]:
            photo = entry.get("photo", {})
            if photo.get("state") == "done":
                self._reporter.tell(
                    "warning", text=f"The film starts from the {entry['name']} photo: the hero failed."
                )
                self._send_to_filmmaker(self._folder.root / photo["path"], stand_in=entry["name"])
                return
        self._record_video(
            {
                "engine": Engine.FAL.value,
                "motion": self._plan.motion,
                "state": "failed",
                "error": "There is no photo that the film could start from.",
            }
        )

    def _generate(self, generation: Generation, target: Path) -> Future[JobResult]:
        assert self._bridge is not None, "fal is used without a bridge"
        target.parent.mkdir(parents=True, exist_ok=True)
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
                self._is_at_ceiling |= isinstance(error, CeilingReachedError)
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

        future.add_done_callback(settle)

    def _wait_for_cloud(self) -> None:
        self._settle_all()
        self._film_without_hero()
        self._settle_all()

    def _settle_all(self) -> None:
        while self._waiting:  # What settles may add to it: the hero's photo starts the film.
            self._waiting[0].result()
            self._waiting.pop(0)

    def _show_job(self, job: Job) -> None:
        self._reporter.tell(
            "job",
            label=job.label,
            state=job.state.value,
            endpoint=job.endpoint,
            request_id=job.request_id,
            queue_position=job.queue_position,
            message=job.message,
            error=job.error,
        )

    # --- the manifest ---------------------------------------------------------------------------

    def _quality(self, quality: render.Quality) -> render.Quality:
        return replace(quality, samples=self._plan.samples) if self._plan.samples else quality

    def _made_with(self, angle: Angle | None, quality: render.Quality, light: rig.Rig) -> str:
        """A digest of all that decides what a picture looks like: the same one needs no second render."""
        facts = (
            self._folder.record["model"]["sha256"],
            asdict(angle) if angle else MOTION,
            asdict(quality),
            asdict(light),
            self._plan.background.value,
            self._plan.resolution,
            bpy.app.version_string,
            VERSION,
        )
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    def _angle(self, angle: Angle) -> Record:
        return next(entry for entry in self._folder.record["angles"] if entry["name"] == angle.name)

    def _record_photo(self, angle: Angle, photo: Record) -> None:
        if "error" in photo:
            self._reporter.tell("warning", text=photo["error"])
        with self._folder.change() as record:
            angle_record(record, angle.name)["photo"] = photo

    def _record_video(self, video: Record) -> None:
        if "error" in video:
            self._reporter.tell("warning", text=video["error"])
        with self._folder.change() as record:
            others = [entry for entry in record["videos"] if entry["motion"] != video["motion"]]
            record["videos"] = [*others, video]

    def _progress(self, stage: str, done: int, of: int, label: str = "") -> None:
        self._reporter.tell("progress", stage=stage, done=done, of=of, label=label)

    def _finish(self) -> Outcome:
        record = self._folder.record
        states = [entry.get("photo", {}).get("state") for entry in record["angles"]]
        for entry in record["angles"]:
            if enlargement := entry.get("photo", {}).get("enlargement"):
                states.append(enlargement["state"])
        if self._plan.video is not None:
            states += [entry["state"] for entry in record["videos"]] or ["waiting"]
        if "uncertain" in states:
            state, code = SetState.HELD, UncertainSubmitError.exit_code
        elif all(state == "done" for state in states):
            state, code = SetState.DONE, 0
        elif self._stop.is_asked:
            state, code = SetState.PARTIAL, STOPPED_EXIT_CODE
        else:
            some = any(state == "done" for state in states)
            state, code = (SetState.PARTIAL if some else SetState.FAILED), PhotorealError.exit_code
            if self._is_at_ceiling:
                code = CeilingReachedError.exit_code
        with self._folder.change() as changed:
            changed["state"] = state.value
            changed.pop("error", None)
        return Outcome(state=state, exit_code=code, folder=self._folder.root)


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


def _png(picture: Image.Image) -> bytes:
    """PNG without compression: references are read more often than they are stored."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()
