# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger: what is reserved and spent, in a file to which lines are only added.

Any number of processes share it, under a lock. An entry goes through these states::

    reserved   counts while its process lives: without the next mark, nothing was sent
    sent       the request may be out; counts in full, even when its process dies, until the bill is known
    settled    counts as billed
    released   not counted: it was never sent, or the user has given it up

A bill outweighs a release: a request that was given up and then turns up at fal.ai is counted again.

A line that a crash cut off counts as never written: the mark before it is still valid, and that one counts more.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from ...files.input_files import parsed_json
from ...files.lock import locked
from ...processes.identity import is_elsewhere, is_gone, this_process
from ..errors import JournalError

FOREIGN_SECONDS = 3600.0  # How long a reservation of another machine counts before it is sent.


class EntryState(StrEnum):
    """The states described for the module. The values are stored in ledgers."""

    RESERVED = "reserved"
    SENT = "sent"
    SETTLED = "settled"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    state: EntryState
    amount: Decimal
    mark: Mapping[str, Any]  # Of the process that wrote it (``identity``).
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
    """Reserved and spent amounts in US dollars. Without a ``path``, in memory and only for this process.

    Its calls raise JournalError when the file cannot be read or written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._entries: dict[str, _Entry] = {}
        self._reserved: set[str] = set()  # Their amounts depend on which processes are still running.
        self._certain = Decimal(0)  # The sum of all other entries.
        self._read_up_to = 0
        self._lock = threading.Lock()

    def reserve(self, entry_id: str, amount: Decimal, ceiling: Decimal | None) -> Decimal | None:
        """Reserve ``amount``. Returns ``None`` on success, otherwise what is left below the ceiling."""
        with self._opened() as stream:
            left = None if ceiling is None else ceiling - self._total()
            if left is not None and amount > left:
                return left
            self._write(stream, entry_id, EntryState.RESERVED, amount)
            return None

    def mark(self, entry_id: str, state: EntryState, amount: Decimal | None = None) -> None:
        """Set the next state of an entry. Unknown and settled entries stay as they are."""
        with self._opened() as stream:
            entry = self._entries.get(entry_id)
            if entry is None or entry.state in (EntryState.SETTLED, state):
                return
            self._write(stream, entry_id, state, entry.amount if amount is None else amount)

    def total(self) -> Decimal:
        """The sum of all entries that count at this moment. A ledger that does not exist yet is not created."""
        if self._path is not None and not self._entries and not self._path.exists():
            return Decimal(0)
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
            # End a line that a crash cut off, so that ours begins on a new one.
            start = b"" if self._ends_whole(stream) else b"\n"
            stream.seek(0, os.SEEK_END)
            stream.write(start + json.dumps(line).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._take(line)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO | None]:
        """Hold the lock, with the entries of other processes read."""
        with self._lock:
            if self._path is None:
                yield None
                return
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a+b") as stream, locked(stream):
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
