# SPDX-License-Identifier: GPL-3.0-or-later
"""One set, run from the command line."""

import logging

from ..errors import STOPPED_EXIT_CODE
from ..estimates import Bill
from ..interrupts import Interrupts, Stop
from ..plan import SetPlan
from ..progress import Reporter
from ..set_folder import SetState


def make_set(plan: SetPlan, reporter: Reporter, bill: Bill | None) -> int:
    stop = Stop()

    def tell_end(state: SetState, code: int) -> None:
        reporter.tell("finished", state=state.value, exit=code, set=str(plan.out.absolute()))

    def on_ask() -> None:
        reporter.tell(
            "note",
            text="Stopping: nothing more is sent, what is paid is finished. Ctrl-C again leaves at once.",
        )

    def on_leave() -> None:
        reporter.tell("note", text=f"Left. `resume {plan.out}` goes on; nothing is paid twice.")
        tell_end(SetState.PARTIAL, STOPPED_EXIT_CODE)
        logging.shutdown()

    with Interrupts(stop, on_ask, on_leave):
        from ..pipeline import run_set  # Blender takes a second to load: Ctrl-C is heard already.

        outcome = run_set(plan, reporter, bill, stop)
    tell_end(outcome.state, outcome.exit_code)
    return outcome.exit_code
