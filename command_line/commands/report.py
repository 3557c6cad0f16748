# SPDX-License-Identifier: GPL-3.0-or-later
"""``report``: rebuild the page of a set or a catalogue."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ...catalogue.lock_file import read_lock
from ...catalogue.results import verdict_of, write_results
from ...fal_bridge.errors import UncertainSubmitError
from ...files.invisible import named_path
from ...gltf.findings import Severity
from ...messages.errors import PhotorealError
from ...photo_set.folder import SetFolder, SetState
from ...photo_set.verdict import all_findings, worst_of
from ..arguments import add_strict
from ..catalogue_plans import is_catalogue
from ..option_values import Command, Context


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    folder: Path
    strict: bool


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=named_path, metavar="DIR", help="the folder of the set or the catalogue"
    )
    add_strict(parser)
    parser.set_defaults(command=Command(ReportOptions, run))


def run(options: ReportOptions, context: Context) -> int:
    if is_catalogue(options.folder):
        results = write_results(options.folder, read_lock(options.folder))
        print(options.folder.absolute() / "index.html", file=context.output)
        return verdict_of(results, is_strict=options.strict)
    folder = SetFolder.open(options.folder)
    folder.write_page()
    print(folder.report, file=context.output)
    has_errors = options.strict and worst_of(all_findings(folder.record)) is Severity.ERROR
    codes = {
        SetState.DONE: PhotorealError.exit_code if has_errors else 0,
        SetState.HELD: UncertainSubmitError.exit_code,
    }
    return codes.get(SetState(folder.record["state"]), PhotorealError.exit_code)
