# SPDX-License-Identifier: GPL-3.0-or-later
"""``cancel``: cancel at fal.ai what has not ended, of one set or of all sets of a catalogue."""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ...catalogue.glance import is_catalogue
from ...catalogue.lock_file import Lock, read_lock
from ...catalogue.states import journal_in, row_lock
from ...fal_bridge.cancel import IS_OVER, Cancelled, Fate, cancel_all, summary_of
from ...fal_bridge.errors import UncertainSubmitError
from ...fal_bridge.journal import Journal, Stage
from ...fal_bridge.money.budget import Budget, Ceilings
from ...fal_bridge.network.service import Service
from ...files.lock import FileLock
from ...messages import events
from ...messages.errors import InputError, PhotorealError
from ...messages.progress import Reporter
from ...photo_set.cancel_mark import leave_mark
from ...photo_set.folder import SetFolder, SetState
from ...photo_set.plan_record import fal_of
from ...photo_set.variant_folders import set_folders, set_journals, set_of_variant
from ..folder_at_fal import FolderOptions, add_folder_at_fal
from ..option_values import Command, Context
from ..service import required_service
from ..spending import budget_of

NOTICE_SECONDS = 5.0  # After which every run has noticed that its set or catalogue is cancelled.
LOOK_SECONDS = 1.0


def add(parser: argparse.ArgumentParser) -> None:
    add_folder_at_fal(parser)
    parser.set_defaults(command=Command(FolderOptions, run))


def run(options: FolderOptions, context: Context) -> int:
    reporter = context.reporter
    if is_catalogue(options.folder):
        return _cancel_catalogue(options, reporter)
    if first := set_of_variant(options.folder):
        raise InputError(
            f"{options.folder} is a variant of the set in {first}.",
            hint=f"Use the folder of the set, which has all its variants: `cancel {first}`.",
        )
    folder = SetFolder.open(options.folder)
    service = required_service(folder.root, fal_of(folder), options.service)
    results = _cancel(
        service,
        folder.root,
        lambda: list(set_journals(folder.root).values()),
        budget=budget_of(service, Ceilings()),
        is_worked_in=lambda: any(map(_may_be_worked_in, set_folders(folder.root))),
    )
    for result in results:
        place = result.journal.parent
        _tell(reporter, result, of="" if place == folder.root else place.name)
    if not results:
        reporter.tell(events.Note(text=summary_of(results)))
    code = _verdict(results)
    reporter.tell(events.Finished(state=folder.record["state"], exit=code, set=str(folder.root)))
    return code


def _cancel_catalogue(options: FolderOptions, reporter: Reporter) -> int:
    root = options.folder.absolute()
    lock = read_lock(root)
    service = required_service(root, lock.fal, options.service)
    results = _cancel(
        service,
        root,
        lambda: [
            journal
            for place in sorted(root.glob("*/.journal"))
            for journal in set_journals(journal_in(place.parent).parent).values()
        ],
        budget=budget_of(service, Ceilings(), catalogue=root),
        is_worked_in=lambda: _is_worked_in(root, lock),
    )
    skus = {row.folder: row.row.sku for row in lock.rows}
    for result in results:
        folder, *variant = result.journal.parent.relative_to(root).parts
        sku = skus.get(folder, folder)
        _tell(reporter, result, of=", ".join([sku, *variant[1:]]), sku=sku)
    reporter.tell(events.Note(text=summary_of(results)))
    code = _verdict(results)
    reporter.tell(events.Finished(state=SetState.PARTIAL.value, exit=code, set=str(root)))
    return code


def _cancel(
    service: Service,
    root: Path,
    journals: Callable[[], list[Journal]],
    *,
    budget: Budget | None,
    is_worked_in: Callable[[], bool],
) -> list[Cancelled]:
    """Ask the runs in ``root`` to start nothing more, and cancel all requests until they have noticed."""
    leave_mark(root)
    marked_at = time.monotonic()
    found: dict[tuple[Path, str], Cancelled] = {}
    while True:
        has_seen = time.monotonic() - marked_at > NOTICE_SECONDS
        jobs = cancel_all(service, *journals(), budget=budget)
        now = {(one.journal, one.key): one for one in jobs}
        found = {place: _as_it_ended(result) for place, result in found.items()} | now
        if has_seen or not is_worked_in():
            return list(found.values())
        time.sleep(LOOK_SECONDS)


def _as_it_ended(result: Cancelled) -> Cancelled:
    """An earlier result for a job, updated by what its run has fetched since."""
    if result.fate in IS_OVER:
        return result
    is_fetched = Journal(result.journal).read(result.key).stage in (Stage.ANSWERED, Stage.DONE)
    return replace(result, fate=Fate.FINISHED if is_fetched else Fate.FAILED)


def _may_be_worked_in(root: Path) -> bool:
    """A set is partial while a run makes it, and after one that was stopped or killed."""
    if not (root / "set.json").is_file():
        return False
    try:
        return bool(SetFolder.open(root).record["state"] == SetState.PARTIAL)
    except InputError:  # It cannot be read: a run may be using it.
        return True


def _is_worked_in(root: Path, lock: Lock) -> bool:
    return any(FileLock.is_held(row_lock(root / row.folder)) for row in lock.rows if row.folder)


def _tell(reporter: Reporter, result: Cancelled, *, of: str = "", sku: str = "") -> None:
    reporter.tell(
        events.Note(
            text=f"{of}, {result.sentence}" if of else result.sentence,
            request_id=result.request_id,
            key=result.key,
            fate=result.fate.value,
            sku=sku or None,
        )
    )


def _verdict(results: Iterable[Cancelled]) -> int:
    fates = {result.fate for result in results}
    if fates - IS_OVER - {Fate.UNCERTAIN}:
        return PhotorealError.exit_code
    return UncertainSubmitError.exit_code if Fate.UNCERTAIN in fates else 0
