# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a set: model, references, photos, video. Rendering and the cloud stage work at the same time.

The main thread renders. Requests to fal.ai are made on the bridge's thread as soon as the pictures that they need are
on disk. Each result is recorded in ``set.json`` immediately, so a run that was killed can be continued: finished files
that still fit are kept, and paid jobs are found in the journal.
"""

import contextlib
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from ..fal_bridge.jobs import Kind
from ..messages import events
from ..messages.errors import InputError, PhotorealError, ProgramError
from ..messages.progress import Reporter
from ..processes.stop import Stop, StopRenderingError
from .choices import LANCZOS, Engine
from .clouds import Clouds
from .estimates import Bill
from .folder import TOOL, SetFolder
from .plan import CheckedPlan, SetPlan
from .plan_record import plan_record
from .render_listener import RenderListener
from .results import Outcome, SetResults
from .source import SourceKind

log = logging.getLogger(__name__)


class Stage(Protocol):
    """Renders one set."""

    def take_model(self) -> None:
        """Copy the user's 3D file into the set as a GLB."""

    def go(self) -> None:
        """Render what the set lacks. Raises StopRenderingError when the run is asked to stop."""


class StageMaker(Protocol):
    """Makes the stage of a set; the listener gets its pictures."""

    def __call__(self, results: SetResults, listener: RenderListener) -> Stage: ...


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
        product=folder.record["product"], summary=_summary(plan), set=str(folder.root), angles=names or None
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
        clouds = stack.enter_context(Clouds(results, bill))
        results.stop.when_leaving(lambda: _write_page_in_haste(results))
        results.record_estimate(bill.estimate if bill else None, bill.to_come if bill else None)
        results.keep_source()
        results.order_video_input()
        try:
            _render(results, renderer, clouds)
        except StopRenderingError:
            if plan.uses_fal:
                results.reporter.tell(events.Note(text="Fetching results that are already paid for."))
        clouds.wait()
    return results.outcome(is_at_ceiling=clouds.is_at_ceiling)


def _write_page_in_haste(results: SetResults) -> None:
    """A page that would still say that the set is being made must not stay behind."""
    with contextlib.suppress(PhotorealError, OSError):  # `report` writes it, too.
        results.folder.write_page()


def _expect_requests(results: SetResults) -> None:
    """Count the requests of the plan, for the estimate of the remaining time."""
    plan, remaining = results.plan, results.activity.remaining
    photos = len(plan.angles) * max(1, len(plan.variants))
    if plan.source.kind is not SourceKind.MODEL and not results.has_model():
        remaining.expect_requests(Kind.CONCEPT, int(bool(plan.concept_endpoint)))
        remaining.expect_requests(Kind.MODEL, 1)
    if plan.engine is Engine.FAL:
        remaining.expect_requests(Kind.PHOTO, photos)
        if plan.photo_size and plan.upscale_endpoint != LANCZOS:
            remaining.expect_requests(Kind.UPSCALE, photos)
    if plan.video is Engine.FAL:
        remaining.expect_requests(Kind.VIDEO, 1)


def _render(results: SetResults, renderer: Renderer, clouds: Clouds) -> None:
    """Get the model and render; the cloud stages get each picture as soon as it is on disk."""
    studio = renderer.stage(results, clouds.listener)
    if not results.has_model():
        if results.plan.source.kind is SourceKind.MODEL:
            studio.take_model()
        else:
            assert clouds.first is not None, "only fal makes models"
            clouds.first.make_model()
    studio.go()
