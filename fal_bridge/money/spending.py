# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's view of money: price a request, reserve that amount under the ceilings, settle it later."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..endpoints.endpoint import Endpoint, size_of
from ..endpoints.file_arguments import files_in
from ..errors import UnknownPriceError
from .budget import Budget
from .ledger import EntryState
from .price_list import PriceList, Quote

Facts = dict[str, Any]


class Spending:
    """Reserves the price of each request, and settles it later.

    ``assumed``: the assumed cost in US dollars of a request without a known price; ``None`` refuses such requests.
    """

    def __init__(self, prices: PriceList, budget: Budget, *, assumed: Decimal | None = None) -> None:
        self.prices = prices
        self.budget = budget
        self.assumed = assumed

    def reserve(self, endpoint: Endpoint, arguments: Mapping[str, Any], label: str) -> Facts:
        """Reserve what a request may cost. Returns the facts for the journal: price and reservation.

        Raises UnknownPriceError, and CeilingReachedError when too little is left.
        """
        quote = self._quote(endpoint, arguments)
        if quote.cost is None and self.assumed is None:
            raise UnknownPriceError(f"{label}: {quote.reason}.")
        return _price_facts(quote, self.budget.reserve(label, self._max_cost(quote)))

    def count(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Facts:
        """The same for a request that is already at fal.ai, which no ceiling can stop."""
        quote = self._quote(endpoint, arguments)
        return _price_facts(quote, self.budget.count(self._max_cost(quote)))

    def _quote(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Quote:
        sizes = [size for path in files_in(dict(arguments)) if (size := size_of(path))]
        return self.prices.quote(endpoint, arguments, sizes)

    def _max_cost(self, quote: Quote) -> Decimal:
        return quote.cost.high if quote.cost else self.assumed or Decimal(0)

    def mark_sent(self, price: Facts) -> None:
        """The request may now be billed. ``price``: the facts from ``reserve``, of this or an earlier run."""
        self._mark(price, EntryState.SENT)

    def release(self, price: Facts) -> None:
        """Stop counting a request that was not sent."""
        release(self.budget, price)

    def settle(self, price: Facts, units: float | None) -> None:
        """Count what was billed. When fal.ai reports no units, the reservation stays."""
        if units == 0:
            self._mark(price, EntryState.SETTLED, Decimal(0))
        elif units is not None and "unit_price" in price:
            billed = Decimal(str(units)) * Decimal(str(price["unit_price"]))
            self._mark(price, EntryState.SETTLED, billed)

    def _mark(self, price: Facts, state: EntryState, amount: Decimal | None = None) -> None:
        if "reservation" in price:
            self.budget.mark(str(price["reservation"]), state, amount)


def _price_facts(quote: Quote, reservation: str) -> Facts:
    facts: Facts = {"reservation": reservation}
    if quote.cost is not None:
        facts |= {"min": str(quote.cost.low), "max": str(quote.cost.high), "currency": "USD"}
    if quote.unit_price is not None:
        facts |= {"unit_price": str(quote.unit_price.amount), "unit": quote.unit_price.unit}
    return facts


def release(budget: Budget, price: Facts) -> None:
    """Stop counting the reservation of a request, of this or an earlier run."""
    if "reservation" in price:
        budget.mark(str(price["reservation"]), EntryState.RELEASED)
