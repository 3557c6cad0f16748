# SPDX-License-Identifier: GPL-3.0-or-later
"""The units that fal.ai says it has billed for a request: believed only where they can be right."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

UNITS_HEADER = "x-fal-billable-units"
MAX_UNITS = 1e6  # The dearest known request (a long 4K video) is billed by a few hundred.
MAX_TIMES = 100  # How many times the highest expected price a bill may be; estimates miss tenfold at most.
MAX_TEXT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """``units`` is None when fal.ai does not say, or says what cannot be right: then ``refused`` is what it said."""

    units: float | None = None
    refused: str = ""

    def facts(self) -> dict[str, Any]:
        """For the journal."""
        return {"units": self.units, **({"refused_units": self.refused} if self.refused else {})}


def billed(said: object, price: Mapping[str, Any]) -> Billed:
    """Judge billed units. ``price``: what the intent says of the request's price, empty when it says nothing."""
    if said is None:
        return Billed()
    try:
        units = math.nan if isinstance(said, bool) else float(said)  # type: ignore[arg-type]  # It may be anything.
    except (TypeError, ValueError, OverflowError):
        units = math.nan
    if 0.0 <= units <= MAX_UNITS and not _is_far_above(units, price):
        return Billed(units=units)
    return Billed(refused=f"{said}"[:MAX_TEXT])


def _is_far_above(units: float, price: Mapping[str, Any]) -> bool:
    try:
        most = Decimal(str(price["max"]))
        amount = Decimal(str(units)) * Decimal(str(price["unit_price"]))
        return most > 0 and amount > most * MAX_TIMES
    except (KeyError, InvalidOperation):
        return False
