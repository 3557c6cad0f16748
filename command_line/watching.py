# SPDX-License-Identifier: GPL-3.0-or-later
"""``catalogue --watch``: products are made as they are put into a folder."""

import argparse
import logging
import time
from dataclasses import replace
from pathlib import Path

from ..catalogue.freezing import Catalogue
from ..catalogue.lock_file import FrozenRow, Lock
from ..catalogue.results import verdict_of, write_results
from ..catalogue.rows import Row
from ..catalogue.run import Order
from ..catalogue.watched_folder import Arrival, WatchedFolder
from ..fal_bridge.errors import CeilingReachedError
from ..messages.errors import STOPPED_EXIT_CODE, InputError
from ..messages.progress import Reporter
from ..processes.interrupts import Interrupts
from ..processes.stop import Stop
from .catalogues import earlier_lock, freeze_folder, freeze_rows, make_order, order_of

LOOK_SECONDS = 1.0


def watch(options: argparse.Namespace, reporter: Reporter) -> int:
    """Make what is put into the folder until Ctrl-C, or a ceiling; the exit code."""
    folder: Path = options.watch
    if options.file is not None:
        raise InputError("Give either a catalogue file or --watch, not both.")
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", hint="Make it, or check the name.")
    if options.out.absolute().is_relative_to(folder.absolute()):
        raise InputError("--out lies in the watched folder.", hint="Choose one beside it.")
    stop = Stop()
    reporter.tell(
        "started", product=folder.name, summary="watched; Ctrl-C ends it", set=str(options.out.absolute())
    )

    def on_ask() -> None:
        reporter.tell("note", text="Stopping: what is paid is finished. Ctrl-C again leaves at once.")

    def on_leave() -> None:
        reporter.tell("note", text="Left. The same command goes on; nothing is paid twice.")
        logging.shutdown()

    code = 0
    inbox = _Inbox(WatchedFolder(folder), options, reporter)
    with Interrupts(stop, on_ask, on_leave):
        while not stop.is_asked and code != CeilingReachedError.exit_code:
            order = inbox.order()
            if order is None:
                time.sleep(LOOK_SECONDS)
                continue
            is_at_ceiling = make_order(order, options, reporter, stop, more=inbox.order)
            code = CeilingReachedError.exit_code if is_at_ceiling else inbox.write_results()
    code = STOPPED_EXIT_CODE if stop.is_asked else code
    reporter.tell("finished", state="partial", exit=code, set=str(options.out.absolute()))
    return code


class _Inbox:
    """The watched folder, and the catalogue of what was put into it."""

    def __init__(self, folder: WatchedFolder, options: argparse.Namespace, reporter: Reporter) -> None:
        self._folder = folder
        self._options = options
        self._reporter = reporter
        self._catalogue: Catalogue | None = None

    def order(self) -> Order | None:
        """What has come since, written into the lock; ``None`` when nothing has."""
        arrivals = self._folder.arrivals()
        if not arrivals:
            return None
        self._catalogue, fresh = _taken_in(arrivals, self._options, self._reporter)
        freeze_folder(self._catalogue)
        for row in fresh:
            if not row.is_good:
                self._reporter.tell(
                    "warning", text=f"{row.row.sku}: {'; '.join(row.row.faults)}.", sku=row.row.sku
                )
        self.write_results()
        return order_of(self._catalogue, tuple(fresh), self._options, self._reporter)

    def write_results(self) -> int:
        """The verdict on all that has come so far."""
        if self._catalogue is None:
            return 0
        return verdict_of(write_results(self._catalogue.root, self._catalogue.lock))


def _taken_in(
    arrivals: list[Arrival], options: argparse.Namespace, reporter: Reporter
) -> tuple[Catalogue, list[FrozenRow]]:
    """The catalogue with the arrivals in it, and their rows. Products that are gone from the folder stay."""
    earlier = earlier_lock(options.out.absolute())
    new = {arrival.sku: arrival for arrival in arrivals}
    rows = [
        Row(
            number=number,
            line=number,
            sku=arrival.sku,
            sources=arrival.sources,
            faults=(arrival.fault,) if arrival.fault else (),
        )
        for number, arrival in enumerate(new.values(), 1)
    ]
    # The file names the folder that sources are relative to.
    catalogue = freeze_rows(rows, options.watch / options.watch.name, options, reporter, earlier)
    kept = [row for row in (earlier.rows if earlier else ()) if row.row.sku not in new]
    together = [
        replace(row, row=replace(row.row, number=number, line=number))
        for number, row in enumerate([*kept, *catalogue.lock.rows], 1)
    ]
    lock = Lock(
        catalogue=options.watch.name,
        options=catalogue.lock.options,
        fal=catalogue.lock.fal,
        rows=tuple(together),
    )
    return replace(catalogue, lock=lock), together[len(kept) :]
