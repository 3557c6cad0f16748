# SPDX-License-Identifier: GPL-3.0-or-later
"""``catalogue``: many products from one file."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ...messages import events
from ...messages.errors import InputError
from ...photo_set.folder import check_place
from ..argument_types import place
from ..arguments import (
    add_ceilings,
    add_external_data,
    add_output,
    add_pictures,
    add_rows,
    add_service,
    add_strict,
    add_studio,
)
from ..catalogue_plans import (
    freeze_file,
    freeze_folder,
    refuse_bad_rows,
    tell_bad_rows,
    tell_plan,
    tell_unused_options,
)
from ..catalogues import make_catalogue
from ..option_values import Command, Context, FreezeOptions, MakeOptions
from ..signing import add_signing
from ..visible_runs import visible_catalogue
from ..watching import watch


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueOptions:
    file: Path | None
    watch: Path | None
    dry_run: bool
    freeze: bool
    skip_bad_rows: bool
    freezing: FreezeOptions
    making: MakeOptions


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", type=place, metavar="FILE", help="CSV or JSONL, one product per row"
    )
    parser.add_argument("--out", type=place, required=True, metavar="DIR", help="the catalogue's folder")
    parser.add_argument(
        "--watch",
        type=place,
        metavar="FOLDER",
        help="instead of FILE: make a product of each 3D file or folder of photos put there, until Ctrl-C",
    )
    parser.add_argument("--dry-run", action="store_true", help="check all rows and print what they cost")
    parser.add_argument("--freeze", action="store_true", help="check all rows and write the lock for a farm")
    parser.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="make the valid rows, and record what is wrong with the others",
    )
    add_external_data(parser)
    add_pictures(parser)
    add_ceilings(parser)
    add_signing(parser)
    add_service(parser)
    add_studio(parser)
    add_rows(parser)
    add_strict(parser)
    add_output(parser)
    parser.set_defaults(command=Command(CatalogueOptions, run))


def run(options: CatalogueOptions, context: Context) -> int:
    check_place(options.freezing.out)
    if options.watch and options.file is not None:
        raise InputError("Give either a catalogue file or --watch, not both.")
    if options.dry_run or options.freeze:
        return _run(options, context)
    with visible_catalogue(options.freezing.out, options.making.rows, context) as visible:
        return _run(options, visible)


def _run(options: CatalogueOptions, context: Context) -> int:
    if options.watch:
        return watch(options.watch, options.freezing, options.making, context)
    if options.file is None:
        raise InputError("No catalogue is named.", hint="Give a CSV or JSONL file, or --watch FOLDER.")
    catalogue = freeze_file(options.file, options.freezing, context)
    tell_unused_options(catalogue, options.making.ceilings, context.reporter)
    if options.dry_run:
        making = options.making
        tell_plan(catalogue, making.ceilings, context, are_skipped=options.skip_bad_rows, rows=making.rows)
        return 0
    tell_bad_rows(catalogue.lock, context.reporter)
    refuse_bad_rows(catalogue.lock, are_skipped=options.skip_bad_rows)
    sha256 = freeze_folder(catalogue)
    if options.freeze:
        rows = len(catalogue.lock.rows)
        context.reporter.tell(events.Frozen(rows=rows, sha256=sha256, set=str(catalogue.root)))
        context.reporter.tell(events.Finished(state="done", exit=0, set=None))
        return 0
    return make_catalogue(catalogue, options.making, context)
