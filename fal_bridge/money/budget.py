# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceilings: money is reserved before a request is sent, and settled when its bill is known.

Up to four ledgers count a request: that of the product and that of the run (both in memory), that of the day (UTC, one
for each account's home folder) and that of the catalogue.
"""

import copy
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from ...messages.money import dollars
from ..errors import CeilingReachedError, ProductCeilingError
from ..journal import journal_place
from .ledger import EntryState, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The maximum amounts that may be spent, in US dollars; ``None`` is no limit."""

    run: Decimal | None = None
    day: Decimal | None = None
    catalogue: Decimal | None = None


class Budget:
    """The ceilings for the requests of this process. ``catalogue``: the folder of the catalogue they belong to.

    ``home``: the folder with the ledgers of the days, one subfolder for each ``account``. Amounts are in US dollars.
    """

    def __init__(
        self,
        ceilings: Ceilings,
        *,
        home: Path | None = None,
        account: str = "live",
        catalogue: Path | None = None,
    ) -> None:
        self.ceilings = ceilings
        self._days = home / "spending" / account if home else None
        self._run = Ledger()
        self._catalogue = Ledger(journal_place(catalogue) / "spending.jsonl") if catalogue else None
        self._day_ledgers: dict[str, Ledger] = {}
        self._product: Ledger | None = None
        self._product_ceiling: Decimal | None = None

    def for_product(self, ceiling: Decimal | None, *, spent: Decimal = Decimal(0)) -> "Budget":
        """The same ceilings, plus one for the requests that use the returned budget.

        ``spent``: what earlier runs have spent of it. The other ceilings include that already.
        """
        budget = copy.copy(self)
        budget._product = Ledger()
        budget._product.reserve("earlier runs", spent, None)
        budget._product_ceiling = ceiling
        return budget

    def reserve(self, label: str, amount: Decimal) -> str:
        """Reserve money under every ceiling. Returns the id of the reservation. Raises CeilingReachedError."""
        day = datetime.now(UTC).date().isoformat()
        entry_id = f"{day} {uuid.uuid4().hex}"
        done: list[Ledger] = []
        for name, ledger, ceiling in self._levels(day):
            left = ledger.reserve(entry_id, amount, ceiling)
            if left is not None:
                for earlier in done:
                    earlier.mark(entry_id, EntryState.RELEASED)
                kind = CeilingReachedError if name != "product's" else ProductCeilingError
                raise kind(
                    f"{label}: it may cost {dollars(amount)}, and {dollars(max(left, Decimal(0)))} is left of the {name} "
                    f"ceiling of {dollars(ceiling or Decimal(0))}."
                )
            done.append(ledger)
        return entry_id

    def count(self, amount: Decimal) -> str:
        """Count money that is already spent, whatever the ceilings. Returns the id of the entry."""
        day = datetime.now(UTC).date().isoformat()
        entry_id = f"{day} {uuid.uuid4().hex}"
        for _name, ledger, _ceiling in self._levels(day):
            ledger.reserve(entry_id, amount, None)
        self.mark(entry_id, EntryState.SENT)
        return entry_id

    def mark(self, entry_id: str, state: EntryState, amount: Decimal | None = None) -> None:
        """Set the state of an entry in every ledger; ``amount`` replaces the reserved one."""
        day, _space, _rest = entry_id.partition(" ")
        for _name, ledger, _ceiling in self._levels(day):
            ledger.mark(entry_id, state, amount)

    def left(self) -> Decimal | None:
        """What is left below the lowest ceiling; ``None`` without any ceiling."""
        day = datetime.now(UTC).date().isoformat()
        rooms = [
            ceiling - ledger.total() for _name, ledger, ceiling in self._levels(day) if ceiling is not None
        ]
        return min(rooms, default=None)

    def _levels(self, day: str) -> Iterator[tuple[str, Ledger, Decimal | None]]:
        if self._product is not None:
            yield "product's", self._product, self._product_ceiling
        yield "run's", self._run, self.ceilings.run
        if self._days is not None:
            ledger = self._day_ledgers.setdefault(day, Ledger(self._days / f"{day}.jsonl"))
            yield "day's", ledger, self.ceilings.day
        if self._catalogue is not None:
            yield "catalogue's", self._catalogue, self.ceilings.catalogue
