# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person decides about a paid request whose fate nobody knows."""

import time
from collections.abc import Iterable
from enum import StrEnum

from .budget import Budget, release
from .errors import UncertainSubmitError, WrongRequestError
from .journal import Entry, Facts, Journal, Stage, shown_key

MOST_NAMED = 10
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
    try:
        key = journal.find(beginning)
    except WrongRequestError as error:
        raise WrongRequestError(error.message, hint=waiting_sentence([journal], decision)) from error
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
    elif not _waits(entry, decision):
        raise WrongRequestError(
            f"{_name(key, entry)} is not uncertain ({entry.stage or 'never sent'}).",
            hint=f"Only a request whose answer was lost waits for a decision. {waiting_sentence([journal], decision)}",
        )
    journal.record(key, entry.attempt, _STAGES[decision], {"decision": decision.value})
    if decision is Decision.RESEND:
        return f"{_name(key, entry)} may be sent once more."
    if budget is not None:
        release(budget, entry.price)
    return f"{_name(key, entry)} is given up."


def waiting_sentence(journals: Iterable[Journal], decision: Decision) -> str:
    """Which requests can be decided about so."""
    names = [
        _name(key, entry)
        for journal in journals
        for key in journal.job_keys()
        if _waits(entry := journal.read(key), decision)
    ]
    if not names:
        return f"There is none for --{decision}."
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"For --{decision}: {', '.join(names[:MOST_NAMED])}{more}."


def _waits(entry: Entry, decision: Decision) -> bool:
    if entry.stage is Stage.IN_FLIGHT:
        return is_abandoned(entry)
    return entry.stage is Stage.UNCERTAIN or (entry.stage is Stage.FORGOTTEN and decision is Decision.RESEND)


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
