# SPDX-License-Identifier: GPL-3.0-or-later
"""What was spent, from the journal: every attempt of every job, including those that failed."""

import csv
import io
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ...files.input_files import read_json
from ...messages import events
from ...messages.labels import shown_label
from .billed_units import Billed, billed

Facts = Mapping[str, Any]

COLUMNS = (
    *("time", "product", "job", "kind", "endpoint", "request_id", "state"),
    *("unit", "unit_price", "units", "estimate_min", "estimate_max", "cost", "currency", "basis"),
)
_INTENT = re.compile(r"intent\.(\d+)")
_FORMULA = ("=", "+", "-", "@")
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one attempt in US dollars; ``amount`` is ``None`` while it is unknown.

    ``basis`` is billed, estimated or unknown.
    """

    amount: Decimal | None
    basis: str
    row: dict[str, str]
    file: str = ""  # What it has brought, relative to the folder of the set.
    intent: Path = Path()  # The record of this attempt in its journal: no other attempt has it.
    refused_units: str = ""  # What fal.ai reports as billed, when that is implausible.
    is_emulated: bool = False  # An emulator has accepted it.


def cost_of(price: Facts, units: float | None) -> tuple[Decimal | None, str]:
    """What a request cost, and on which basis: as billed, or as estimated if only one amount was possible."""
    try:
        if units is not None and "unit_price" in price:
            return (Decimal(str(units)) * Decimal(str(price["unit_price"]))).quantize(_PLACES), "billed"
        if units == 0:
            return Decimal(0), "billed"
        if "min" in price and price["min"] == price.get("max"):
            return Decimal(str(price["min"])), "estimated"
    except InvalidOperation:
        pass
    return None, "unknown"


def costs_in(journal: Path, product: str) -> list[Cost]:
    """Every attempt in a journal that has sent a request, in the order of sending.

    A request that a later attempt has adopted appears once, with that attempt.
    """
    files = [path for path in journal.glob("*/intent.*") if _INTENT.fullmatch(path.name)]
    intents = {(path.parent.name, int(path.suffix[1:])): _read(path) for path in files}
    adopted = {_adopted(intent) for intent in intents.values()}
    found = [
        _cost(journal / key, attempt, intent, product)
        for (key, attempt), intent in intents.items()
        if (key, attempt) not in adopted
    ]
    return sorted(found, key=lambda cost: cost.row["time"])


def _adopted(intent: Facts) -> tuple[str, int]:
    """The job and attempt whose request an intent adopts."""
    adopts = intent.get("adopts")
    if not isinstance(adopts, Mapping) or not isinstance(number := adopts.get("attempt"), int):
        return "", 0
    return str(adopts.get("key", "")), number


def total(costs: Iterable[Cost]) -> Decimal:
    """The sum of the known amounts in US dollars."""
    return sum((cost.amount for cost in costs if cost.amount), Decimal(0))


def highest_total(costs: Iterable[Cost]) -> Decimal:
    """The same with the highest expected cost of each request of unknown amount, such as one that is still running."""
    return sum((_highest(cost) for cost in costs), Decimal(0))


def _highest(cost: Cost) -> Decimal:
    if cost.amount is not None:
        return cost.amount
    try:
        return Decimal(cost.row["estimate_max"])
    except InvalidOperation:
        return Decimal(0)


def summary(costs: Iterable[Cost]) -> events.Cost:
    """The sums in US dollars for JSON; ``unpriced`` counts the requests of unknown cost."""
    found = list(costs)
    estimated = total(cost for cost in found if cost.basis == "estimated")
    return {
        "actual": float(total(found)),
        "estimated": float(estimated),
        "unpriced": sum(cost.amount is None for cost in found),
        "currency": "USD",
    }


def as_csv(costs: Iterable[Cost]) -> str:
    """A table for spreadsheets, in which no text is run as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cost in costs:
        writer.writerow([spreadsheet_safe(cost.row[column]) for column in COLUMNS])
    return buffer.getvalue()


def _cost(folder: Path, attempt: int, intent: Facts, product: str) -> Cost:
    submitted, answer, ended, forgotten = (
        _read(folder / f"{name}.{attempt}.json") for name in ("submitted", "answer", "ended", "forgotten")
    )
    price = intent.get("price")
    price = price if isinstance(price, Mapping) else {}
    state = _state(submitted, answer, ended, forgotten)
    bill = _billed(ended, price)
    if bill.units is None and not bill.refused:
        bill = _billed(answer, price)
    amount, basis = _amount(state, ended or answer, price, bill.units)
    label = str(intent.get("label", ""))
    row = {
        "time": _iso(intent.get("time")),
        "product": product,
        "job": shown_label(label),
        "kind": str(intent.get("kind", "")),
        "endpoint": str(intent.get("endpoint", "")),
        "request_id": str(submitted.get("request_id", "")),
        "state": state,
        "unit": str(price.get("unit", "")),
        "unit_price": str(price.get("unit_price", "")),
        "units": bill.refused if bill.units is None else f"{bill.units:g}",
        "estimate_min": str(price.get("min", "")),
        "estimate_max": str(price.get("max", "")),
        "cost": "" if amount is None else f"{amount:f}",
        "currency": "USD",
        "basis": basis,
    }
    file, path = _file(folder, attempt, ended), folder / f"intent.{attempt}"
    return Cost(
        amount=amount,
        basis=basis,
        row=row,
        file=file,
        intent=path,
        refused_units=bill.refused,
        is_emulated=str(submitted.get("status_url", "")).startswith("http://"),  # fal.ai is at https://.
    )


def _state(submitted: Facts, answer: Facts, ended: Facts, forgotten: Facts) -> str:
    """The progress of an attempt, from the facts about it."""
    if ended:
        return "failed" if submitted else "refused"
    if answer:
        return "done"
    if submitted:
        return "running"
    return "forgotten" if forgotten else "uncertain"


def _amount(state: str, outcome: Facts, price: Facts, units: float | None) -> tuple[Decimal | None, str]:
    """What an attempt cost, and on which basis. ``outcome``: its answer or its error."""
    if state == "refused":
        return Decimal(0), "billed"
    if state == "failed" and units is None:  # A failure that is not billed, or whose bill is unknown.
        return (Decimal(0), "billed") if int(outcome.get("status", 0)) >= 500 else (None, "unknown")
    return cost_of(price, units) if outcome else (None, "unknown")


def _file(folder: Path, attempt: int, ended: Facts) -> str:
    """The file that an attempt has brought, also one that was withheld; "" for none."""
    done = _read(folder / "done.json")
    path = done.get("path") if done.get("attempt") == attempt else ended.get("path")
    return posixpath.normpath(posixpath.join(folder.parent.name, str(path))) if path else ""


def _iso(moment: Any) -> str:
    """An ISO date-time in UTC; 1970 when ``moment`` is not a time."""
    try:
        return datetime.fromtimestamp(float(moment), UTC).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="seconds")


def _billed(facts: Facts, price: Facts) -> Billed:
    reported = facts.get("refused_units", facts.get("units"))
    return billed(reported, price)


def _read(path: Path) -> Facts:
    try:
        facts = read_json(path, is_lenient=True)
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def spreadsheet_safe(text: str) -> str:
    """A cell that spreadsheets do not run as a formula: an apostrophe makes it a text."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"'{line}" if line.lstrip().startswith(_FORMULA) else line
