# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a catalogue: how many products, how much time is left, how much is paid."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..messages import events
from ..messages.money import dollars
from ..messages.progress import Reporter
from ..messages.remaining import Ends, time_left
from .states import RowState, Status

MIN_SECONDS = 5.0  # Between two progress events.
MAX_SECONDS = 60.0  # The same, while nothing ends.
PULSE_SECONDS = 2.0  # Between two signs of life.


@dataclass(slots=True, kw_only=True)
class Tally:
    """The rows of a run by their outcome. ``expected``: the maximum price of all rows in US dollars."""

    reporter: Reporter
    of: int = 0
    expected: float = 0.0
    done: int = 0
    failed: int = 0
    held: int = 0
    left: int = 0  # Another stage continues them.
    unmade: int = 0  # Not made because of a stop, a ceiling or `cancel`.
    paid: dict[str, float] = field(default_factory=dict)  # US dollars by product, also by earlier runs.
    _ends: Ends = field(default_factory=Ends)  # Of the products that this run has ended.
    _told_at: float = 0.0
    _told_of: int = -1
    _pulsed_at: float = 0.0

    @property
    def ended(self) -> int:
        return self.done + self.failed + self.held + self.left + self.unmade

    @property
    def spent(self) -> float:
        """US dollars that are paid for the products of this run so far."""
        return sum(self.paid.values())

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the time between products so far; ``None`` before two have ended."""
        return self._ends.seconds(self.of - self.ended)

    def count(self, status: Status, *, was_done_before: bool = False, is_cancelled: bool = False) -> None:
        """A product has ended, or cannot continue here."""
        if not was_done_before:
            self._ends.count()
        match status.state:
            case RowState.DONE:
                self.done += 1
            case RowState.HELD:
                self.held += 1
            case RowState.WAITING if is_cancelled or status.exit_code:
                self.unmade += 1
            case RowState.WAITING:
                self.left += 1
            case _:
                self.failed += 1

    def pulse(self, text: str) -> None:
        """A sign of life, unless there was one a moment ago. ``text``: what the products in progress are at."""
        if time.monotonic() - self._pulsed_at < PULSE_SECONDS:
            return
        self._pulsed_at = time.monotonic()
        left = self.seconds_left
        self.reporter.tell(
            events.Working(
                task="products",
                done=self.ended - self.unmade,
                of=self.of,
                text=text,
                eta_seconds=None if left is None else round(left),
            )
        )

    def tell(self, *, is_last: bool = False) -> None:
        now = time.monotonic()
        is_news = self.ended != self._told_of
        if not self.of or (is_last and not is_news):
            return
        if now - self._told_at < (MIN_SECONDS if is_news else MAX_SECONDS) and not is_last:
            return
        self._told_at, self._told_of = now, self.ended
        left = self.seconds_left
        expected = max(self.expected, self.spent)  # Another take is paid in addition.
        counts = {"failed": self.failed, "held": self.held, "not made": self.unmade}
        parts = [f"{count} {word}" for word, count in counts.items() if count]
        if left is not None and self.ended < self.of:
            parts.append(time_left(left))
        if expected:
            parts.append(f"{dollars(self.spent)} of {dollars(expected)}")
        self.reporter.tell(
            events.Progress(
                stage="products",
                done=self.ended - self.unmade,
                of=self.of,
                label=", ".join(part for part in parts if part),
                failed=self.failed,
                held=self.held,
                seconds_left=None if left is None else round(left),
                eta_seconds=None if left is None else round(left),
                spent=round(self.spent, 4),
                expected=round(expected, 4),
            )
        )


class ProductReporter:
    """Reports one product of a catalogue: to people only its warnings, with its SKU; to programs everything."""

    def __init__(self, reporter: Reporter, sku: str) -> None:
        self._reporter = reporter
        self._sku = sku

    def tell(self, event: events.Event) -> None:
        if isinstance(event, events.Warning):
            self._reporter.tell(events.Warning(text=f"{self._sku}: {event.text}", sku=self._sku))
        else:
            self.detail(event)

    def detail(self, event: events.Event) -> None:
        self._reporter.detail(replace(event, sku=self._sku))

    def result(self, found: Iterable[events.Event], text: str) -> None:
        for event in found:
            self.detail(event)
