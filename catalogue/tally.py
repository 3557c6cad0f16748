# SPDX-License-Identifier: GPL-3.0-or-later
"""What a catalogue tells while it works: how many products, how long still, how much money."""

import time
from dataclasses import dataclass, field
from typing import Any

from ..messages.money import dollars
from ..messages.progress import JsonReporter, Reporter
from .states import RowState, Status

TELL_SECONDS = 5.0  # Between two words on progress, at least.
QUIET_SECONDS = 60.0  # And at most, while nothing ends.


@dataclass(slots=True, kw_only=True)
class Tally:
    """The rows of a run by what came of them. ``expected``: dollars that all of them may cost at most."""

    reporter: Reporter
    of: int = 0
    expected: float = 0.0
    done: int = 0
    failed: int = 0
    held: int = 0
    left: int = 0  # Cannot go on here: another stage, a ceiling, a stop.
    spent: float = 0.0
    worked: int = 0  # Products that this run has brought to an end.
    _began: float = field(default_factory=time.monotonic)
    _told_at: float = 0.0
    _told_of: int = -1

    @property
    def ended(self) -> int:
        return self.done + self.failed + self.held + self.left

    @property
    def seconds_left(self) -> float | None:
        """By the time that products took so far; ``None`` before the first."""
        if not self.worked:
            return None
        return (time.monotonic() - self._began) / self.worked * (self.of - self.ended)

    def count(self, status: Status, *, was_done_before: bool = False) -> None:
        """A product has ended, or cannot go on here."""
        self.spent += status.paid
        self.worked += not was_done_before
        match status.state:
            case RowState.DONE:
                self.done += 1
            case RowState.HELD:
                self.held += 1
            case RowState.WAITING:
                self.left += 1
            case _:
                self.failed += 1

    def tell(self, *, is_last: bool = False) -> None:
        now = time.monotonic()
        is_news = self.ended != self._told_of
        if is_last and not is_news:
            return
        if now - self._told_at < (TELL_SECONDS if is_news else QUIET_SECONDS) and not is_last:
            return
        self._told_at, self._told_of = now, self.ended
        left = self.seconds_left
        expected = max(self.expected, self.spent)  # What was redone is paid twice.
        words = [f"{self.failed} failed" if self.failed else "", f"{self.held} held" if self.held else ""]
        if left is not None and self.ended < self.of:
            words.append(f"{duration(left)} left")
        if expected:
            words.append(f"{dollars(self.spent)} of {dollars(expected)}")
        self.reporter.tell(
            "progress",
            stage="products",
            done=self.ended,
            of=self.of,
            label=", ".join(word for word in words if word),
            failed=self.failed,
            held=self.held,
            seconds_left=None if left is None else round(left),
            spent=round(self.spent, 4),
            expected=round(expected, 4),
        )


class ProductReporter:
    """Says of one product what concerns the whole: warnings, with its SKU; to programs all."""

    def __init__(self, reporter: Reporter, sku: str) -> None:
        self._reporter = reporter
        self._sku = sku

    def tell(self, event: str, **facts: Any) -> None:
        if event == "warning":
            self._reporter.tell("warning", text=f"{self._sku}: {facts['text']}", sku=self._sku)
        elif isinstance(self._reporter, JsonReporter):
            self._reporter.tell(event, sku=self._sku, **facts)


def duration(seconds: float) -> str:
    """Like 45 s, 12 min or 3:05 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60}:{minutes % 60:02} h"
