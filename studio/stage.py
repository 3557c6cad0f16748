# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a set with Cycles, on the main thread: references and masks, passes, photos, spin and video."""

from contextlib import ExitStack
from dataclasses import replace
from typing import cast

import bpy

from ..gltf.choices import REST, ModelOptions
from ..gltf.colors import replaced_pictures
from ..gltf.document import read_gltf
from ..gltf.findings import Finding, Severity, triage_list
from ..gltf.missing_pictures import missing_pictures
from ..gltf.packing import save_glb
from ..messages.errors import InputError
from ..photo_set.choices import Engine
from ..photo_set.folder import Record
from ..photo_set.pipeline import Renderer
from ..photo_set.plan import SetPlan
from ..photo_set.render_listener import RenderListener
from ..photo_set.results import SetResults
from ..photo_set.set_json import AngleRecord
from ..photo_set.source import SourceKind
from ..photo_set.verdict import warn_about
from . import kernels
from .blend_file import convert_to_glb
from .calibration_stage import CalibrationStage
from .guide_stage import GuideStage
from .machine import use_device
from .pass_stage import PassStage
from .photo_stage import PhotoStage
from .product import Product
from .reference_stage import ReferenceStage
from .render_watch import watched
from .rig import read_panorama
from .session import Session, open_session
from .spin_stage import SpinStage
from .stage_work import StageWork
from .variant_stage import make_variants
from .video_stage import VideoInputStage, VideoStage


def check_studio(plan: SetPlan) -> None:
    """Raises InputError for what rendering would refuse only after the 3D model has been paid for."""
    use_device(plan.device)
    if plan.rig.panorama:
        read_panorama(plan.rig.panorama)


AnyStage = (
    CalibrationStage
    | ReferenceStage
    | GuideStage
    | PassStage
    | PhotoStage
    | SpinStage
    | VideoStage
    | VideoInputStage
)


class StudioStage:
    """Renders one set. ``listener`` gets its pictures."""

    def __init__(self, results: SetResults, listener: RenderListener) -> None:
        self._results = results
        self._plan = results.plan
        self._folder = results.folder
        self._listener = listener
        self._work = StageWork(results)

    def take_model(self) -> None:
        """Store the user's 3D file in the set as one GLB, with the material variant of the plan."""
        plan, target = self._plan, self._folder.model
        source, variant, colors = plan.source.files[0], plan.variant, plan.colors
        findings: list[Finding] = []
        if source.suffix.lower() == ".blend":
            findings = convert_to_glb(source.absolute(), target, plan.external_data)
            findings += _unused_pose(plan, source.name)
            if variant or colors:
                findings += replaced_pictures(read_gltf(target), colors)
                save_glb(target, target, variant=variant, colors=colors, name=source.name)
        else:
            gltf = read_gltf(source)
            findings = [*missing_pictures(gltf), *replaced_pictures(gltf, colors)]
            save_glb(source, target, variant=variant, colors=colors)
        self._results.record_model(target, {}, source_triage=findings)

    def go(self) -> None:
        """Render what the set lacks, from the model in its folder. Raises StopRenderingError after a request to stop."""
        try:
            self._render()
            self._work.writer.wait()
        finally:
            self._work.writer.close()
        make_variants(self._results, self._listener, StudioStage)

    def _render(self) -> None:
        plan, work = self._plan, self._work
        with ExitStack() as stack:
            stack.enter_context(watched(self._results.activity))
            device = kernels.ready_device(plan.device, self._results.reporter.tell, work.check_stop)
            session = self._open_session(stack, device)
            self._record_product(session)
            stages: list[AnyStage] = []
            if plan.guide:  # A photo is requested once its guide is there.
                stages.append(ReferenceStage(work, session, lambda _angle: None))
                stages.append(GuideStage(work, session, plan.guide, self._listener.rendered))
            else:
                stages.append(ReferenceStage(work, session, self._listener.rendered))
            if plan.passes:
                stages.append(PassStage(work, session))
            if plan.checks_photos:
                stages.append(CalibrationStage(work, session, self._listener.calibrated))
            if plan.engine is Engine.CYCLES:
                stages.append(PhotoStage(work, session, self._listener.photographed))
            if plan.spin:
                stages.append(SpinStage(work, session, plan.spin))
            if plan.video is Engine.CYCLES:
                stages.append(VideoStage(work, session))
            if order := self._folder.record.get("video_input"):
                stages.append(VideoInputStage(work, session, order))
            for stage in stages:
                stage.expect()
            for stage in stages:
                stage.go()

    def _open_session(self, stack: ExitStack, device: str) -> Session:
        """The studio with the product in it, until ``stack`` ends; ``device`` is one that works. Raises InputError for a model without visible parts."""
        plan = self._plan
        try:
            return stack.enter_context(
                open_session(
                    self._folder.model,
                    resolution=plan.resolution,
                    device=device,
                    name=plan.source.model_name,
                    lens_mm=plan.lens_mm,
                    options=self._model_options,
                )
            )
        except InputError as error:
            if plan.source.kind is SourceKind.MODEL:
                raise
            raise InputError(error.message, hint="Redo the model to buy another one.") from error

    @property
    def _model_options(self) -> ModelOptions:
        """How the model becomes the product; a variant stands where the first one does."""
        options = self._plan.model_options
        if not self._plan.title:
            return options
        return replace(options, from_file=self._folder.record["model"].get("standing_matrix"))

    def _pose_record(self, product: Product) -> Record:
        """The pose that the pictures show. A .blend file keeps that of its current frame."""
        files = self._plan.source.files
        if files and files[0].suffix.lower() == ".blend":
            return {"pose": "frame"}
        return {"pose": self._plan.pose, **({"clip": product.clip} if product.clip else {})}

    def _record_product(self, session: Session) -> None:
        """Write the facts about the product and the angles into ``set.json``, and warn about problems."""
        product = session.product
        of_source = [
            Finding.from_record(entry) for entry in self._folder.record["model"].get("source_triage", [])
        ]
        of_light = session.light_problems(self._work.rig) if self._plan.rig.panorama else []
        of_model = [item for item in product.triage if item.kind != "variants" or not self._plan.variants]
        findings = triage_list([*of_source, *of_model, *of_light])
        with self._folder.change() as record:
            model = cast(Record, record["model"])
            model.pop("clip", None)
            model.update(
                **self._pose_record(product),
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
        warn_about(findings, self._results.reporter)


def _unused_pose(plan: SetPlan, name: str) -> list[Finding]:
    """A finding when a pose is asked for that a .blend file cannot give."""
    if plan.pose == REST:
        return []
    return [
        Finding(
            kind="pose_not_used",
            severity=Severity.WARNING,
            where=name,
            text=f"{name} is shown at its current frame: other poses are for GLB and glTF files. Choose the frame in Blender "
            "and save the file.",
        )
    ]


RENDERER = Renderer(blender=bpy.app.version_string, check=check_studio, stage=StudioStage)
