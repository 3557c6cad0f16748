# SPDX-License-Identifier: GPL-3.0-or-later
"""``cleanup``: hide the files of a set at fal.ai and delete what fal.ai stores about it, once everything is on disk."""

import argparse
from pathlib import Path

from ...catalogue.glance import is_catalogue
from ...catalogue.lock_file import read_lock
from ...catalogue.states import journal_in
from ...fal_bridge.cleanup import Cleaned, clean_up
from ...fal_bridge.network.service import Service
from ...messages import events
from ...messages.errors import InputError, PhotorealError
from ...messages.progress import Reporter
from ...photo_set.at_fal import record_files_at_fal
from ...photo_set.folder import SetFolder
from ...photo_set.plan_record import fal_of
from ...photo_set.variant_folders import set_journals
from ..folder_at_fal import FolderOptions, add_folder_at_fal
from ..option_values import Command, Context
from ..service import required_service
from ..visible_runs import working_in


def add(parser: argparse.ArgumentParser) -> None:
    add_folder_at_fal(parser)
    parser.set_defaults(command=Command(FolderOptions, run))


def run(options: FolderOptions, context: Context) -> int:
    """Clean up a set, or all sets of a catalogue. Gives 0, or 2 when something of it stays at fal.ai."""
    cleaned = Cleaned()
    if is_catalogue(options.folder):
        root = options.folder.absolute()
        lock = read_lock(root)
        service = required_service(root, lock.fal, options.service)
        for row in lock.rows:
            if row.is_good and journal_in(root / row.folder).is_dir():
                _clean(root / row.folder, service, context.reporter, cleaned, row.row.sku)
    else:
        folder = SetFolder.open(options.folder.resolve())  # The user may name a link.
        root = folder.root
        service = required_service(root, fal_of(folder), options.service)
        _clean(root, service, context.reporter, cleaned)
    for text in cleaned.stays:
        context.reporter.tell(events.Warning(text=text))
    context.reporter.tell(events.Note(text=cleaned.sentence))
    code = PhotorealError.exit_code if cleaned.stays else 0
    state = "partial" if cleaned.stays else "done"
    context.reporter.tell(events.Finished(state=state, exit=code, set=str(root)))
    return code


def _clean(root: Path, service: Service, reporter: Reporter, cleaned: Cleaned, name: str = "") -> None:
    """Clean up a set and its variants, and add what was done to ``cleaned``. ``name``: of the product, if there are several."""
    with working_in(root, reporter):
        journals = {one: journal for one, journal in set_journals(root).items() if journal_in(one).is_dir()}
        if not journals:
            raise InputError(f"{root} has no requests at fal.ai: its journal is missing.")
        for folder, journal in journals.items():
            variant = "" if folder == root else folder.name
            try:
                done = clean_up(service, journal)
            finally:
                _record(folder)
            cleaned.add(done, ", ".join(filter(None, (name, variant))))
        if len(journals) > 1:
            _record(root)  # Its page has the variants too.


def _record(root: Path) -> None:
    """Show in the manifest and the page what is still there. A product of a catalogue may have no manifest yet."""
    if not (root / "set.json").is_file():
        return
    folder = SetFolder.open(root)
    record_files_at_fal(folder)
    folder.write_page()
