# SPDX-License-Identifier: GPL-3.0-or-later
"""What requests cost: unit prices asked at fal.ai and remembered with their age, times units.

The memory is ``prices/`` in the home folder (see ``places``), one file an account, because an account's
discounts are in its prices. It serves runs shortly after each other, and runs without the platform API.
"""

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ...files.input_files import read_json
from ...files.writing import write_json_atomically
from ..endpoints.endpoint import Endpoint
from ..endpoints.price_models import Range, Size, per_of
from ..errors import BadKeyError, NetworkDownError, ServiceTroubleError
from ..network.platform_api import Platform, UnitPrice
from ..network.service import Service

FRESH_SECONDS = 3600.0
MAX_AGE_SECONDS = 30 * 24 * 3600.0
CENT_MILLIONTH = Decimal("0.000001")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one request costs; without a ``cost`` its price is not known, and ``reason`` says why."""

    unit_price: UnitPrice | None = None
    units: Range | None = None
    cost: Range | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of one run. ``past``: what a call cost on average, where units cannot be counted.

    ``was_reached``: fal.ai has answered, so that a price which is not here is one that it does not name.
    """

    unit_prices: Mapping[str, UnitPrice] = field(default_factory=dict)
    past: Mapping[str, Decimal] = field(default_factory=dict)
    was_reached: bool = True

    def quote(self, endpoint: Endpoint, arguments: Mapping[str, Any], inputs: Sequence[Size]) -> Quote:
        price = self.unit_prices.get(endpoint.id)
        if price is None:
            if not self.was_reached:
                return Quote(reason=f"fal.ai could not be asked for the price of {endpoint.id}")
            return Quote(reason=f"fal.ai names no price for {endpoint.id}")
        units = endpoint.price.units(arguments, endpoint.work(arguments, inputs), price.unit)
        if units is None:
            past = self.past.get(endpoint.id)
            if not past:
                return Quote(unit_price=price, reason=f"nobody says how many {price.unit} a request takes")
            # One unit at least, unless calls were cheaper; a dear call may cost twice the average.
            low = min(Decimal(1), past / price.amount)
            units = Range(low, max(Decimal(1), 2 * past / price.amount))
        elif _is_unclear(endpoint, price):
            # A unit may be smaller or larger than we think: what calls cost so far is within the range.
            past = self.past.get(endpoint.id, endpoint.price.list_price(arguments)) / price.amount
            units = units.or_(Range(past, past))
        return Quote(
            unit_price=price,
            units=units,
            cost=Range(
                (units.low * price.amount).quantize(CENT_MILLIONTH, ROUND_FLOOR),
                (units.high * price.amount).quantize(CENT_MILLIONTH, ROUND_CEILING),
            ),
        )

    @property
    def age_seconds(self) -> float:
        """Of the oldest price."""
        asked = min((price.asked_at for price in self.unit_prices.values()), default=time.time())
        return max(0.0, time.time() - asked)


def look_up(
    endpoints: Iterable[Endpoint], service: Service, home: Path, warn: Callable[[str], None]
) -> PriceList:
    """Prices from memory when they are fresh, else from fal.ai, else from memory as old as they are."""
    wanted = list(endpoints)
    memory = _Memory(service, home)
    known = memory.read()
    # An emulator is asked every time: its prices change with each test.
    fresh = 0.0 if service.is_emulator else FRESH_SECONDS
    stale = [row.id for row in wanted if row.id not in known or _age(known[row.id]) > fresh]
    past: dict[str, Decimal] = {}
    was_reached = True
    with Platform(service) as platform:
        if stale:
            try:
                asked = platform.unit_prices(stale)
            except (NetworkDownError, ServiceTroubleError) as error:
                was_reached = False
                warn(f"Prices could not be asked: {error.message}{_what_is_left(stale, known)}")
            else:
                known = {name: price for name, price in known.items() if name not in stale} | asked
                memory.write(known)
        prices = {row.id: known[row.id] for row in wanted if row.id in known}
        for row in wanted:
            price = prices.get(row.id)
            if price and (
                _is_unclear(row, price) or row.price.units({}, row.work({}, []), price.unit) is None
            ):
                with contextlib.suppress(NetworkDownError, ServiceTroubleError, BadKeyError):
                    if cost := platform.past_cost(row.id):
                        past[row.id] = cost
    return PriceList(prices, past, was_reached)


def _is_unclear(endpoint: Endpoint, price: UnitPrice) -> bool:
    """Whether the price is for "units" and is not what we know one to cost."""
    model = endpoint.price
    return not model.is_guess and per_of(price.unit) is None and model.list_unit not in (None, price.amount)


def age_sentence(seconds: float) -> str:
    if seconds < 90:
        return "asked just now"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"asked {minutes} minutes ago"
    hours = round(minutes / 60)
    return f"asked {hours} hours ago" if hours < 72 else f"asked {round(hours / 24)} days ago"


class _Memory:
    def __init__(self, service: Service, home: Path) -> None:
        account = hashlib.sha256(f"{service.platform_url} {service.key}".encode()).hexdigest()[:16]
        self._path = home / "prices" / f"{account}.json"

    def read(self) -> dict[str, UnitPrice]:
        try:
            lines = read_json(self._path)
            found = {
                str(name): UnitPrice(
                    amount=Decimal(str(line["unit_price"])),
                    unit=str(line["unit"]),
                    asked_at=float(line["asked_at"]),
                )
                for name, line in lines.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            return {}  # It only saves a question.
        return {name: price for name, price in found.items() if 0 <= _age(price) < MAX_AGE_SECONDS}

    def write(self, prices: Mapping[str, UnitPrice]) -> None:
        lines = {
            name: {"unit_price": str(price.amount), "unit": price.unit, "asked_at": price.asked_at}
            for name, price in prices.items()
        }
        try:
            write_json_atomically(self._path, lines)
        except OSError as error:
            _log.info("Prices are not remembered: %s", error)


def _age(price: UnitPrice) -> float:
    return time.time() - price.asked_at


def _what_is_left(stale: list[str], known: Mapping[str, UnitPrice]) -> str:
    ages = [_age(known[name]) for name in stale if name in known]
    return f" Those {age_sentence(max(ages))} serve instead." if ages else ""
