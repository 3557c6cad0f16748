# SPDX-License-Identifier: GPL-3.0-or-later
"""``catalogue --watch``: makes products as they are put into a folder."""

import logging
import time
from dataclasses import replace
from pathlib import Path

from ..catalogue.freezing import Catalogue
from ..catalogue.lock_file import FrozenRow, Lock
from ..catalogue.order import Order
from ..catalogue.results import verdict_of, write_results
from ..catalogue.rows import Row
from ..catalogue.watched_folder import Arrival, WatchedFolder
from ..fal_bridge.errors import CeilingReachedError
from ..messages import events
from ..messages.errors import STOPPED_EXIT_CODE, InputError
from ..messages.progress import Reporter
from ..processes.interrupts import Interrupts
from ..processes.stop import Stop, looking_elsewhere
from .catalogue_plans import earlier_lock, freeze_folder, freeze_rows
from .catalogues import make_order, order_of
from .option_values import Context, FreezeOptions, MakeOptions

LOOK_SECONDS = 1.0


def watch(folder: Path, freezing: FreezeOptions, making: MakeOptions, context: Context) -> int:
    """Make the products put into ``folder`` until Ctrl-C or a ceiling; the exit code."""
    out, reporter = str(freezing.out.absolute()), context.reporter
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", hint="Create it, or check the name.")
    if freezing.out.absolute().is_relative_to(folder.absolute()):
        raise InputError("The output folder is inside the watched folder.", hint="Choose one beside it.")
    stop = Stop(context.is_asked_to_stop)
    reporter.tell(events.Started(product=folder.name, summary="watching; Ctrl-C stops", set=out))

    def on_ask() -> None:
        text = "Stopping: what is paid is finished. Press Ctrl-C again to leave immediately."
        reporter.tell(events.Note(text=text))

    def on_leave() -> None:
        text = "Stopped. Run the same command again to continue; nothing is paid twice."
        reporter.tell(events.Note(text=text))
        logging.shutdown()

    code = 0
    inbox = _Inbox(WatchedFolder(folder), folder, freezing, making, reporter)
    with Interrupts(stop, on_ask, on_leave), looking_elsewhere(stop):
        while not stop.is_asked and code != CeilingReachedError.exit_code:
            order = inbox.order()
            if order is None:
                time.sleep(LOOK_SECONDS)
                continue
            is_at_ceiling = make_order(order, making, context, stop, more=inbox.order)
            code = CeilingReachedError.exit_code if is_at_ceiling else inbox.write_results()
    code = STOPPED_EXIT_CODE if stop.is_asked else code
    reporter.tell(events.Finished(state="partial", exit=code, set=out))
    return code


class _Inbox:
    """The watched folder, and the catalogue of the products put into it."""

    def __init__(
        self,
        watched: WatchedFolder,
        folder: Path,
        freezing: FreezeOptions,
        making: MakeOptions,
        reporter: Reporter,
    ) -> None:
        self._watched = watched
        self._folder = folder
        self._freezing = freezing
        self._making = making
        self._reporter = reporter
        self._catalogue: Catalogue | None = None

    def order(self) -> Order | None:
        """The products that have arrived since the last call, added to the lock; ``None`` when there are none."""
        arrivals = self._watched.arrivals()
        if not arrivals:
            return None
        self._catalogue, fresh = _taken_in(arrivals, self._folder, self._freezing, self._reporter)
        freeze_folder(self._catalogue)
        for frozen in fresh:
            if not frozen.is_good:
                text = f"{frozen.row.sku}: {'; '.join(frozen.row.errors)}."
                self._reporter.tell(events.Warning(text=text, sku=frozen.row.sku))
        self.write_results()
        return order_of(self._catalogue, tuple(fresh), self._making, self._reporter)

    def write_results(self) -> int:
        """Write the results of all products so far; their exit code."""
        if self._catalogue is None:
            return 0
        results = write_results(self._catalogue.root, self._catalogue.lock)
        return verdict_of(results, is_strict=self._making.strict)


def _taken_in(
    arrivals: list[Arrival], folder: Path, options: FreezeOptions, reporter: Reporter
) -> tuple[Catalogue, list[FrozenRow]]:
    """The catalogue including the arrivals, and their rows. Products removed from the folder stay in it."""
    earlier = earlier_lock(options.out.absolute())
    new = {arrival.sku: arrival for arrival in arrivals}
    rows = [
        Row(
            number=number,
            line=number,
            sku=arrival.sku,
            sources=arrival.sources,
            errors=(arrival.error,) if arrival.error else (),
        )
        for number, arrival in enumerate(new.values(), 1)
    ]
    # Sources are relative to the folder of this file, which does not exist.
    catalogue = freeze_rows(rows, folder / folder.name, options, reporter, earlier)
    kept = [row for row in (earlier.rows if earlier else ()) if row.row.sku not in new]
    together = [
        replace(row, row=replace(row.row, number=number, line=number))
        for number, row in enumerate([*kept, *catalogue.lock.rows], 1)
    ]
    lock = Lock(
        catalogue=folder.name,
        options=catalogue.lock.options,
        fal=catalogue.lock.fal,
        rows=tuple(together),
    )
    return replace(catalogue, lock=lock), together[len(kept) :]
