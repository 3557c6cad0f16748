# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person decides about a paid request whose fate nobody knows."""

import time
from enum import StrEnum

from .budget import Budget, release
from .errors import UncertainSubmitError, WrongRequestError
from .journal import Entry, Facts, Journal, Stage, shown_key

LONGEST_SENDING = 180.0  # After that long no process still waits for an answer.


class Decision(StrEnum):
    RESEND = "resend"  # It may be paid twice; the person has looked.
    FORGET = "forget"  # It counts as failed, and is not sent.


_STAGES = {Decision.RESEND: Stage.RELEASED, Decision.FORGET: Stage.FORGOTTEN}


def decide(journal: Journal, beginning: str, decision: Decision, budget: Budget | None = None) -> str:
    """Write down the decision about the job whose key begins so; what is now true, as a sentence.

    What is given up no longer counts in ``budget``. What is sent once more does, because both may be billed.
    Raises WrongRequestError when there is nothing to decide: unknown key, not uncertain, still being sent.
    """
    key = journal.find(beginning)
    entry = journal.read(key)
    if entry.stage is Stage.IN_FLIGHT:
        if not is_abandoned(entry):
            raise WrongRequestError(
                f"{_name(key, entry)} is being sent right now.", hint="Wait for that run, then decide."
            )
        facts: Facts = {
            "error": "UncertainSubmitError",
            "message": f"{entry.label}: an earlier run sent it to {entry.endpoint} and ended before the answer.",
        }
        journal.record(key, entry.attempt, Stage.UNCERTAIN, facts)
    elif entry.stage is not Stage.UNCERTAIN and not (
        entry.stage is Stage.FORGOTTEN and decision is Decision.RESEND
    ):
        raise WrongRequestError(
            f"{_name(key, entry)} is not uncertain ({entry.stage or 'never sent'}).",
            hint="Only a request whose answer was lost waits for a decision.",
        )
    journal.record(key, entry.attempt, _STAGES[decision], {"decision": decision.value})
    if decision is Decision.RESEND:
        return f"{_name(key, entry)} may be sent once more."
    if budget is not None:
        release(budget, entry.price)
    return f"{_name(key, entry)} is given up."


def is_abandoned(entry: Entry) -> bool:
    """Whether nobody waits any more for the answer to an attempt that has none."""
    sent_at = float(entry.facts.get(Stage.IN_FLIGHT, {}).get("time", 0.0))
    return entry.sender_is_gone or time.time() - sent_at > LONGEST_SENDING


def how_to_decide(key: str) -> str:
    """The hint for a person who can look where we cannot."""
    return (
        f"{UncertainSubmitError.next_step} Then `resume DIR --resend {shown_key(key)}` sends it once more, "
        f"`resume DIR --forget {shown_key(key)}` gives it up."
    )


def how_to_send_again(key: str) -> str:
    return f"`resume DIR --resend {shown_key(key)}` sends it once more."


def _name(key: str, entry: Entry) -> str:
    return f"{entry.label} ({shown_key(key)})"
