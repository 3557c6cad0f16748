# SPDX-License-Identifier: GPL-3.0-or-later
"""What fal.ai has really charged: its billing events, compared with what the journals recorded.

Amounts are exact: US dollars as Decimal, read from the nano-dollars of an event. A request without an event was not
charged, or not yet; nothing here counts it as zero. Source: fal.ai's documentation of its billing events.
"""

import csv
import io
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..errors import MissingPermissionError
from ..network.platform_api import MAX_IDS, Platform, amount_of
from .journal_costs import Cost, spreadsheet_safe

DAY_SECONDS = 86400.0
SPAN_SECONDS = 89 * DAY_SECONDS  # Of one question; fal.ai allows 90 days.
SENT_SECONDS = 60 * DAY_SECONDS  # Of the requests in one question, so that late events are included.
EVENTS_PER_PAGE = 10_000
NANO = Decimal(1_000_000_000)
PRECISION = Decimal("0.000001")  # Of recorded costs.

COLUMNS = (
    *(
        "time",
        "product",
        "job",
        "kind",
        "endpoint",
        "request_id",
        "state",
        "file",
        "recorded",
        "recorded_basis",
    ),
    *("charged", "subtotal", "discount", "percent_discount", "units", "unit_price", "events"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEvent:
    """One line of the bill. Amounts in US dollars; ``None`` for what the line does not tell."""

    request_id: str
    total: Decimal
    subtotal: Decimal | None = None
    discount: Decimal | None = None
    percent_discount: Decimal | None = None
    units: Decimal | None = None
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The billing events of some requests. ``unreadable``: ids of requests with a line that cannot be understood."""

    events: Mapping[str, Sequence[BillingEvent]]
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One request with what was recorded and what was charged; ``events`` is empty when the bill has no line for it."""

    cost: Cost
    events: tuple[BillingEvent, ...] = ()
    is_unreadable: bool = False

    @property
    def request_id(self) -> str:
        return self.cost.row["request_id"]

    @property
    def amount(self) -> Decimal | None:
        """What was charged in US dollars; ``None`` when it is not known."""
        return None if self.is_unreadable or not self.events else _sum(event.total for event in self.events)

    @property
    def is_missing(self) -> bool:
        """Whether the bill should have a line and has none that can be read: it may have cost something."""
        return self.amount is None and self.cost.amount != 0

    @property
    def differs(self) -> bool:
        """Whether another amount was recorded."""
        amount, recorded = self.amount, self.cost.amount
        return amount is not None and (recorded is None or abs(amount - recorded) > PRECISION)

    def row(self) -> dict[str, str]:
        known = {name: self.cost.row[name] for name in COLUMNS if name in self.cost.row}
        return {
            **known,
            "file": self.cost.file,
            "recorded": self.cost.row["cost"],
            "recorded_basis": self.cost.basis,
            "charged": _text(self.amount),
            "subtotal": _text(_sum_known(event.subtotal for event in self.events)),
            "discount": _text(_sum_known(event.discount for event in self.events)),
            "percent_discount": _text(self.events[0].percent_discount) if self.events else "",
            "units": _text(_sum_known(event.units for event in self.events)),
            "unit_price": _text(self.events[0].unit_price) if self.events else "",
            "events": "unreadable" if self.is_unreadable else str(len(self.events)),
        }


def bill_for(costs: Collection[Cost], platform: Platform) -> Bill:
    """The bill for the requests of some journals. Raises MissingPermissionError, and as ``Platform.pages``."""
    found: dict[str, list[BillingEvent]] = {}
    unreadable: set[str] = set()
    for ids, begin, end in _questions(costs):
        query = {"request_id": ids, "start": _iso(begin), "end": _iso(end), "limit": str(EVENTS_PER_PAGE)}
        try:
            for line in platform.pages("models/billing-events", "billing_events", query):
                request_id = str(line.get("request_id", "")) if isinstance(line, Mapping) else ""
                event = _read(line)
                if request_id not in ids:
                    continue
                if event is None:
                    unreadable.add(request_id)
                else:
                    found.setdefault(request_id, []).append(event)
        except MissingPermissionError as error:
            raise MissingPermissionError(
                "The key may not read billing events.",
                hint="Use an admin key: fal.ai does not show the bill to other keys. Nothing was changed.",
            ) from error
    return Bill(events=found, unreadable=frozenset(unreadable))


def _questions(costs: Iterable[Cost]) -> Iterator[tuple[list[str], float, float]]:
    """Request ids and the time in which their events are, in parts that fal.ai accepts."""
    moments: dict[str, float] = {}
    for cost in costs:
        if request_id := cost.row["request_id"]:
            moments.setdefault(request_id, datetime.fromisoformat(cost.row["time"]).timestamp())
    waiting = sorted(moments.items(), key=lambda item: item[1])
    now = time.time() + 1.0
    while waiting:
        first = waiting[0][1]
        part = [name for name, moment in waiting[:MAX_IDS] if moment <= first + SENT_SECONDS]
        waiting = waiting[len(part) :]
        # Our clock may be wrong by a time zone. Windows has no times before 1970.
        begin = max(0.0, min(first, now) - DAY_SECONDS)
        yield part, begin, min(begin + SPAN_SECONDS, now)


def _read(line: Any) -> BillingEvent | None:
    """A line of the bill; ``None`` when it does not tell exactly what was charged."""
    if not isinstance(line, Mapping):
        return None
    total, nano = amount_of(line.get("cost_total")), line.get("cost_estimate_nano_usd")
    if isinstance(nano, int) and not isinstance(nano, bool) and nano >= 0:
        exact = Decimal(nano) / NANO
        if total is not None and abs(total - exact) > 1 / NANO:
            return None  # The two amounts contradict each other.
        total = exact
    if total is None:
        return None
    return BillingEvent(
        request_id=str(line.get("request_id", "")),
        total=total,
        subtotal=amount_of(line.get("cost_subtotal")),
        discount=amount_of(line.get("cost_discount")),
        percent_discount=amount_of(line.get("percent_discount")),
        units=amount_of(line.get("output_units")),
        unit_price=amount_of(line.get("unit_price")),
    )


def charges_of(costs: Iterable[Cost], bill: Bill) -> list[Charge]:
    """Each request with its lines of the bill. A request that two folders share is charged to the first."""
    charged: set[str] = set()
    found = []
    for cost in costs:
        request_id = cost.row["request_id"]
        if request_id and request_id in charged:
            continue
        charged.add(request_id)
        events = tuple(bill.events.get(request_id, ()))
        found.append(Charge(cost=cost, events=events, is_unreadable=request_id in bill.unreadable))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a group of requests has cost. ``charged``: of those with an event; ``recorded``: where it is known."""

    requests: int
    charged: Decimal
    discount: Decimal
    recorded: Decimal
    failed: Decimal  # The part of ``charged`` for requests that have failed.
    missing: int

    def record(self) -> dict[str, Any]:
        amounts = {name: f"{getattr(self, name):f}" for name in ("charged", "discount", "recorded", "failed")}
        return {"requests": self.requests, **amounts, "missing": self.missing}


def sums_of(charges: Iterable[Charge]) -> Sums:
    found = list(charges)
    return Sums(
        requests=len(found),
        charged=_sum_known(charge.amount for charge in found) or Decimal(0),
        discount=_sum_known(
            event.discount for charge in found if charge.amount is not None for event in charge.events
        )
        or Decimal(0),
        recorded=_sum_known(charge.cost.amount for charge in found) or Decimal(0),
        failed=_sum_known(charge.amount for charge in found if charge.cost.row["state"] == "failed")
        or Decimal(0),
        missing=sum(charge.is_missing for charge in found),
    )


def sums_by(charges: Iterable[Charge], column: str) -> dict[str, Sums]:
    """The sums for each value of a column, such as ``product`` or ``endpoint``."""
    groups: dict[str, list[Charge]] = {}
    for charge in charges:
        groups.setdefault(charge.cost.row[column], []).append(charge)
    return {name: sums_of(group) for name, group in sorted(groups.items())}


def as_csv(charges: Iterable[Charge]) -> str:
    """A table for spreadsheets, in which no text is run as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for charge in charges:
        row = charge.row()
        writer.writerow([spreadsheet_safe(row[column]) for column in COLUMNS])
    return buffer.getvalue()


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _sum_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the known amounts; ``None`` when none is known."""
    known = [amount for amount in amounts if amount is not None]
    return _sum(known) if known else None


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
