# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one set from the command line."""

import contextlib
import logging

from ..fal_bridge.money import journal_costs
from ..fal_bridge.stored_files import pickup_deadline
from ..gltf.findings import Severity
from ..messages import events
from ..messages.errors import STOPPED_EXIT_CODE, PhotorealError
from ..messages.moments import date_time
from ..messages.money import cost_sentence
from ..messages.progress import Reporter
from ..photo_set.cancel_mark import CancelMark
from ..photo_set.estimates import Bill
from ..photo_set.folder import SetState
from ..photo_set.living_run import is_asked_to_stop
from ..photo_set.pipeline import run_set
from ..photo_set.plan import CheckedPlan
from ..photo_set.set_costs import costs_of
from ..photo_set.variant_folders import set_journals
from ..processes.interrupts import Interrupts
from ..processes.stop import Stop, looking_elsewhere
from .next_steps import RedoListener, next_steps


def make_set(plan: CheckedPlan, reporter: Reporter, bill: Bill | None, *, is_strict: bool = False) -> int:
    """Make the set of a plan, or finish it, until it ends or Ctrl-C; the exit code.

    ``is_strict``: an error in the findings about its model or its pictures is a failure.

    Raises PhotorealError for what ends the run as a whole.
    """
    return _SetRun(plan, reporter, is_strict=is_strict).go(bill)


class _SetRun:
    """One run of one set, with what it reports."""

    def __init__(self, plan: CheckedPlan, reporter: Reporter, *, is_strict: bool) -> None:
        self._is_strict = is_strict
        self._plan = plan
        self._reporter = RedoListener(reporter)
        self._cancel_mark = CancelMark(plan.out)

    def go(self, bill: Bill | None) -> int:
        stop = Stop(lambda: self._cancel_mark.is_new or is_asked_to_stop(self._plan.out))
        with Interrupts(stop, self._on_ask, self._on_leave), looking_elsewhere(stop):
            from ..studio.stage import RENDERER  # Blender takes a second to load: Ctrl-C already works.

            try:
                outcome = run_set(self._plan, self._reporter, RENDERER, bill, stop)
            except PhotorealError as error:
                self._tell_of_cancel(error.exit_code)
                if error.exit_code == STOPPED_EXIT_CODE:
                    self._tell_end(SetState.PARTIAL, STOPPED_EXIT_CODE)
                    return STOPPED_EXIT_CODE
                self._tell_deadline()
                if cost := self._cost():
                    self._reporter.tell(events.Note(text=cost_sentence(cost), cost=cost))
                self._tell_next_steps()
                raise
        self._tell_of_cancel(outcome.exit_code)
        if self._is_strict and outcome.exit_code == 0 and outcome.worst is Severity.ERROR:
            self._tell_end(SetState.PARTIAL, PhotorealError.exit_code)
            return PhotorealError.exit_code
        self._tell_end(outcome.state, outcome.exit_code)
        if outcome.exit_code:
            self._tell_next_steps()
        return outcome.exit_code

    def _on_ask(self) -> None:
        what = "the picture that is being rendered is finished first"
        if self._plan.uses_fal:
            what = "nothing more is sent, and what is paid or being rendered is finished"
        self._note(f"Stopping: {what}. Press Ctrl-C again to leave immediately.")

    def _on_leave(self) -> None:
        if self._plan.uses_fal:
            self._note("Stopped at once. Nothing is paid twice.")
        self._tell_end(SetState.PARTIAL, STOPPED_EXIT_CODE)
        logging.shutdown()

    def _tell_of_cancel(self, code: int) -> None:
        if code == STOPPED_EXIT_CODE and self._cancel_mark.is_new:
            self._note("Cancelled by `cancel`: nothing more is sent.")

    def _tell_end(self, state: SetState, code: int) -> None:
        folder = str(self._plan.out.absolute())
        self._tell_deadline()
        self._reporter.tell(
            events.Finished(state=state.value, exit=code, set=folder, cost=self._cost() or None)
        )

    def _tell_deadline(self) -> None:
        """Results that were not fetched are lost when fal.ai deletes them."""
        with contextlib.suppress(PhotorealError):  # A damaged journal has been reported.
            journals = set_journals(self._plan.out).values()
            if moments := list(filter(None, map(pickup_deadline, journals))):
                self._note(
                    f"Resume before {date_time(min(moments))}: after that, fal.ai deletes results that are paid."
                )

    def _tell_next_steps(self) -> None:
        """Programs have the keys and names in the events."""
        with contextlib.suppress(PhotorealError):  # A damaged journal has been reported.
            if self._plan.uses_fal and (text := next_steps(self._plan.out, self._reporter.names)):
                self._reporter.result((), text)

    def _note(self, text: str) -> None:
        self._reporter.tell(events.Note(text=text))

    def _cost(self) -> events.Cost:
        """What the set has cost so far; empty when nothing was paid."""
        paid = costs_of(self._plan.out, self._plan.product)
        if not paid:
            return {}
        service = self._plan.service
        found: events.Cost = journal_costs.summary(paid)
        is_emulator = service is not None and service.is_emulator
        found["is_emulated"] = is_emulator or all(cost.is_emulated for cost in paid)
        return found
