# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a set: model, references, photos, video. Rendering and the cloud stage work at the same time.

The main thread renders. Requests to fal.ai are made on the bridge's thread as soon as the pictures that they need are
on disk. Each result is recorded in ``set.json`` immediately, so a run that was killed can be continued: finished files
that still fit are kept, and paid jobs are found in the journal.
"""

import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..fal_bridge.jobs import Kind
from ..messages import events
from ..messages.errors import InputError, PhotorealError, ProgramError
from ..messages.progress import Reporter
from ..optics.angles import Angle
from ..processes.stop import Stop, StopRenderingError
from .choices import LANCZOS, Engine
from .cloud_jobs import bridge_for
from .cloud_stage import CloudStage
from .estimates import Bill
from .folder import TOOL, SetFolder
from .plan import CheckedPlan, SetPlan
from .plan_record import plan_record
from .results import Outcome, SetResults
from .source import SourceKind

PRIVATE_NOTE = (
    "Results at fal.ai can be read only with your key. Pictures that are sent there can be read by anyone who knows their "
    "addresses until they are deleted: models may not be able to read restricted files."
)

log = logging.getLogger(__name__)


class Stage(Protocol):
    """Renders one set."""

    def take_model(self) -> None:
        """Copy the user's 3D file into the set as a GLB."""

    def go(self) -> None:
        """Render what the set lacks. Raises StopRenderingError when the run is asked to stop."""


class StageMaker(Protocol):
    """Makes the stage of a set; the callbacks get each reference and each photo once it is on disk.

    ``when_calibrated`` gets each angle for which everything is on disk that its photo by fal.ai is compared with.
    """

    def __call__(
        self,
        results: SetResults,
        *,
        when_rendered: Callable[[Angle], None],
        when_photographed: Callable[[Angle, Path], None],
        when_calibrated: Callable[[Angle], None],
    ) -> Stage: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """What a run needs of Blender. ``check`` raises InputError for a plan that this Blender cannot render."""

    blender: str  # Its version.
    check: Callable[[SetPlan], None]
    stage: StageMaker


def run_set(
    plan: CheckedPlan,
    reporter: Reporter,
    renderer: Renderer,
    bill: Bill | None = None,
    stop: Stop | None = None,
) -> Outcome:
    """Make the set of ``plan``, or finish the one in its folder.

    ``bill`` says what it may spend; a plan without fal.ai needs none. After ``stop`` is asked nothing more is rendered
    or sent, and results that are paid for are still fetched.

    Raises PhotorealError for what ends the whole run; the error of one angle or of the video is recorded, and the rest
    continues.
    """
    renderer.check(plan)
    folder = _prepared(plan, renderer.blender)
    names = [angle.name for angle in plan.angles]
    started = events.Started(
        product=plan.product, summary=_summary(plan), set=str(folder.root), angles=names or None
    )
    reporter.tell(started)
    folder.start_page()
    results = SetResults(plan=plan, folder=folder, reporter=reporter, stop=stop or Stop())
    if plan.uses_fal:
        results.check_journal()
    try:
        outcome = _make_and_record(results, renderer, bill)
    except PhotorealError as error:
        results.record_end(error)
        folder.write_page()
        if isinstance(error, InputError):
            folder.discard()
        raise
    folder.write_page()
    if outcome.exit_code == 0 and not results.has_worked.is_set():
        text = "Everything exists already: nothing was rendered or sent."
        reporter.tell(events.Note(text=text))
    return outcome


def _prepared(plan: SetPlan, blender: str) -> SetFolder:
    return SetFolder.prepare(
        plan.out,
        product=plan.product,
        source=plan.source.record(),
        tool={**TOOL, "blender": blender},
        plan=plan_record(plan),
    )


def _make_and_record(results: SetResults, renderer: Renderer, bill: Bill | None) -> Outcome:
    """Make the set and record its costs, however it ends. Bugs become ProgramError."""
    try:
        return _make(results, renderer, bill)
    except (PhotorealError, OSError, MemoryError):
        raise
    except Exception as error:
        log.exception("The set could not be made")
        raise ProgramError(error) from error
    finally:
        results.record_account()


def _summary(plan: SetPlan) -> str:
    photos = "Cycles" if plan.engine is Engine.CYCLES else plan.photo_endpoint
    video = {
        None: "no video",
        Engine.CYCLES: "video by Cycles",
        Engine.FAL: f"video by {plan.video_endpoint}",
    }
    count = len(plan.angles)
    variants = f"{len(plan.variants)} variants, " if plan.variants else ""
    spin = f"spin of {plan.spin.count} frames, " if plan.spin else ""
    return f"{count} angle{'s' * (count > 1)}, {variants}photos by {photos}, {spin}{video[plan.video]}"


def _make(results: SetResults, renderer: Renderer, bill: Bill | None) -> Outcome:
    """Both stages at the same time; then wait for the cloud stage."""
    plan = results.plan
    with ExitStack() as stack:
        _expect_requests(results)
        stack.enter_context(results.activity.told_to(results.reporter))
        cloud = _open_cloud(results, bill, stack) if plan.uses_fal else None
        results.stop.when_leaving(lambda: _write_page_in_haste(results))
        results.record_estimate(bill.estimate if bill else None)
        results.keep_source()
        results.order_video_input()
        try:
            _render(results, renderer, cloud)
        except StopRenderingError:
            if cloud:
                results.reporter.tell(events.Note(text="Fetching results that are already paid for."))
        if cloud:
            cloud.wait()
    return results.outcome(is_at_ceiling=cloud is not None and cloud.is_at_ceiling)


def _write_page_in_haste(results: SetResults) -> None:
    """A page that would still say that the set is being made must not stay behind."""
    with contextlib.suppress(PhotorealError, OSError):  # `report` writes it, too.
        results.folder.write_page()


def _expect_requests(results: SetResults) -> None:
    """Count the requests of the plan, for the estimate of the remaining time."""
    plan, remaining = results.plan, results.activity.remaining
    if plan.source.kind is not SourceKind.MODEL and not results.has_model():
        remaining.expect_requests(Kind.CONCEPT, int(bool(plan.concept_endpoint)))
        remaining.expect_requests(Kind.MODEL, 1)
    if plan.engine is Engine.FAL:
        remaining.expect_requests(Kind.PHOTO, len(plan.angles))
        if plan.photo_size and plan.upscale_endpoint != LANCZOS:
            remaining.expect_requests(Kind.UPSCALE, len(plan.angles))
    if plan.video is Engine.FAL:
        remaining.expect_requests(Kind.VIDEO, 1)


def _render(results: SetResults, renderer: Renderer, cloud: CloudStage | None) -> None:
    """Get the model and render; the cloud stage gets each picture as soon as it is on disk."""

    def when_rendered(angle: Angle) -> None:
        if cloud and results.plan.engine is Engine.FAL:
            cloud.photograph(angle)

    def when_photographed(angle: Angle, photo: Path) -> None:
        if cloud:
            cloud.offer_for_video(angle, photo)

    def when_calibrated(angle: Angle) -> None:
        if cloud:
            cloud.compare(angle)

    studio = renderer.stage(
        results,
        when_rendered=when_rendered,
        when_photographed=when_photographed,
        when_calibrated=when_calibrated,
    )
    if not results.has_model():
        if results.plan.source.kind is SourceKind.MODEL:
            studio.take_model()
        else:
            assert cloud is not None, "only fal makes models"
            cloud.make_model()
    studio.go()


def _open_cloud(results: SetResults, bill: Bill | None, stack: ExitStack) -> CloudStage:
    """The cloud stage with a separate bridge, which ends with ``stack``. A thread keeps its results."""
    if results.plan.private:
        results.reporter.tell(events.Note(text=PRIVATE_NOTE))
    # It ends after the bridge, which gives it the outcomes of the last requests.
    keeper = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="keeper"))
    bridge = stack.enter_context(bridge_for(results, bill.spending if bill else None))

    def record_in_haste() -> None:
        with contextlib.suppress(PhotorealError, OSError):  # The next run does it.
            results.record_account()

    results.stop.when_asked(bridge.send_no_more)
    results.stop.when_leaving(bridge.leave)
    results.stop.when_leaving(record_in_haste)
    return CloudStage(results, bridge, keeper=keeper)
