# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceilings: money is put aside before a request is sent, and settled when its bill is known.

A ``Ledger`` is a file of lines that only grows, shared by any number of processes under a lock that the
system gives back when its holder dies. An entry goes through these states::

    reserved   put aside; counts while its process lives, for without the next mark nothing was sent
    sent       the request may be out: counts in full, whoever dies, until its bill is known
    settled    counts as billed
    released   not counted: never sent, or a person has given it up

A bill outweighs a release: what was given up and then turns up at fal.ai is counted again.

A line that a crash cut off counts as never written: the mark before it stands, and that counts more.
Three ledgers may stand over a request: of the run (in memory), of the day (UTC, one for each account's
home folder) and of the catalogue.
"""

import contextlib
import copy
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from ...files.input_files import parsed_json
from ...processes.identity import is_elsewhere, is_gone, this_process
from ..endpoints.choosing import files_in
from ..endpoints.endpoint import Endpoint, size_of
from ..errors import CeilingReachedError, JournalError, ProductCeilingError, UnknownPriceError
from .prices import PriceList, Quote

Facts = dict[str, Any]

FOREIGN_SECONDS = 3600.0  # How long a reservation of another machine counts without having been sent.


class EntryState(StrEnum):
    RESERVED = "reserved"
    SENT = "sent"
    SETTLED = "settled"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    state: EntryState
    amount: Decimal
    mark: Mapping[str, Any]  # Of the process that wrote it.
    time: float

    @property
    def counted(self) -> Decimal:
        if self.state is EntryState.RELEASED:
            return Decimal(0)
        if self.state is EntryState.RESERVED:
            is_old = time.time() - self.time > FOREIGN_SECONDS
            is_over = is_old if is_elsewhere(self.mark) else is_gone(self.mark)
            return Decimal(0) if is_over else self.amount
        return self.amount


class Ledger:
    """What was put aside and spent. Without a ``path`` it lives in memory, for this process alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._entries: dict[str, _Entry] = {}
        self._reserved: set[str] = set()  # What they count depends on who still lives.
        self._certain = Decimal(0)  # What all other entries count.
        self._read_up_to = 0
        self._lock = threading.Lock()

    def reserve(self, entry_id: str, amount: Decimal, ceiling: Decimal | None) -> Decimal | None:
        """Put ``amount`` aside; ``None`` when that is done, else what is left below the ceiling."""
        with self._opened() as stream:
            left = None if ceiling is None else ceiling - self._total()
            if left is not None and amount > left:
                return left
            self._write(stream, entry_id, EntryState.RESERVED, amount)
            return None

    def mark(self, entry_id: str, state: EntryState, amount: Decimal | None = None) -> None:
        """The next state of an entry; nothing happens to one that is not known or whose bill is."""
        with self._opened() as stream:
            entry = self._entries.get(entry_id)
            if entry is None or entry.state in (EntryState.SETTLED, state):
                return
            self._write(stream, entry_id, state, entry.amount if amount is None else amount)

    def total(self) -> Decimal:
        with self._opened():
            return self._total()

    def _total(self) -> Decimal:
        return self._certain + sum((self._entries[name].counted for name in self._reserved), Decimal(0))

    def _write(self, stream: BinaryIO | None, entry_id: str, state: EntryState, amount: Decimal) -> None:
        line = {
            "id": entry_id,
            "state": state.value,
            "amount": str(amount),
            **this_process(),
            "time": time.time(),
        }
        if stream is not None:
            # A line that a crash cut off ends here, so that ours begins on its own.
            start = b"" if self._ends_whole(stream) else b"\n"
            stream.seek(0, os.SEEK_END)
            stream.write(start + json.dumps(line).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._take(line)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO | None]:
        """Alone with the ledger, and knowing all that others wrote."""
        with self._lock:
            if self._path is None:
                yield None
                return
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a+b") as stream, _locked(stream):
                    self._read_news(stream)
                    yield stream
                    self._read_up_to = stream.seek(0, os.SEEK_END)
            except OSError as error:
                raise JournalError(f"The ledger {self._path} cannot be written: {error.strerror}.") from error

    def _read_news(self, stream: BinaryIO) -> None:
        stream.seek(self._read_up_to)
        for line in stream.read().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError, ArithmeticError):
                self._take(parsed_json(line))

    def _take(self, line: Mapping[str, Any]) -> None:
        amount = Decimal(line["amount"])
        if not amount.is_finite():
            return
        name = str(line["id"])
        entry = _Entry(
            state=EntryState(line["state"]),
            amount=amount,
            mark={"machine": str(line["machine"]), "process": int(line["process"])},
            time=float(line["time"]),
        )
        before = self._entries.get(name)
        if before is not None and before.state is not EntryState.RESERVED:
            self._certain -= before.counted
        self._entries[name] = entry
        if entry.state is EntryState.RESERVED:
            self._reserved.add(name)
        else:
            self._reserved.discard(name)
            self._certain += entry.counted

    @staticmethod
    def _ends_whole(stream: BinaryIO) -> bool:
        if stream.seek(0, os.SEEK_END) == 0:
            return True
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The most that may be spent; ``None`` is no limit."""

    run: Decimal | None = None
    day: Decimal | None = None
    catalogue: Decimal | None = None


class Budget:
    """The ceilings over this process's requests. ``catalogue``: the folder of the catalogue they belong to."""

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
        self._catalogue = Ledger(catalogue / ".journal" / "spending.jsonl") if catalogue else None
        self._day_ledgers: dict[str, Ledger] = {}
        self._product: Ledger | None = None
        self._product_ceiling: Decimal | None = None

    def for_product(self, ceiling: Decimal | None, *, spent: Decimal = Decimal(0)) -> "Budget":
        """The same ceilings with one more over the requests that go through the new budget.

        ``spent``: what earlier runs have spent of it; under the other ceilings that counts already.
        """
        budget = copy.copy(self)
        budget._product = Ledger()
        budget._product.reserve("earlier runs", spent, None)
        budget._product_ceiling = ceiling
        return budget

    def reserve(self, label: str, amount: Decimal) -> str:
        """Put money aside under every ceiling; the name of the reservation. Raises CeilingReachedError."""
        day = datetime.now(UTC).date().isoformat()
        entry_id = f"{day} {uuid.uuid4().hex}"
        done: list[Ledger] = []
        for word, ledger, ceiling in self._levels(day):
            left = ledger.reserve(entry_id, amount, ceiling)
            if left is not None:
                for earlier in done:
                    earlier.mark(entry_id, EntryState.RELEASED)
                kind = CeilingReachedError if word != "product's" else ProductCeilingError
                raise kind(
                    f"{label}: it may cost {_usd(amount)}, and {_usd(max(left, Decimal(0)))} is left of the "
                    f"{word} ceiling of {_usd(ceiling or Decimal(0))}."
                )
            done.append(ledger)
        return entry_id

    def count(self, amount: Decimal) -> str:
        """Count money that is already spent, whatever the ceilings; the name of the reservation."""
        day = datetime.now(UTC).date().isoformat()
        entry_id = f"{day} {uuid.uuid4().hex}"
        for _word, ledger, _ceiling in self._levels(day):
            ledger.reserve(entry_id, amount, None)
        self.mark(entry_id, EntryState.SENT)
        return entry_id

    def mark(self, entry_id: str, state: EntryState, amount: Decimal | None = None) -> None:
        day, _space, _name = entry_id.partition(" ")
        for _word, ledger, _ceiling in self._levels(day):
            ledger.mark(entry_id, state, amount)

    def left(self) -> Decimal | None:
        """Of the lowest ceiling; ``None`` without any."""
        day = datetime.now(UTC).date().isoformat()
        rooms = [
            ceiling - ledger.total() for _word, ledger, ceiling in self._levels(day) if ceiling is not None
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


class Spending:
    """What the engine asks before it sends, and tells after.

    ``assumed``: what a request without a known price is taken to cost; ``None`` refuses it.
    """

    def __init__(self, prices: PriceList, budget: Budget, *, assumed: Decimal | None = None) -> None:
        self.prices = prices
        self.budget = budget
        self.assumed = assumed

    def reserve(self, endpoint: Endpoint, arguments: Mapping[str, Any], label: str) -> Facts:
        """Facts for the journal: the price, and the reservation under its name. Raises when it may not be."""
        quote = self._quote(endpoint, arguments)
        if quote.cost is None and self.assumed is None:
            raise UnknownPriceError(f"{label}: {quote.reason}.")
        return _price_facts(quote, self.budget.reserve(label, self._most(quote)))

    def count(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Facts:
        """The same for a request that is already at fal.ai, which no ceiling can stop."""
        quote = self._quote(endpoint, arguments)
        return _price_facts(quote, self.budget.count(self._most(quote)))

    def _quote(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Quote:
        sizes = [size for path in files_in(dict(arguments)) if (size := size_of(path))]
        return self.prices.quote(endpoint, arguments, sizes)

    def _most(self, quote: Quote) -> Decimal:
        return quote.cost.high if quote.cost else self.assumed or Decimal(0)

    def mark_sent(self, price: Facts) -> None:
        """It may be billed. ``price``: the facts that ``reserve`` gave, of this run or an earlier one."""
        self._mark(price, EntryState.SENT)

    def release(self, price: Facts) -> None:
        release(self.budget, price)

    def settle(self, price: Facts, units: float | None) -> None:
        """Count what was billed; when fal.ai does not say, what was put aside stays."""
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
    """No longer count what was put aside for a request, in this run or an earlier one."""
    if "reservation" in price:
        budget.mark(str(price["reservation"]), EntryState.RELEASED)


def _usd(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.0001')).normalize():f} dollars"


@contextlib.contextmanager
def _locked(stream: BinaryIO) -> Iterator[None]:
    """The file for us alone; the system unlocks it when we die."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  Each system has another module.

        stream.seek(0)
        while True:
            with contextlib.suppress(OSError):  # It gives up after ten seconds.
                msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
                break
        try:
            yield
        finally:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(stream, fcntl.LOCK_UN)
