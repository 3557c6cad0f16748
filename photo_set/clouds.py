# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud stages of a run: one for a set, and one for each of its other variants, which is a set with its own journal.

All of them spend from one bill, so every ceiling is over the whole run.
"""

import contextlib
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from ..fal_bridge.bridge import Bridge, Connection
from ..messages import events
from ..messages.errors import PhotorealError
from ..optics.angles import Angle
from .choices import Engine
from .cloud_jobs import bridge_for
from .cloud_stage import CloudStage
from .estimates import Bill
from .render_listener import RenderListener
from .results import SetResults
from .variant_folders import prepared_variant, record_variant
from .variant_results import results_of_variant

PRIVATE_NOTE = (
    "Results at fal.ai can be read only with your key. Pictures that are sent there can be read by anyone who knows their "
    "addresses until they are deleted: models may not be able to read restricted files."
)


class Clouds:
    """The cloud stages of the run of one set, which end with the context. ``bill`` says what all of them may spend.

    ``connection`` and ``keeper`` are for runs of many sets, which share them: an open connection to fal.ai, and threads
    that keep results. Without them each stage has its own.
    """

    def __init__(
        self,
        results: SetResults,
        bill: Bill | None,
        *,
        connection: Connection | None = None,
        keeper: Executor | None = None,
    ) -> None:
        self._results = results
        self._bill = bill
        self._connection = connection
        self._keeper = keeper
        self._stack = ExitStack()
        self._open: list[tuple[SetResults, Bridge]] = []
        self._others: list[tuple[SetResults, CloudStage]] = []
        self.first: CloudStage | None = None

    def __enter__(self) -> Self:
        plan, stop = self._results.plan, self._results.stop
        if plan.uses_fal:
            if plan.private:
                self._results.reporter.tell(events.Note(text=PRIVATE_NOTE))
            self.first = self._opened(self._results)
        stop.when_asked(self.send_no_more)
        stop.when_leaving(self.leave)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        for results, _stage in self._others:
            results.record_account()
            results.folder.write_page()

    def send_no_more(self) -> None:
        """Finish what is paid and send nothing else. From any thread."""
        for _results, bridge in list(self._open):
            bridge.send_no_more()

    def leave(self) -> None:
        """End all requests of this process, and record what was sent and what it has cost. From any thread."""
        opened = list(self._open)
        leaving = [threading.Thread(target=bridge.leave, daemon=True) for _results, bridge in opened]
        for thread in leaving:
            thread.start()
        for thread in leaving:
            thread.join()
        for results, _bridge in opened:
            with contextlib.suppress(PhotorealError, OSError):  # The next run does it.
                results.record_account()

    @property
    def is_at_ceiling(self) -> bool:
        """Whether something was not sent because a ceiling was reached."""
        return any(stage.is_at_ceiling for stage in self._stages)

    @property
    def is_at_common_ceiling(self) -> bool:
        """Whether one of these ceilings is over more than this set with its variants."""
        return any(stage.is_at_common_ceiling for stage in self._stages)

    @property
    def _stages(self) -> list[CloudStage]:
        return [*filter(None, (self.first,)), *(stage for _results, stage in self._others)]

    @property
    def listener(self) -> RenderListener:
        return _Listener(self, self._results, self.first)

    def listener_of_variant(self, results: SetResults) -> RenderListener:
        """Opens the cloud stage of another variant, if fal.ai makes its photos. Raises InputError."""
        if not results.plan.uses_fal:
            return RenderListener()
        return _Listener(self, results, self._opened_variant(results))

    def photograph_all(self) -> None:
        """Start everything that follows from what is on disk, of all variants that were rendered. Raises InputError."""
        first, plan = self._results, self._results.plan
        rendered = {
            entry["name"] for entry in first.folder.record.get("variants", []) if "error" not in entry
        }
        for variant in (one for one in plan.variants[1:] if one.name in rendered):
            folder, own = prepared_variant(first.folder, plan, variant)
            if own.uses_fal:
                self._opened_variant(results_of_variant(first, variant, folder, own))
        for stage in self._stages:
            stage.photograph_all()

    def wait(self) -> None:
        """Until everything that was started has come, or is known not to come. Records how far the variants are."""
        if self.first:
            self.first.wait()
        for results, stage in self._others:
            stage.wait()
            if "error" not in results.folder.record:  # Otherwise it could not be rendered, which is recorded.
                outcome = results.outcome(is_at_ceiling=stage.is_at_ceiling)
                assert results.variant is not None
                record_variant(self._results.folder, results.variant, results.folder, outcome.state)

    def _opened_variant(self, results: SetResults) -> CloudStage:
        assert results.variant is not None
        bill, name = self._bill, results.variant.name
        to_come = bill.to_come.of_variant(name) if bill and bill.to_come else None
        results.record_estimate(bill.estimate.of_variant(name) if bill else None, to_come)
        stage = self._opened(results)
        self._others.append((results, stage))
        return stage

    def _opened(self, results: SetResults) -> CloudStage:
        """A cloud stage with a separate bridge. A thread keeps its results. Raises InputError."""
        # It ends after the bridge, which gives it the outcomes of the last requests.
        keeper = self._keeper or self._stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="keeper"))
        spending = self._bill.spending if self._bill else None
        bridge = self._stack.enter_context(bridge_for(results, spending, self._connection))
        self._open.append((results, bridge))
        if results.stop.is_asked:
            bridge.send_no_more()
        return CloudStage(results, bridge, keeper=keeper)


class _Listener(RenderListener):
    """Hands the pictures of a set to its cloud stage; without one it only does so for variants."""

    def __init__(self, clouds: Clouds, results: SetResults, stage: CloudStage | None) -> None:
        self._clouds = clouds
        self._engine = results.plan.engine
        self._stage = stage

    def rendered(self, angle: Angle) -> None:
        if self._stage and self._engine is Engine.FAL:
            self._stage.photograph(angle)

    def photographed(self, angle: Angle, photo: Path) -> None:
        if self._stage:
            self._stage.offer_for_video(angle, photo)

    def calibrated(self, angle: Angle) -> None:
        if self._stage:
            self._stage.compare(angle)

    def of_variant(self, results: SetResults) -> RenderListener:
        return self._clouds.listener_of_variant(results)
