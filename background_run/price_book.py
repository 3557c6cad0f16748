# SPDX-License-Identifier: GPL-3.0-or-later
"""The prices that were asked for, each under the arguments that it was asked with."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .button_command import Settings, price_key
from .set_view import dollars

LIFE_SECONDS = 3600.0

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price range in US dollars; ``most`` is None when a part of it has no known price."""

    least: float
    most: float | None
    asked_at: float

    @property
    def text(self) -> str:
        if self.most is None:
            return f"from {dollars(self.least)}"
        least, most = dollars(self.least), dollars(self.most)
        return least if least == most else f"{least}-{most.removeprefix('$')}"


@dataclass(slots=True)
class PriceBook:
    """What asking answered: a price, or why there is none."""

    prices: dict[Key, Price] = field(default_factory=dict)
    faults: dict[Key, str] = field(default_factory=dict)

    def price_of(self, settings: Settings) -> Price | None:
        """The price as far as it is known; ``None`` before it was asked for, and when the answer is old."""
        if not settings.uses_fal:
            return Price(least=0.0, most=0.0, asked_at=time.time())
        price = self.prices.get(price_key(settings))
        return price if price and time.time() - price.asked_at < LIFE_SECONDS else None

    def fault(self, settings: Settings) -> str:
        """Why the price is not known: what asking for it answered."""
        return self.faults.get(price_key(settings), "")

    def learn(self, key: Key, facts: Iterable[Mapping[str, Any]], fault: str) -> None:
        """Take in what a run of ``estimate`` told, and how it failed, "" when it did not."""
        for fact in facts:
            if fact.get("event") == "estimate":
                self.prices[key] = Price(least=fact["min"], most=fact["max"], asked_at=time.time())
                self.faults.pop(key, None)
                return
        if fault:
            self.faults[key] = fault
