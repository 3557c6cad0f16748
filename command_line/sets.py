# SPDX-License-Identifier: GPL-3.0-or-later
"""One set, run from the command line."""

import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..catalogue.states import row_lock
from ..fal_bridge.money import journal_costs
from ..files.home import home_folder
from ..files.lock import FileLock
from ..messages.errors import STOPPED_EXIT_CODE, PhotorealError
from ..messages.money import cost_sentence
from ..messages.progress import Reporter
from ..photo_set.cancel_mark import CancelMark
from ..photo_set.estimates import Bill
from ..photo_set.folder import SetState
from ..photo_set.pipeline import run_set
from ..photo_set.plan import SetPlan
from ..processes.interrupts import Interrupts, Stop, looking_elsewhere

LOOK_SECONDS = 0.3  # Between two looks at whether another run has ended.


@contextlib.contextmanager
def working_in(root: Path, reporter: Reporter) -> Iterator[None]:
    """While entered: no other run of one set, and no catalogue, works in the set folder ``root``.

    One that does is waited for: what it makes need not be made again. Where nothing can be locked, nobody is kept out.
    """
    name = hashlib.sha256(os.path.normcase(os.path.realpath(root)).encode(errors="surrogateescape"))
    places = [home_folder() / "locks" / f"{name.hexdigest()[:32]}.lock"]
    if row_lock(root).exists():  # It is a product of a catalogue.
        places.append(row_lock(root))
    with ExitStack() as stack:
        for place in places:
            with contextlib.suppress(OSError):
                stack.callback(_lock_when_free(place, root, reporter).release)
        yield


def _lock_when_free(place: Path, root: Path, reporter: Reporter) -> FileLock:
    """Raises OSError where nothing can be locked."""
    is_told = False
    while (lock := FileLock.taken(place)) is None:
        if not is_told:
            text = f"Another run works in {root}: this one goes on when that has ended. Ctrl-C leaves."
            reporter.tell("note", text=text)
            is_told = True
        time.sleep(LOOK_SECONDS)
    return lock


def make_set(plan: SetPlan, reporter: Reporter, bill: Bill | None) -> int:
    cancel_mark = CancelMark(plan.out)
    stop = Stop(lambda: cancel_mark.is_new)

    def cost_so_far() -> dict[str, Any]:
        paid = journal_costs.costs_in(plan.out / ".journal", plan.product)
        is_emulated = plan.service is not None and plan.service.is_emulator
        return {"cost": {**journal_costs.summary(paid), "is_emulated": is_emulated}} if paid else {}

    def tell_end(state: SetState, code: int) -> None:
        more = cost_so_far()
        reporter.tell("finished", state=state.value, exit=code, set=str(plan.out.absolute()), **more)

    def on_ask() -> None:
        what = "the picture that is being rendered is finished first"
        if plan.uses_fal:
            what = "nothing more is sent, and what is paid or being rendered is finished"
        reporter.tell("note", text=f"Stopping: {what}. Ctrl-C again leaves at once.")

    def on_leave() -> None:
        if plan.uses_fal:
            reporter.tell("note", text="Left. Nothing is paid twice.")
        tell_end(SetState.PARTIAL, STOPPED_EXIT_CODE)
        logging.shutdown()

    def tell_of_cancel(code: int) -> None:
        if code == STOPPED_EXIT_CODE and cancel_mark.is_new:
            reporter.tell("note", text="Cancelled by `cancel`: nothing more is sent.")

    with Interrupts(stop, on_ask, on_leave), looking_elsewhere(stop):
        from ..studio.stage import RENDERER  # Blender takes a second to load: Ctrl-C is heard already.

        try:
            outcome = run_set(plan, reporter, RENDERER, bill, stop)
        except PhotorealError as error:
            tell_of_cancel(error.exit_code)
            if error.exit_code == STOPPED_EXIT_CODE:
                tell_end(SetState.PARTIAL, STOPPED_EXIT_CODE)
                return STOPPED_EXIT_CODE
            if cost := cost_so_far():
                reporter.tell("note", text=cost_sentence(cost["cost"]), **cost)
            raise
    tell_of_cancel(outcome.exit_code)
    tell_end(outcome.state, outcome.exit_code)
    return outcome.exit_code
