# SPDX-License-Identifier: GPL-3.0-or-later
"""The units that fal.ai reports as billed for a request, accepted only when they are plausible."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

UNITS_HEADER = "x-fal-billable-units"
MAX_UNITS = 1e6  # The most expensive known request (a long 4K video) is billed a few hundred.
MAX_TIMES = 100  # The maximum ratio of a bill to the highest expected price; estimates are wrong by up to a factor of ten.
MAX_TEXT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """``units`` is None when fal.ai reports none, or implausible ones, which are then in ``refused``."""

    units: float | None = None
    refused: str = ""

    def facts(self) -> dict[str, Any]:
        """The members for the journal."""
        return {"units": self.units, **({"refused_units": self.refused} if self.refused else {})}


def billed(reported: object, price: Mapping[str, Any]) -> Billed:
    """Check billed units. ``price``: the price in the request's intent, empty when it has none."""
    if reported is None:
        return Billed()
    try:
        # float() raises TypeError for what is not a number.
        units = math.nan if isinstance(reported, bool) else float(reported)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        units = math.nan
    if 0.0 <= units <= MAX_UNITS and not _is_far_above(units, price):
        return Billed(units=units)
    return Billed(refused=f"{reported}"[:MAX_TEXT])


def _is_far_above(units: float, price: Mapping[str, Any]) -> bool:
    try:
        maximum = Decimal(str(price["max"]))
        amount = Decimal(str(units)) * Decimal(str(price["unit_price"]))
        return maximum > 0 and amount > maximum * MAX_TIMES
    except (KeyError, InvalidOperation):
        return False
