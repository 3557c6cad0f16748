# SPDX-License-Identifier: GPL-3.0-or-later
"""``report``: rebuild the page of a set or a catalogue."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ...catalogue.glance import is_catalogue
from ...catalogue.lock_file import read_lock
from ...catalogue.results import reason_of, verdict_of, write_results
from ...catalogue.states import first_error
from ...fal_bridge.errors import UncertainSubmitError
from ...gltf.findings import Severity
from ...messages import events
from ...messages.errors import PhotorealError
from ...photo_set.folder import SetFolder, SetState
from ...photo_set.set_json import Manifest
from ...photo_set.verdict import all_findings, worst_of
from ..argument_types import place
from ..arguments import add_output, add_strict
from ..option_values import Command, Context


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    folder: Path
    strict: bool


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=place, metavar="DIR", help="the folder of the set or the catalogue")
    add_strict(parser)
    add_output(parser)
    parser.set_defaults(command=Command(ReportOptions, run))


def run(options: ReportOptions, context: Context) -> int:
    """Rebuild the page, and say why the set or the catalogue is not done."""
    root = options.folder.absolute()
    if is_catalogue(options.folder):
        results = write_results(options.folder, read_lock(options.folder))
        code = verdict_of(results, is_strict=options.strict)
        reason = reason_of(results)
        state = SetState.PARTIAL if code else SetState.DONE
    else:
        folder = SetFolder.open(options.folder)
        folder.write_page()
        state = SetState(folder.record["state"])
        code = _code_of(folder.record, state, is_strict=options.strict)
        reason = first_error(folder) or f"The set is not finished. `resume {root}` continues it."
    context.reporter.result((), str(root / "index.html"))
    if code:
        text = "Its findings have errors, which --strict counts as failures."
        context.reporter.tell(events.Warning(text=text if state is SetState.DONE else reason))
    context.reporter.detail(events.Finished(state=state.value, exit=code, set=str(root)))
    return code


def _code_of(record: Manifest, state: SetState, *, is_strict: bool) -> int:
    has_errors = is_strict and worst_of(all_findings(record)) is Severity.ERROR
    codes = {
        SetState.DONE: PhotorealError.exit_code if has_errors else 0,
        SetState.HELD: UncertainSubmitError.exit_code,
    }
    return codes.get(state, PhotorealError.exit_code)
