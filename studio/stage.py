# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a set that is rendered: references and masks, photos and film by Cycles. The main thread does it."""

import functools
import hashlib
import json
import math
import tempfile
import time
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from ..files.writing import saying_where
from ..gltf.findings import Finding, told, triage_list
from ..gltf.packing import save_glb
from ..imaging.animation import preview_of
from ..imaging.compose import Background, box_of, compose, fill_of, mask_of
from ..imaging.film_look import with_film_look
from ..imaging.passes import Pass, depth_picture, normal_picture
from ..messages.errors import InputError
from ..optics.angles import FILL, Angle, hero_first
from ..optics.framing import framing_from
from ..optics.light_map import Rig
from ..optics.rigs import reference_of, rig_of
from ..photo_set.choices import Engine
from ..photo_set.folder import Record, angle_record
from ..photo_set.pipeline import Renderer
from ..photo_set.plan import SetPlan, SourceKind
from ..photo_set.results import SetResults, png
from ..photo_set.takes import PREVIEW, Shelf
from ..photo_set.version import VERSION
from ..processes.interrupts import StopRenderingError
from . import film, render
from .blend_file import convert_to_glb
from .machine import use_device
from .rig import read_panorama
from .session import Session, open_session

LEAST_FILL, MOST_FILL = 0.85, 0.90
MOST_REFITS = 3
MOST_UNEVEN = 2  # Pixels by which opposite margins may differ.
MOST_UNWRITTEN = 2  # Pictures that wait in memory to be stored.


def check_studio(plan: SetPlan) -> None:
    """Raises InputError for what the studio would refuse only when a 3D model has been paid for."""
    use_device(plan.device)
    if plan.rig.panorama:
        read_panorama(plan.rig.panorama)


class StudioStage:
    """Renders one set.

    ``when_rendered`` gets every angle whose reference is on disk, ``when_photographed`` every photo by Cycles.
    """

    def __init__(
        self,
        results: SetResults,
        *,
        when_rendered: Callable[[Angle], None],
        when_photographed: Callable[[Angle, Path], None],
    ) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._when_rendered = when_rendered
        self._when_photographed = when_photographed
        self._told_of_denoiser = False
        self._rig = rig_of(self._plan.rig)
        self._writer = _Writer()

    def take_model(self) -> None:
        """Bring the user's 3D file into the set as one GLB, in the materials that the plan wants."""
        source, target, variant = self._plan.source.files[0], self._folder.model, self._plan.variant
        findings: list[Finding] = []
        if source.suffix.lower() == ".blend":
            findings = convert_to_glb(source.absolute(), target, self._plan.external_data)
            if variant:
                save_glb(target, target, variant=variant, name=source.name)
        else:
            save_glb(source, target, variant=variant)
        self._results.record_model(target, {}, source_triage=findings)

    def go(self) -> None:
        """Render everything from the model that is in the set. Raises StopRenderingError after ``stop``."""
        try:
            self._render()
            self._writer.wait()
        finally:
            self._writer.close()

    def _render(self) -> None:
        plan = self._plan
        with ExitStack() as stack:
            session = self._open_session(stack)
            if plan.device == "auto" and session.device == "CPU":
                self._results.reporter.tell(
                    "note",
                    text="Cycles finds no graphics card that it can use, and renders on the processor.",
                )
            self._record_product(session)
            self._render_references(session)
            if plan.passes:
                self._measure(session)
            if plan.engine is Engine.CYCLES:
                self._photograph(session)
            if plan.video is Engine.CYCLES:
                self._film(session)

    def _open_session(self, stack: ExitStack) -> Session:
        """The studio with the product in it, until ``stack`` ends. Raises InputError for a model that shows nothing."""
        plan = self._plan
        try:
            return stack.enter_context(
                open_session(
                    self._folder.model,
                    resolution=plan.resolution,
                    device=plan.device,
                    name=plan.source.model_name,
                    lens_mm=plan.lens_mm,
                )
            )
        except InputError as error:
            if plan.source.kind is SourceKind.MODEL:
                raise
            raise InputError(error.message, hint="`resume DIR --redo model` buys another one.") from error

    def _check_stop(self) -> None:
        """Before each render, which itself cannot be interrupted."""
        if self._results.stop.is_asked:
            raise StopRenderingError

    def _record_product(self, session: Session) -> None:
        product = session.product
        kept_findings = [
            Finding.from_record(entry) for entry in self._folder.record["model"].get("source_triage", [])
        ]
        findings = triage_list([*kept_findings, *product.triage])
        with self._folder.change() as record:
            record["model"].update(
                triangles=product.triangles,
                size_m=[round(side, 6) for side in product.size_m],
                standing_matrix=session.standing_matrix,
                triage=[finding.record() for finding in findings],
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
        for text in told(findings):
            self._results.reporter.tell("warning", text=text)

    def _render_references(self, session: Session) -> None:
        quality = self._quality(render.DRAFT if self._plan.quality == render.DRAFT.name else render.REFERENCE)
        light = reference_of(self._rig)
        made_with = {angle: self._made_with(angle, quality, light) for angle in self._plan.angles}

        def is_kept(angle: Angle) -> bool:
            mask_file = self._folder.root / "masks" / f"{angle.name}.png"
            entry = self._results.angle(angle).get("render")
            return self._folder.has(entry, made_with=made_with[angle]) and mask_file.is_file()

        def make(angle: Angle) -> None:
            self._render_reference(session, angle, quality, light, made_with[angle])

        def keep(angle: Angle) -> None:
            self._writer.do(lambda: self._when_rendered(angle))

        self._each("references", hero_first(list(self._plan.angles)), is_kept, make, keep)

    def _each(
        self,
        stage: str,
        angles: list[Angle],
        is_kept: Callable[[Angle], bool],
        make: Callable[[Angle], None],
        keep: Callable[[Angle], None] = lambda _angle: None,
    ) -> None:
        """Make what a stage lacks, one angle after the other, and let ``keep`` have the others."""
        there = [is_kept(angle) for angle in angles]
        for index, angle in enumerate(angles):
            self._check_stop()
            self._results.progress(stage, index, len(angles), angle.name, is_kept=all(there))
            (keep if there[index] else make)(angle)
        self._results.progress(stage, len(angles), len(angles), is_kept=all(there))

    def _render_reference(
        self, session: Session, angle: Angle, quality: render.Quality, light: Rig, made_with: str
    ) -> None:
        session.light(light)
        framing = session.framing(angle)
        shot = session.shoot(framing, angle, quality)
        self._note_denoiser(session)
        mask = mask_of(shot.colour)
        for _refit in range(MOST_REFITS if angle.shows_whole_product else 0):
            # Transparent materials, tips thinner than a pixel: less is seen than the vertices span.
            box = _box_to_refit(mask, angle)
            if box is None:
                break
            framing = session.refit(framing, box, angle)
            shot = session.shoot(framing, angle, quality)
            mask = mask_of(shot.colour)
        if mask.getbbox() is None:
            self._results.reporter.tell(
                "warning", text=f"{angle.name}: nothing of the product is seen from there."
            )

        def keep() -> None:
            picture = compose(shot.colour, shot.shadow, self._plan.background)
            stored_mask = self._folder.store(f"masks/{angle.name}.png", png(mask))
            stored = self._folder.store(f"renders/{angle.name}.png", png(picture))
            with self._folder.change() as record:
                angle_record(record, angle.name).update(
                    camera=framing.record(),
                    render={
                        **stored,
                        "width": picture.width,
                        "height": picture.height,
                        "samples": shot.samples,
                        "seconds": round(shot.seconds, 2),
                        "made_with": made_with,
                    },
                    mask=stored_mask["path"],
                    fill=round(fill_of(mask), 4),
                )
            self._when_rendered(angle)

        self._writer.do(keep)

    def _measure(self, session: Session) -> None:
        """Depth and normals of every reference, cut out along its mask."""
        self._writer.wait()  # The cameras of the references are in their records.
        self._each(
            "passes",
            list(self._plan.angles),
            lambda angle: not self._missing_passes(angle),
            lambda angle: self._measure_angle(session, angle),
        )

    def _passes_made_with(self, angle: Angle) -> str:
        return self._made_with(angle, render.RAY, self._rig, camera=self._results.angle(angle)["camera"])

    def _missing_passes(self, angle: Angle) -> list[Pass]:
        entry, made_with = self._results.angle(angle), self._passes_made_with(angle)
        return [
            kind for kind in self._plan.passes if not self._folder.has(entry.get(kind), made_with=made_with)
        ]

    def _measure_angle(self, session: Session, angle: Angle) -> None:
        entry, made_with = self._results.angle(angle), self._passes_made_with(angle)
        wanted = self._missing_passes(angle)
        surface = session.measure(framing_from(entry["camera"]), angle)
        with Image.open(self._folder.root / entry["mask"], formats=("PNG",)) as mask:
            is_product = np.asarray(mask) > 0  # Cut-out materials have holes that the surface does not have.
        for kind in wanted:
            facts: Record = {}
            if kind is Pass.DEPTH:
                picture, near, far = depth_picture(np.where(is_product, surface.depth, np.inf))
                facts = {"near": near, "far": far}
            else:
                picture = normal_picture(np.where(is_product[..., None], surface.normal, (0.0, 0.0, 1.0)))
            stored = self._folder.store(f"{kind}/{angle.name}.png", png(picture))
            with self._folder.change() as record:
                angle_record(record, angle.name)[kind] = {**stored, **facts, "made_with": made_with}

    def _note_denoiser(self, session: Session) -> None:
        if not session.has_denoiser and not self._told_of_denoiser:
            self._told_of_denoiser = True
            self._results.reporter.tell(
                "note", text="This Blender was built without OpenImageDenoise: more samples instead, slower."
            )

    def _photograph(self, session: Session) -> None:
        quality = self._quality(render.QUALITIES[self._plan.quality])
        self._writer.wait()  # The cameras of the references are in their records.
        made_with = {
            angle: self._made_with(
                angle,
                quality,
                self._rig,
                camera=self._results.angle(angle)["camera"],
                f_stop=self._plan.f_stop,
                film_look=self._plan.film_look,
            )
            for angle in self._plan.angles
        }
        self._each(
            "photos",
            list(self._plan.angles),
            lambda angle: self._results.takes.want(Shelf.PHOTOS, angle.name, made_with[angle]) is not None,
            lambda angle: self._take_photo(session, angle, quality, made_with[angle]),
            self._tell_of_photo,
        )

    def _tell_of_photo(self, angle: Angle) -> None:
        if take := self._results.takes.wanted(Shelf.PHOTOS, angle.name):
            self._results.end_waiting(angle)
            self._when_photographed(angle, self._folder.root / take["path"])

    def _take_photo(self, session: Session, angle: Angle, quality: render.Quality, made_with: str) -> None:
        entry = self._results.angle(angle)
        session.light(self._rig)
        framing = framing_from(entry["camera"])
        if self._plan.f_stop:
            framing = session.opened(framing, self._plan.f_stop)
        shot = session.shoot(framing, angle, quality)

        def keep() -> None:
            picture = compose(shot.colour, shot.shadow, self._plan.background)
            if self._plan.film_look:
                picture = with_film_look(picture, seed=zlib.crc32(angle.name.encode()))
            facts = {
                "engine": Engine.CYCLES.value,
                "state": "done",
                "samples": shot.samples,
                "seconds": round(shot.seconds, 2),
                "made_with": made_with,
            }
            self._results.record_photo(angle, facts, png(picture))
            self._tell_of_photo(angle)

        self._writer.do(keep)

    def _film(self, session: Session) -> None:
        motion = self._plan.motion
        quality = self._quality(render.FILM)
        made_with = self._made_with(None, quality, self._rig, motion=motion)
        if self._results.takes.want(Shelf.VIDEOS, motion, made_with) is not None:
            self._results.end_waiting_for_video()
            return
        session.light(self._rig)
        began = time.monotonic()
        target = self._folder.root / "video" / f"{motion}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        side = film.frame_side(self._plan.resolution)
        with tempfile.TemporaryDirectory(prefix="photoreal-film-") as scratch:
            frames = [Path(scratch) / f"{index:04}.png" for index in range(film.FRAMES)]
            self._results.progress("film", 0, film.FRAMES)
            for index, shot in enumerate(session.film(motion, quality)):
                self._writer.do(functools.partial(self._keep_frame, shot, frames[index]))
                self._results.progress("film", index + 1, film.FRAMES)
                self._check_stop()
            self._writer.wait()
            files = {"": Path(scratch) / target.name}
            with saying_where(target.parent):
                film.encode(frames, files[""], side)
            if self._plan.preview:
                files[PREVIEW] = Path(scratch) / f"{motion}.{self._plan.preview}"
                files[PREVIEW].write_bytes(preview_of(frames, film.FRAMES_PER_SECOND, self._plan.preview))
            self._results.record_video(
                {
                    "engine": Engine.CYCLES.value,
                    "motion": motion,
                    "seconds": film.SECONDS,
                    "frames": film.FRAMES,
                    "width": side,
                    "height": side,
                    "loop": film.loops(motion),
                    "state": "done",
                    "render_seconds": round(time.monotonic() - began, 1),
                    "made_with": made_with,
                },
                files,
            )

    def _keep_frame(self, shot: render.Shot, path: Path) -> None:
        picture = compose(shot.colour, shot.shadow, self._film_background())
        if self._plan.film_look:
            picture = with_film_look(picture, seed=int(path.stem))
        with saying_where(path.parent):
            path.write_bytes(png(picture))

    def _film_background(self) -> Background:
        """A film has no alpha: white stands in for transparent."""
        wanted = self._plan.background
        return Background.WHITE if wanted is Background.TRANSPARENT else wanted

    def _quality(self, quality: render.Quality) -> render.Quality:
        if not self._plan.samples:
            return quality
        return replace(quality, samples=self._plan.samples, adapts_to_size=False)

    def _made_with(self, angle: Angle | None, quality: render.Quality, light: Rig, **more: Any) -> str:
        """A digest of all that decides what a picture looks like: the same one needs no second render."""
        facts = (
            self._folder.record["model"]["sha256"],
            asdict(angle) if angle else None,
            asdict(quality),
            light.digest,
            self._plan.background.value,
            self._plan.resolution,
            self._plan.lens_mm,
            bpy.app.version_string,
            VERSION,
            more,
        )
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _box_to_refit(mask: Image.Image, angle: Angle) -> tuple[float, float, float, float] | None:
    """Where the product is seen, in shares of the picture, when that is not as the angle wants it.

    An angle with a fill of its own is held to that, as exactly as the usual one.
    """
    box = box_of(mask)
    if box is None:
        return None
    spans = [_evened(box[side], box[side + 2], length) for side, length in enumerate(mask.size)]
    is_even = all(math.isclose(first + last, 1.0) for first, last in spans)
    if is_even and LEAST_FILL <= fill_of(mask) * FILL / angle.fill <= MOST_FILL:
        return None
    (left, right), (top, bottom) = spans
    return left, top, right, bottom


def _evened(first: int, last: int, length: int) -> tuple[float, float]:
    """A span in shares of ``length``; in the very middle when it is there within whole pixels.

    A camera that is right in one direction shall not move there for the sake of the other: at the tip of a
    needle half a pixel decides how much is seen.
    """
    margin = length - last
    if abs(first - margin) <= MOST_UNEVEN:
        half = (last - first) / length / 2.0
        return 0.5 - half, 0.5 + half
    return first / length, last / length


class _Writer:
    """One thread that composes and stores pictures while the next one is rendered, in order."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._open: deque[Future[None]] = deque()

    def do(self, task: Callable[[], None]) -> None:
        """Let ``task`` follow those before it. Raises what an earlier one raised."""
        while len(self._open) > MOST_UNWRITTEN:
            self._open.popleft().result()
        self._open.append(self._threads.submit(task))

    def wait(self) -> None:
        """Until all is done. Raises what a task raised."""
        while self._open:
            self._open.popleft().result()

    def close(self) -> None:
        self._threads.shutdown()


RENDERER = Renderer(blender=bpy.app.version_string, check=check_studio, stage=StudioStage)
