# SPDX-License-Identifier: GPL-3.0-or-later
"""What requests cost: the unit prices of fal.ai, cached with their age, times the units of a request.

The cache is ``prices/`` in the home folder (``files/home.py``), with one file for each account, because prices may
include the account's discounts. It serves runs shortly after each other, and runs when the platform API cannot be reached.
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
from ..endpoints.price_models import UNCOUNTABLE, Range, Size, per_of
from ..errors import BadKeyError, NetworkDownError, ServiceTroubleError
from ..network.platform_api import Platform, UnitPrice
from ..network.service import Service

FRESH_SECONDS = 3600.0
MAX_AGE_SECONDS = 30 * 24 * 3600.0
CENT_MILLIONTH = Decimal("0.000001")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one request costs, in US dollars. Without a ``cost`` the price is unknown, for the given ``reason``."""

    unit_price: UnitPrice | None = None
    units: Range | None = None
    cost: Range | None = None
    reason: str = ""


EMULATOR = "the emulator"


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of one run. ``past``: the average cost of past calls, where units cannot be counted.

    ``was_reached``: fal.ai has responded, so a price that is missing here is one that it does not publish.
    """

    unit_prices: Mapping[str, UnitPrice] = field(default_factory=dict)
    past: Mapping[str, Decimal] = field(default_factory=dict)
    was_reached: bool = True
    provider: str = "fal.ai"  # Or EMULATOR.

    def quote(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
        inputs: Sequence[Size],
        video_seconds: float | None = None,
    ) -> Quote:
        """What a request costs. ``inputs``: width and height in pixels of its pictures, as far as they are known.

        ``video_seconds``: the length of a video among the arguments that does not exist yet.
        """
        price = self.unit_prices.get(endpoint.id)
        if price is None:
            if not self.was_reached:
                return Quote(reason=f"{self.provider} could not be reached for the price of {endpoint.id}")
            return Quote(reason=f"fal.ai does not publish a price for {endpoint.id}")
        work = endpoint.work(arguments, inputs, video_seconds)
        units = endpoint.price.units(arguments, work, price.unit)
        if units is None:
            past = self.past.get(endpoint.id)
            if not past:
                return Quote(
                    unit_price=price, reason=f"fal.ai does not publish how many {price.unit} a request takes"
                )
            # An expensive call may cost twice the average. A unit that cannot be divided is billed at least once.
            low = min(Decimal(1), past / price.amount)
            least = Decimal(0) if per_of(price.unit) in UNCOUNTABLE else Decimal(1)
            units = Range(low, max(least, 2 * past / price.amount))
        elif _is_unclear(endpoint, price):
            # The unit may differ from what we assume, so the range must include the cost of past calls.
            past = self.past.get(endpoint.id, endpoint.price.list_price(arguments)) / price.amount
            units = units.or_(Range(past, past))
        return Quote(
            unit_price=price,
            units=units,
            cost=Range(
                _rounded(units.low * price.amount, ROUND_FLOOR),
                _rounded(units.high * price.amount, ROUND_CEILING),
            ),
        )

    @property
    def age_seconds(self) -> float:
        """The age of the oldest price, in seconds."""
        asked = min((price.asked_at for price in self.unit_prices.values()), default=time.time())
        return max(0.0, time.time() - asked)


def look_up(
    endpoints: Iterable[Endpoint], service: Service, home: Path, warn: Callable[[str], None]
) -> PriceList:
    """The prices of ``endpoints``: cached ones if they are recent, else from fal.ai, else cached ones of any age."""
    wanted = list(endpoints)
    cache = _Cache(service, home)
    known = cache.read()
    # An emulator is always asked: its prices change with each test.
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
                warn(f"Prices could not be fetched: {error.message}{_what_is_left(stale, known)}")
            else:
                known = {name: price for name, price in known.items() if name not in stale} | asked
                cache.write(known)
        prices = {row.id: known[row.id] for row in wanted if row.id in known}
        for row in wanted:
            price = prices.get(row.id)
            if price and (
                _is_unclear(row, price) or row.price.units({}, row.work({}, []), price.unit) is None
            ):
                with contextlib.suppress(NetworkDownError, ServiceTroubleError, BadKeyError):
                    if cost := platform.past_cost(row.id):
                        past[row.id] = cost
    return PriceList(prices, past, was_reached, EMULATOR if service.is_emulator else "fal.ai")


def _rounded(amount: Decimal, rounding: str) -> Decimal:
    """To a millionth of a dollar. A third of a unit has endless digits, whose last ones mean nothing."""
    return amount.quantize(CENT_MILLIONTH**2).quantize(CENT_MILLIONTH, rounding)


def _is_unclear(endpoint: Endpoint, price: UnitPrice) -> bool:
    """Whether the price is for an unspecified unit and differs from the list price that we know."""
    model = endpoint.price
    return not model.is_guess and per_of(price.unit) is None and model.list_unit not in (None, price.amount)


def age_sentence(seconds: float) -> str:
    """The age of a price, for a message."""
    if seconds < 90:
        return "fetched just now"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"fetched {minutes} minutes ago"
    hours = round(minutes / 60)
    return f"fetched {hours} hours ago" if hours < 72 else f"fetched {round(hours / 24)} days ago"


class _Cache:
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
            return {}  # It only saves a request.
        return {name: price for name, price in found.items() if 0 <= _age(price) < MAX_AGE_SECONDS}

    def write(self, prices: Mapping[str, UnitPrice]) -> None:
        lines = {
            name: {"unit_price": str(price.amount), "unit": price.unit, "asked_at": price.asked_at}
            for name, price in prices.items()
        }
        try:
            write_json_atomically(self._path, lines)
        except OSError as error:
            _log.info("Prices could not be cached: %s", error)


def _age(price: UnitPrice) -> float:
    return time.time() - price.asked_at


def _what_is_left(stale: list[str], known: Mapping[str, UnitPrice]) -> str:
    ages = [_age(known[name]) for name in stale if name in known]
    return f" Those {age_sentence(max(ages))} are used instead." if ages else ""
