# SPDX-License-Identifier: GPL-3.0-or-later
"""A set from start to end: model, references, photos, film; rendering and the cloud side by side.

The main thread renders. What fal makes goes through the bridge, on its thread, the moment its picture is
on disk. Each result stands in ``set.json`` as soon as it is there, so a run that died goes on where it
was: finished files that still fit are kept, paid jobs are found in the journal.
"""

import contextlib
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..imaging.report import build_report
from ..messages.errors import FaultError, InputError, PhotorealError
from ..messages.progress import Reporter
from ..optics.angles import Angle
from ..processes.interrupts import Stop, StopRenderingError
from .choices import Engine
from .cloud_stage import CloudStage, bridge_for
from .estimates import Bill
from .folder import TOOL, SetFolder
from .plan import SetPlan, SourceKind
from .plan_record import plan_record
from .results import Outcome, SetResults

log = logging.getLogger(__name__)


class Stage(Protocol):
    """Renders one set."""

    def take_model(self) -> None:
        """Bring the user's 3D file into the set as a GLB."""

    def go(self) -> None:
        """Render what the set lacks. Raises StopRenderingError when the run is asked to stop."""


class StageMaker(Protocol):
    """Gives the stage of a set; the callbacks get each reference and each photo once it is on disk."""

    def __call__(
        self,
        results: SetResults,
        *,
        when_rendered: Callable[[Angle], None],
        when_photographed: Callable[[Angle, Path], None],
    ) -> Stage: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """What a run needs of Blender. ``check`` raises InputError for a plan that this Blender cannot render."""

    blender: str  # Its version.
    check: Callable[[SetPlan], None]
    stage: StageMaker


def run_set(
    plan: SetPlan,
    reporter: Reporter,
    renderer: Renderer,
    bill: Bill | None = None,
    stop: Stop | None = None,
) -> Outcome:
    """Make the set of ``plan``, or finish the one that is in its folder.

    ``bill`` says what it may spend; a plan that asks nothing of fal needs none. After ``stop`` is asked
    nothing more is rendered or sent, and what is paid is still brought home.

    Raises PhotorealError for what ends the whole run; a fault of one angle or of the film is recorded
    and the rest goes on.
    """
    plan.check()
    renderer.check(plan)
    folder = SetFolder.prepare(
        plan.out,
        product=plan.product,
        source=plan.source.record(),
        tool={**TOOL, "blender": renderer.blender},
        plan=plan_record(plan),
    )
    reporter.tell("started", product=plan.product, summary=_summary(plan), set=str(folder.root))
    results = SetResults(plan=plan, folder=folder, reporter=reporter, stop=stop or Stop())
    if plan.uses_fal:
        results.check_journal()
    try:
        try:
            outcome = _make(results, renderer, bill)
        except (PhotorealError, OSError, MemoryError):
            raise
        except Exception as error:
            log.exception("The set could not be made")
            raise FaultError(error) from error
        finally:
            results.record_costs()
    except PhotorealError as error:
        results.record_end(error)
        folder.write_report(build_report(folder.record))
        if isinstance(error, InputError):
            folder.discard()
        raise
    folder.write_report(build_report(folder.record))
    if outcome.exit_code == 0 and not results.has_worked.is_set():
        reporter.tell("note", text="Everything is there: nothing was rendered or sent.")
    return outcome


def _summary(plan: SetPlan) -> str:
    photos = "Cycles" if plan.engine is Engine.CYCLES else plan.photo_endpoint
    film = {None: "no film", Engine.CYCLES: "film by Cycles", Engine.FAL: f"film by {plan.video_endpoint}"}
    count = len(plan.angles)
    return f"{count} angle{'s' * (count > 1)}, photos by {photos}, {film[plan.video]}"


def _make(results: SetResults, renderer: Renderer, bill: Bill | None) -> Outcome:
    """Both stages side by side; the cloud is waited for at the end."""
    plan = results.plan
    with ExitStack() as stack:
        cloud = _open_cloud(results, bill, stack) if plan.uses_fal else None
        results.record_estimate(bill.estimate if bill else None)
        results.keep_source()
        try:
            _render(results, renderer, cloud)
        except StopRenderingError:
            if cloud:
                results.reporter.tell("note", text="What is paid is brought home.")
        if cloud:
            cloud.wait()
    return results.outcome(is_at_ceiling=cloud is not None and cloud.is_at_ceiling)


def _render(results: SetResults, renderer: Renderer, cloud: CloudStage | None) -> None:
    """Get the model and render; the cloud has each picture that it needs as soon as it is there."""

    def when_rendered(angle: Angle) -> None:
        if cloud and results.plan.engine is Engine.FAL:
            cloud.photograph(angle)

    def when_photographed(angle: Angle, photo: Path) -> None:
        if cloud:
            cloud.offer_to_filmmaker(angle, photo)

    studio = renderer.stage(results, when_rendered=when_rendered, when_photographed=when_photographed)
    if not results.has_model():
        if results.plan.source.kind is SourceKind.MODEL:
            studio.take_model()
        else:
            assert cloud is not None, "only fal makes models"
            cloud.make_model()
    studio.go()


def _open_cloud(results: SetResults, bill: Bill | None, stack: ExitStack) -> CloudStage:
    """The cloud stage with a bridge of its own, which ends with ``stack``."""
    bridge = stack.enter_context(bridge_for(results, bill.spending if bill else None))

    def record_in_haste() -> None:
        with contextlib.suppress(PhotorealError, OSError):  # The next run does it.
            results.record_costs()

    results.stop.when_asked(bridge.send_no_more)
    results.stop.when_leaving(bridge.leave)
    results.stop.when_leaving(record_in_haste)
    return CloudStage(results, bridge)
