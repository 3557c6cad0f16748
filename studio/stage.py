# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a set with Cycles, on the main thread: references and masks, passes, photos and video."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import bpy

from ..gltf.findings import Finding, terminal_lines, triage_list
from ..gltf.packing import save_glb
from ..messages import events
from ..messages.errors import InputError
from ..optics.angles import Angle
from ..photo_set.choices import Engine
from ..photo_set.folder import Record
from ..photo_set.pipeline import Renderer
from ..photo_set.plan import SetPlan
from ..photo_set.results import SetResults
from ..photo_set.set_json import AngleRecord
from ..photo_set.source import SourceKind
from .blend_file import convert_to_glb
from .machine import use_device
from .pass_stage import PassStage
from .photo_stage import PhotoStage
from .reference_stage import ReferenceStage
from .rig import read_panorama
from .session import Session, open_session
from .stage_work import StageWork
from .video_stage import VideoStage


def check_studio(plan: SetPlan) -> None:
    """Raises InputError for what rendering would refuse only after the 3D model has been paid for."""
    use_device(plan.device)
    if plan.rig.panorama:
        read_panorama(plan.rig.panorama)


class StudioStage:
    """Renders one set.

    ``when_rendered`` is called with every angle whose reference is on disk, ``when_photographed`` with every angle whose
    photo by Cycles is on disk, and the photo.
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
        self._work = StageWork(results)

    def take_model(self) -> None:
        """Store the user's 3D file in the set as one GLB, with the material variant of the plan."""
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
        """Render what the set lacks, from the model in its folder. Raises StopRenderingError after a request to stop."""
        try:
            self._render()
            self._work.writer.wait()
        finally:
            self._work.writer.close()

    def _render(self) -> None:
        plan, work = self._plan, self._work
        with ExitStack() as stack:
            session = self._open_session(stack)
            if plan.device == "auto" and session.device == "CPU":
                self._results.reporter.tell(
                    events.Note(text="Cycles finds no GPU that it can use; rendering on the CPU.")
                )
            self._record_product(session)
            ReferenceStage(work, session, self._when_rendered).go()
            if plan.passes:
                PassStage(work, session).go()
            if plan.engine is Engine.CYCLES:
                PhotoStage(work, session, self._when_photographed).go()
            if plan.video is Engine.CYCLES:
                VideoStage(work, session).go()

    def _open_session(self, stack: ExitStack) -> Session:
        """The studio with the product in it, until ``stack`` ends. Raises InputError for a model without visible parts."""
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

    def _record_product(self, session: Session) -> None:
        """Write the facts about the product and the angles into ``set.json``, and warn about problems."""
        product = session.product
        of_source = [
            Finding.from_record(entry) for entry in self._folder.record["model"].get("source_triage", [])
        ]
        of_light = session.light_problems(self._work.rig) if self._plan.rig.panorama else []
        findings = triage_list([*of_source, *product.triage, *of_light])
        with self._folder.change() as record:
            cast(Record, record["model"]).update(
                triangles=product.triangles,
                size_m=[round(side, 6) for side in product.size_m],
                standing_matrix=session.standing_matrix,
                triage=[finding.record() for finding in findings],
            )
            kept = {entry["name"]: entry for entry in record["angles"]}
            angles: list[Record] = [
                {
                    **kept.get(angle.name, {}),
                    "name": angle.name,
                    "azimuth": angle.azimuth,
                    "elevation": angle.elevation,
                }
                for angle in self._plan.angles
            ]
            record["angles"] = cast(list[AngleRecord], angles)
        for text in terminal_lines(findings):
            self._results.reporter.tell(events.Warning(text=text))


RENDERER = Renderer(blender=bpy.app.version_string, check=check_studio, stage=StudioStage)
