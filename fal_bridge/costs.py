# SPDX-License-Identifier: GPL-3.0-or-later
"""What was spent, read from the journal: every attempt of every job, also those that failed."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

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
    """One attempt. ``amount`` is ``None`` while nobody can say; ``basis`` is billed, estimated or unknown."""

    amount: Decimal | None
    basis: str
    row: dict[str, str]


def cost_of(price: Facts, units: float | None) -> tuple[Decimal | None, str]:
    """What a request cost: as billed, or as estimated where only one amount was possible."""
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
    """Every attempt in a journal, in the order of their sending."""
    found = []
    for intent in journal.glob("*/intent.*"):
        if match := _INTENT.fullmatch(intent.name):
            found.append(_cost(intent, match[1], product))
    return sorted(found, key=lambda cost: cost.row["time"])


def total(costs: Iterable[Cost]) -> Decimal:
    return sum((cost.amount for cost in costs if cost.amount), Decimal(0))


def summary(costs: Iterable[Cost]) -> dict[str, Any]:
    """The sum for programs, in dollars; ``unpriced`` counts the requests of which nobody can say the cost (yet)."""
    found = list(costs)
    estimated = total(cost for cost in found if cost.basis == "estimated")
    return {
        "actual": float(total(found)),
        "estimated": float(estimated),
        "unpriced": sum(cost.amount is None for cost in found),
        "currency": "USD",
    }


def as_csv(costs: Iterable[Cost]) -> str:
    """A table that spreadsheets open, and in which none of our texts becomes a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cost in costs:
        writer.writerow([harmless(cost.row[column]) for column in COLUMNS])
    return buffer.getvalue()


def _cost(intent_file: Path, attempt: str, product: str) -> Cost:
    folder = intent_file.parent
    intent = _read(intent_file)
    submitted, answer, ended, forgotten = (
        _read(folder / f"{name}.{attempt}.json") for name in ("submitted", "answer", "ended", "forgotten")
    )
    price = intent.get("price")
    price = price if isinstance(price, Mapping) else {}
    state = "failed" if ended else "done" if answer else "running" if submitted else "uncertain"
    if state == "uncertain" and forgotten:
        state = "forgotten"
    amount, basis = None, "unknown"
    if ended and not submitted:
        state, amount, basis = "refused", Decimal(0), "billed"
    elif answer or ended:
        units = _units(ended) if ended and _units(ended) is not None else _units(answer)
        amount, basis = cost_of(price, units)
        if ended and units is None:  # A failure that bills nothing, or whose bill is not known.
            is_free = int(ended.get("status", 0)) >= 500
            amount, basis = (Decimal(0), "billed") if is_free else (None, "unknown")
    units_text = _units(ended) if ended else _units(answer)
    moment = datetime.fromtimestamp(float(intent.get("time", 0.0)), UTC)
    row = {
        "time": moment.isoformat(timespec="seconds"),
        "product": product,
        "job": str(intent.get("label", "")),
        "kind": str(intent.get("kind", "")),
        "endpoint": str(intent.get("endpoint", "")),
        "request_id": str(submitted.get("request_id", "")),
        "state": state,
        "unit": str(price.get("unit", "")),
        "unit_price": str(price.get("unit_price", "")),
        "units": "" if units_text is None else f"{units_text:g}",
        "estimate_min": str(price.get("min", "")),
        "estimate_max": str(price.get("max", "")),
        "cost": "" if amount is None else f"{amount:f}",
        "currency": "USD",
        "basis": basis,
    }
    return Cost(amount=amount, basis=basis, row=row)


def _units(facts: Facts) -> float | None:
    units = facts.get("units")
    return float(units) if isinstance(units, int | float) else None


def _read(path: Path) -> Facts:
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def harmless(text: str) -> str:
    """Spreadsheets run texts that begin like a formula; an apostrophe makes them texts again."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"'{line}" if line.lstrip().startswith(_FORMULA) else line
