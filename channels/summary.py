# SPDX-License-Identifier: GPL-3.0-or-later
"""Says once what is the same for several pictures, such as "12 of 12 frames"."""

from collections.abc import Iterable, Sequence

from ..messages.counts import count_of
from .checking import Finding, text_of
from .pictures import SPIN
from .rules import Channel, Rule

MAX_NAMED = 5  # Names in one line.


def which(names: Sequence[str], of: int, channel: Channel) -> str:
    """One name as it is; of several their number, and which they are when they are few and not all."""
    if len(names) == 1:
        return names[0]
    noun = "frame" if channel.angles == SPIN else "picture"
    named = f" ({', '.join(names)})" if len(names) < of and len(names) <= MAX_NAMED else ""
    return f"{len(names)} of {count_of(of, noun)}{named}"


def by_rule(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings that are not met, in groups of one rule and one problem, in their order."""
    groups: dict[tuple[Rule, str], list[Finding]] = {}
    for one in findings:
        if not one.is_met:
            groups.setdefault((one.rule, one.problem), []).append(one)
    return list(groups.values())


def sentence(group: Sequence[Finding]) -> str:
    """What a group of ``by_rule`` has measured, what is asked for, and what to do."""
    return f"{text_of(group)}. {group[0].advice}"


def by_reason(reasons: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of ``(name, reason)`` for each reason, in their order."""
    found: dict[str, list[str]] = {}
    for name, reason in reasons:
        found.setdefault(reason, []).append(name)
    return found
