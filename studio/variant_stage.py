# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the variants of a set except the first, one after the other, each in its own set folder."""

from collections.abc import Callable
from pathlib import Path

from ..gltf.colors import replaced_pictures
from ..gltf.document import read_gltf
from ..gltf.packing import save_glb
from ..messages import events
from ..messages.errors import InputError
from ..optics.angles import Angle
from ..photo_set.folder import SetFolder, SetState
from ..photo_set.pipeline import Stage, StageMaker
from ..photo_set.render_listener import RenderListener
from ..photo_set.results import SetResults
from ..photo_set.variant_folders import list_variants, prepared_variant, record_variant, share
from ..photo_set.variant_results import results_of_variant
from ..photo_set.variants import Variant
from ..processes.stop import StopRenderingError
from .quality import DRAFT, QUALITIES, REFERENCE, effort
from .session import empty_blender

STAGE = "variants"


def make_variants(results: SetResults, listener: RenderListener, stage_for: StageMaker) -> None:
    """Render what the variants lack, after the first. Replaces the file that is open in Blender.

    A variant that cannot be made is recorded, and the others are made. Raises StopRenderingError after a request to
    stop, and PhotorealError for what ends the whole run.
    """
    plan = results.plan
    list_variants(results.folder, plan.variants)
    if not plan.variants:
        return
    others = plan.variants[1:]
    each = sum(
        effort(quality, plan.resolution)
        for quality in (DRAFT if plan.quality == DRAFT.name else REFERENCE, QUALITIES[plan.quality])
    )
    results.activity.remaining.expect(STAGE, len(others), each * len(plan.angles))
    for number, variant in enumerate(others, 1):
        if results.stop.is_asked:
            raise StopRenderingError
        results.reporter.tell(
            events.Progress(stage=STAGE, done=number - 1, of=len(others), label=variant.name)
        )
        results.activity.remaining.correct(STAGE, len(others) - number)
        _make(results, variant, listener, stage_for)
    results.reporter.tell(events.Progress(stage=STAGE, done=len(others), of=len(others)))


def _make(results: SetResults, variant: Variant, listener: RenderListener, stage_for: StageMaker) -> None:
    """Make one variant; one that cannot be made is recorded. Raises as ``make_variants``."""
    maker = None
    try:
        maker = _Maker(results, variant, listener, stage_for)
        maker.make()
    except InputError as error:
        record_variant(
            results.folder, variant, maker.folder if maker else None, SetState.FAILED, error=str(error)
        )
        results.reporter.tell(events.Warning(text=f"{variant.name}: {error}"))


class _VariantListener(RenderListener):
    """Records each picture in the ``set.json`` of the first variant, and passes it on."""

    def __init__(self, listener: RenderListener, record: Callable[[], None]) -> None:
        self._listener = listener
        self._record = record

    def rendered(self, angle: Angle) -> None:
        self._record()
        self._listener.rendered(angle)

    def photographed(self, angle: Angle, photo: Path) -> None:
        self._record()
        self._listener.photographed(angle, photo)

    def calibrated(self, angle: Angle) -> None:
        self._listener.calibrated(angle)


class _Maker:
    """Makes one variant. Raises InputError when it cannot be made."""

    def __init__(
        self, first: SetResults, variant: Variant, listener: RenderListener, stage_for: StageMaker
    ) -> None:
        self._first = first
        self._listener = listener
        self._variant = variant
        self._stage_for = stage_for
        folder, plan = prepared_variant(first.folder, first.plan, variant)
        self._results = results_of_variant(first, variant, folder, plan)

    @property
    def folder(self) -> SetFolder:
        return self._results.folder

    def make(self) -> None:
        """Render what it lacks, and record how far it is. Raises StopRenderingError too."""
        results = self._results
        try:
            self._render()
        except InputError as error:
            results.record_end(error)
            raise
        except StopRenderingError:
            self._end()
            raise
        else:
            self._end()
        finally:
            results.folder.write_page()

    def _end(self) -> None:
        """Record how far it is. What comes from fal.ai is recorded when it has come."""
        is_open = self._results.plan.uses_fal
        state = SetState.PARTIAL if is_open else self._results.outcome(is_at_ceiling=False).state
        record_variant(self._first.folder, self._variant, self._results.folder, state)

    def _render(self) -> None:
        results, first = self._results, self._first
        results.keep_source()
        listener = _VariantListener(self._listener.of_variant(results), self._record)
        stage = self._stage_for(results, listener)
        if not results.has_model():
            self._take_model(stage)
        share(first.folder, results.folder, [angle.name for angle in first.plan.angles])
        empty_blender()
        stage.go()

    def _take_model(self, stage: Stage) -> None:
        """Make the 3D model of the variant: of that of the first if it has the materials, otherwise of the source."""
        results, first = self._results, self._first
        plan, model = results.plan, first.folder.model
        material = "" if plan.variant == first.plan.variant else plan.variant
        gltf = read_gltf(model, name=plan.source.model_name)
        if material in ("", *gltf.variants()):
            target = results.folder.model
            save_glb(model, target, variant=material, colors=plan.colors, name=plan.source.model_name)
            findings = [*replaced_pictures(gltf, plan.colors)]
            results.record_model(target, {}, source_triage=findings)
        elif plan.source.files[0].is_file():
            stage.take_model()
        else:
            raise InputError(
                f"{plan.source.model_name} was moved or deleted, and the set has no copy with the variant {material!r}.",
                hint=f"Copy it to {plan.source.files[0]}.",
            )

    def _record(self) -> None:
        record_variant(self._first.folder, self._variant, self._results.folder, SetState.PARTIAL)
