# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems found in a 3D model: the triage list of ``set.json``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_OF_A_KIND = 20  # Entries of one kind in the list; one more entry counts the others.
MAX_SENTENCES = 5  # In a terminal; the others are in the report.


class Severity(StrEnum):
    """How much a finding matters to the pictures."""

    NOTE = "note"  # Good to know; the pictures are as correct as they can be.
    WARNING = "warning"  # The pictures show something that the product does not have, or lack something.
    ERROR = "error"  # The pictures do not show the product.


_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem.

    ``kind`` is a stable identifier for programs, ``where`` names the object or material ("" for the whole product),
    ``count`` is the number of faces, edges or pixels concerned, where that is meaningful. ``text`` is for people: what
    is wrong, how it affects the pictures, and what to do. ``setting`` and ``value``: the member of a plan that avoids it,
    and its value, where there is one; each surface adds what its users know it by.
    """

    kind: str
    severity: Severity
    text: str
    where: str = ""
    count: int | None = None
    setting: str = ""
    value: str = ""

    def record(self) -> dict[str, Any]:
        """The entry in ``set.json``."""
        record: dict[str, Any] = {"kind": self.kind, "severity": self.severity.value, "where": self.where}
        if self.count is not None:
            record["count"] = self.count
        if self.setting:
            record |= {"setting": self.setting, "value": self.value}
        return {**record, "text": self.text}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Finding":
        """The finding that ``record`` was made from."""
        return cls(**{**record, "severity": Severity(record["severity"])})


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by severity; those of equal severity keep their order."""
    return tuple(sorted(findings, key=lambda item: _ORDER.index(item.severity)))


def triage_list(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, worst first, in a stable order. At most ``MAX_OF_A_KIND`` of a kind, and one entry for the others."""
    ordered = sorted(findings, key=lambda item: (_ORDER.index(item.severity), item.kind))
    kept: list[Finding] = []
    for number, finding in enumerate(ordered):
        same = [item for item in ordered[:number] if _family(item) == _family(finding)]
        if len(same) < MAX_OF_A_KIND:
            kept.append(finding)
        elif len(same) == MAX_OF_A_KIND:
            more = sum(_family(item) == _family(finding) for item in ordered) - MAX_OF_A_KIND
            others = f"{more} more part{'s' * (more > 1)}"
            kept.append(
                Finding(
                    kind=finding.kind,
                    severity=finding.severity,
                    where=others,
                    count=more,
                    text=f"The same applies to {others} of the product.",
                )
            )
    return tuple(kept)


def _family(finding: Finding) -> tuple[str, Severity]:
    return finding.kind, finding.severity


def terminal_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Warnings and errors for a terminal: at most ``MAX_SENTENCES``; the last one then refers to the report.

    Those that a setting avoids come before the other warnings.
    """
    worst = [item for item in findings if item.severity is not Severity.NOTE]
    worst.sort(key=lambda item: (item.severity is not Severity.ERROR, not item.setting))
    if len(worst) <= MAX_SENTENCES:
        return worst
    more = len(worst) - MAX_SENTENCES + 1
    text = f"And {more} more: see the report, index.html."
    return [
        *worst[: MAX_SENTENCES - 1],
        Finding(kind="more", severity=Severity.WARNING, count=more, text=text),
    ]


def counted(count: int, noun: str) -> str:
    """``1 face``, ``2,000 faces``; for nouns that only take an s."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
