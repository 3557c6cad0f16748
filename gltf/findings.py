# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a 3D model, as the triage list of ``set.json`` holds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_OF_A_KIND = 20  # Entries of one kind in the list; what is beyond is counted in one more.
MOST_TOLD = 5  # Sentences in a terminal; the rest is in the report.


class Severity(StrEnum):
    """How much a finding matters to the pictures."""

    NOTE = "note"  # Worth knowing; the pictures are right, or as right as they can be.
    WARNING = "warning"  # Something is seen that the product does not have, or is not seen.
    ERROR = "error"  # The pictures are not of the product.


_ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    ``kind`` is a stable word for programs, ``where`` the object or material it is in ("" for the whole
    product), ``count`` how many faces, edges or pixels it concerns, where counting says something.
    ``text`` is for people: what is wrong, what it does to the pictures, what to do.
    """

    kind: str
    severity: Severity
    text: str
    where: str = ""
    count: int | None = None

    def record(self) -> dict[str, Any]:
        """As it stands in ``set.json``."""
        record: dict[str, Any] = {"kind": self.kind, "severity": self.severity.value, "where": self.where}
        if self.count is not None:
            record["count"] = self.count
        return {**record, "text": self.text}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Finding":
        """The finding that ``record`` was made from."""
        return cls(**{**record, "severity": Severity(record["severity"])})


def triage_list(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, in a stable order; of a kind no more than ``MOST_OF_A_KIND``, then one that counts on."""
    ordered = sorted(findings, key=lambda item: (_ORDER.index(item.severity), item.kind))
    kept: list[Finding] = []
    for number, finding in enumerate(ordered):
        same = [item for item in ordered[:number] if _family(item) == _family(finding)]
        if len(same) < MOST_OF_A_KIND:
            kept.append(finding)
        elif len(same) == MOST_OF_A_KIND:
            more = sum(_family(item) == _family(finding) for item in ordered) - MOST_OF_A_KIND
            others = f"{more} more part{'s' * (more > 1)}"
            kept.append(
                Finding(
                    kind=finding.kind,
                    severity=finding.severity,
                    where=others,
                    count=more,
                    text=f"The same holds for {others} of the product.",
                )
            )
    return tuple(kept)


def _family(finding: Finding) -> tuple[str, Severity]:
    return finding.kind, finding.severity


def told(findings: Iterable[Finding]) -> list[str]:
    """What a terminal shows: warnings and errors, a handful, and where the rest is."""
    texts = [item.text for item in findings if item.severity is not Severity.NOTE]
    if len(texts) <= MOST_TOLD:
        return texts
    return [*texts[: MOST_TOLD - 1], f"And {len(texts) - MOST_TOLD + 1} more: see the report, index.html."]
