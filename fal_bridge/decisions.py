# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what the user decides about a paid request whose outcome is unknown."""

import time
from collections.abc import Iterable, Iterator
from enum import StrEnum

from ..messages.labels import shown_label
from ..messages.moments import clock_time
from .errors import UncertainSubmitError, WrongRequestError, facts_of
from .journal import Entry, Facts, Journal, Stage, shown_key
from .money.budget import Budget
from .money.spending import release

MAX_NAMED = 10
MAX_SENDING_SECONDS = 180.0  # After this time, no process is still waiting for a response.


class Decision(StrEnum):
    """The values are the names of options of ``resume``."""

    RESEND = "resend"  # It may be charged twice; the person has checked.
    FORGET = "forget"  # It counts as failed, and is not sent.


_STAGES = {Decision.RESEND: Stage.RELEASED, Decision.FORGET: Stage.FORGOTTEN}


def decide(
    journal: Journal,
    beginning: str,
    decision: Decision,
    budget: Budget | None = None,
    *,
    is_not_in_dashboard: bool = False,
) -> str:
    """Record a decision about the job whose key has this ``beginning``. Returns a sentence for the user.

    A request that is given up no longer counts in ``budget``. One that is sent again does, because both may be billed.
    ``is_not_in_dashboard``: the person confirms that fal.ai's dashboard does not show the request. Without that, it may
    only be sent again after ``Entry.resend_at``, when it would have ended long ago, and when both of fal.ai's lists
    were then read to their end without finding it.

    Raises WrongRequestError when there is nothing to decide (unknown key, not uncertain, still being sent), and
    when it is too early to send it again.
    """
    try:
        key = journal.find(beginning)
    except WrongRequestError as error:
        raise WrongRequestError(error.message, hint=waiting_sentence([journal], decision)) from error
    entry = journal.read(key)
    if decision is Decision.RESEND and not is_not_in_dashboard and _waits(entry, decision):
        _require_late_enough(key, entry)
    _require_undecided(journal, key, entry, decision)
    if entry.stage is Stage.IN_FLIGHT:
        lost = UncertainSubmitError(
            f"{shown_label(entry.label)}: an earlier run sent it to {entry.endpoint} and ended before the response arrived."
        )
        journal.record(key, entry.attempt, Stage.UNCERTAIN, facts_of(lost))
    facts: Facts = {"decision": decision.value}
    if decision is Decision.RESEND:
        facts["is_not_in_dashboard"] = is_not_in_dashboard
    journal.record(key, entry.attempt, _STAGES[decision], facts)
    if decision is Decision.RESEND:
        return f"{_name(key, entry)} may be sent again."
    if budget is not None:
        release(budget, entry.price)
    return f"{_name(key, entry)} is given up."


def _require_undecided(journal: Journal, key: str, entry: Entry, decision: Decision) -> None:
    if _waits(entry, decision):
        return
    if entry.stage is Stage.IN_FLIGHT:
        raise WrongRequestError(
            f"{_name(key, entry)} is being sent right now.", hint="Wait for that run to end, then decide."
        )
    raise WrongRequestError(
        f"{_name(key, entry)} is not uncertain ({entry.stage or 'never sent'}).",
        hint=f"Only a request whose response was lost needs a decision. {waiting_sentence([journal], decision)}",
    )


def _require_late_enough(key: str, entry: Entry) -> None:
    if time.time() < (moment := entry.resend_at):
        raise WrongRequestError(
            f"{_name(key, entry)} may still be running at fal.ai, so sending it again now may be charged twice.",
            hint=(
                f"Resume to look for it again, free of charge. It can be sent again from {clock_time(moment)} on; "
                "before that, only if your fal.ai dashboard does not show it."
            ),
            field="not_in_dashboard",
        )


def waiting_sentence(journals: Iterable[Journal], decision: Decision) -> str:
    """A sentence that lists the requests this decision is possible for."""
    names = [
        _name(key, entry)
        for journal in journals
        for key, entry in undecided(journal)
        if _waits(entry, decision)
    ]
    if not names:
        return f"There is no request to {decision}."
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"To {decision}: {', '.join(names[:MAX_NAMED])}{more}."


def undecided(journal: Journal) -> Iterator[tuple[str, Entry]]:
    """Key and entry of each request that can be sent again, because its response was lost or a person has given it up."""
    for key in journal.job_keys():
        if _waits(entry := journal.read(key), Decision.RESEND):
            yield key, entry


def _waits(entry: Entry, decision: Decision) -> bool:
    if entry.stage is Stage.IN_FLIGHT:
        return is_abandoned(entry)
    if decision is Decision.RESEND and not entry.is_resend_certain:
        return True
    return entry.stage is Stage.UNCERTAIN or (entry.stage is Stage.FORGOTTEN and decision is Decision.RESEND)


def is_abandoned(entry: Entry) -> bool:
    """Whether no process is still waiting for the response to an attempt."""
    sent_at = float(entry.facts.get(Stage.IN_FLIGHT, {}).get("time", 0.0))
    return entry.sender_is_gone or time.time() - sent_at > MAX_SENDING_SECONDS


def how_to_decide(key: str, entry: Entry) -> str:
    """The hint for the user, who can check the dashboard."""
    short, moment = shown_key(key), entry.resend_at
    if time.time() >= moment:
        resend = "If your fal.ai dashboard does not show it, resend it"
    else:
        resend = f"If it is not found by {clock_time(moment)}, resend it, or earlier if your fal.ai dashboard does not show it"
    return (
        "It may be running and may be charged, so it is not sent again automatically. Resume later to look for it "
        f"again, free of charge. {resend}; or forget it to continue without it. Its key is {short}."
    )


def how_to_confirm(key: str) -> str:
    """The hint for a request that may be sent again as soon as it is certain that fal.ai does not have it."""
    return (
        "Nothing was sent. Resume to look for it again, or check your fal.ai dashboard and resend it, "
        f"stating that it is not there. Its key is {shown_key(key)}."
    )


def how_to_send_again(key: str) -> str:
    """The hint for a request that the user has given up."""
    return f"Resend it to have it made. Its key is {shown_key(key)}."


def _name(key: str, entry: Entry) -> str:
    return f"{shown_label(entry.label)} ({shown_key(key)})"
