# SPDX-License-Identifier: GPL-3.0-or-later
"""Prices that were asked for, each under the arguments that it was asked with."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..messages.money import dollars
from ..messages.translation import translated
from .button_arguments import Settings, price_key

LIFE_SECONDS = 3600.0  # How long a price is shown before it is asked for again.

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price range in US dollars; ``maximum`` is None when a part of it has no known price.

    ``asked_at``: seconds since 1970.
    """

    minimum: float
    maximum: float | None
    asked_at: float

    @property
    def text(self) -> str:
        """The range in English: ``$0.50``, ``$0.50-0.75`` or ``from $0.50``."""
        if self.maximum is None:
            return f"from {dollars(self.minimum)}"
        minimum, maximum = dollars(self.minimum), dollars(self.maximum)
        return minimum if minimum == maximum else f"{minimum}-{maximum.removeprefix('$')}"

    @property
    def shown(self) -> str:
        """The range for a button, in the language of the window."""
        return (
            self.text if self.maximum is not None else translated("from {price}", price=dollars(self.minimum))
        )

    def times(self, count: int) -> "Price":
        """The price of as many products."""
        maximum = None if self.maximum is None else self.maximum * count
        return replace(self, minimum=self.minimum * count, maximum=maximum)


@dataclass(slots=True)
class PriceBook:
    """The answers: a price, or why there is none."""

    prices: dict[Key, Price] = field(default_factory=dict)
    errors: dict[Key, str] = field(default_factory=dict)

    def price_of(self, settings: Settings) -> Price | None:
        """The price; ``None`` before it was asked for, and when the answer is too old."""
        if not settings.uses_fal:
            return Price(minimum=0.0, maximum=0.0, asked_at=time.time())
        price = self.prices.get(price_key(settings))
        return price if price and time.time() - price.asked_at < LIFE_SECONDS else None

    def error(self, settings: Settings) -> str:
        """Why the price is not known; "" when there is no reason yet."""
        return self.errors.get(price_key(settings), "")

    def learn(self, key: Key, facts: Iterable[Mapping[str, Any]], error: str) -> None:
        """Take the events of a run of ``estimate``, and its error, "" when it had none."""
        for fact in facts:
            if fact.get("event") == "estimate":
                self.prices[key] = Price(minimum=fact["min"], maximum=fact["max"], asked_at=time.time())
                self.errors.pop(key, None)
                return
        if error:
            self.errors[key] = error
