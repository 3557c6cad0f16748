# SPDX-License-Identifier: GPL-3.0-or-later
"""``catalogue --watch``: products are made as they are put into a folder."""

import argparse
import logging
import time
from dataclasses import replace
from pathlib import Path

from ..catalogue.frozen import FrozenRow, Lock
from ..catalogue.planning import Catalogue
from ..catalogue.results import verdict_of, write_results
from ..catalogue.rows import Row
from ..catalogue.watched_folder import Arrival, WatchedFolder
from ..errors import STOPPED_EXIT_CODE, InputError
from ..fal_bridge.errors import CeilingReachedError
from ..interrupts import Interrupts, Stop
from ..progress import Reporter
from .catalogues import earlier_lock, freeze_folder, freeze_rows, run_rows

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
    watched = WatchedFolder(folder)
    reporter.tell(
        "started", product=folder.name, summary="watched; Ctrl-C ends it", set=str(options.out.absolute())
    )

    def on_ask() -> None:
        reporter.tell("note", text="Stopping: what is paid is finished. Ctrl-C again leaves at once.")

    def on_leave() -> None:
        reporter.tell("note", text="Left. The same command goes on; nothing is paid twice.")
        logging.shutdown()

    code = 0
    with Interrupts(stop, on_ask, on_leave):
        while not stop.is_asked and code != CeilingReachedError.exit_code:
            arrivals = watched.arrivals()
            if not arrivals:
                time.sleep(LOOK_SECONDS)
                continue
            code = _make(arrivals, options, reporter, stop)
    code = STOPPED_EXIT_CODE if stop.is_asked else code
    reporter.tell("finished", state="partial", exit=code, set=str(options.out.absolute()))
    return code


def _make(arrivals: list[Arrival], options: argparse.Namespace, reporter: Reporter, stop: Stop) -> int:
    catalogue, fresh = _taken_in(arrivals, options, reporter)
    freeze_folder(catalogue)
    for row in fresh:
        if not row.is_good:
            reporter.tell("warning", text=f"{row.row.sku}: {'; '.join(row.row.faults)}.", sku=row.row.sku)
    is_at_ceiling = run_rows(catalogue, tuple(fresh), options, reporter, stop)
    verdict = verdict_of(write_results(catalogue.root, catalogue.lock))
    return CeilingReachedError.exit_code if is_at_ceiling else verdict


def _taken_in(
    arrivals: list[Arrival], options: argparse.Namespace, reporter: Reporter
) -> tuple[Catalogue, list[FrozenRow]]:
    """The catalogue with the arrivals in it, and their rows. Products that are gone from the folder stay."""
    earlier = earlier_lock(options.out.absolute())
    new = {arrival.sku: arrival for arrival in arrivals}
    rows = [
        Row(number=number, line=number, sku=arrival.sku, sources=arrival.sources)
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
