# SPDX-License-Identifier: GPL-3.0-or-later
"""``catalogue``: many products from one file."""

import argparse
from pathlib import Path
from typing import TextIO

from ...messages.progress import Reporter
from ...photo_set.folder import check_place
from ..arguments import (
    Commands,
    add_ceilings,
    add_external_data,
    add_pictures,
    add_rows,
    add_service,
    add_studio,
    add_talk,
)
from ..catalogues import freeze_file, freeze_folder, make_catalogue, refuse_faults, tell_faults, tell_plan
from ..watching import watch


def add(commands: Commands) -> None:
    parser = commands.add_parser("catalogue", help="make the sets of many products, from a CSV or JSONL file")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="CSV or JSONL, one product a row")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the catalogue's folder")
    parser.add_argument(
        "--watch",
        type=Path,
        metavar="FOLDER",
        help="instead of FILE: whatever 3D file or folder of photos is put there becomes a product, until Ctrl-C",
    )
    parser.add_argument("--dry-run", action="store_true", help="check all rows, say what they cost, end")
    parser.add_argument(
        "--freeze", action="store_true", help="check all rows, write the lock for a farm, end"
    )
    parser.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="make the good rows, and record what is wrong with others",
    )
    add_external_data(parser)
    add_pictures(parser)
    add_ceilings(parser)
    add_service(parser)
    add_studio(parser)
    add_rows(parser)
    add_talk(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, reporter: Reporter, output: TextIO) -> int:
    check_place(options.out)
    if options.watch:
        return watch(options, reporter)
    catalogue = freeze_file(options, reporter)
    if options.dry_run:
        tell_plan(catalogue, options, reporter, output, are_faults_skipped=options.skip_bad_rows)
        return 0
    tell_faults(catalogue.lock, reporter)
    refuse_faults(catalogue.lock, are_skipped=options.skip_bad_rows)
    sha256 = freeze_folder(catalogue)
    if options.freeze:
        rows = len(catalogue.lock.rows)
        reporter.tell("frozen", rows=rows, sha256=sha256, set=str(catalogue.root))
        reporter.tell("finished", state="done", exit=0, set=None)
        return 0
    return make_catalogue(catalogue, options, reporter)
