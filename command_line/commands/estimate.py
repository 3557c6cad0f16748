# SPDX-License-Identifier: GPL-3.0-or-later
"""``estimate``: what a set would cost."""

import argparse
from pathlib import Path
from typing import TextIO

from ...messages.progress import JsonReporter, Reporter
from ...photo_set import estimates
from ..arguments import Commands, add_ceilings, add_product, add_service, add_studio, add_talk
from ..catalogues import freeze_file, tell_plan
from ..plans import checked, plan_of
from ..spending import budget_of, ceilings_of, prices_of

CATALOGUE_SUFFIXES = {".csv", ".tsv", ".txt", ".jsonl", ".ndjson"}


def add(commands: Commands) -> None:
    parser = commands.add_parser("estimate", help="what a set or a catalogue would cost; spends nothing")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="not used")
    add_product(parser)
    add_ceilings(parser)
    add_service(parser)
    add_studio(parser)
    add_talk(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, reporter: Reporter, output: TextIO) -> int:
    if len(options.source) == 1 and Path(options.source[0]).suffix.lower() in CATALOGUE_SUFFIXES:
        options.file = Path(options.source[0])
        catalogue = freeze_file(options, reporter, has_folder=False)
        tell_plan(catalogue, options, reporter, output, are_faults_skipped=False)
        return 0
    plan = checked(plan_of(options, reporter), reporter, online_mode=options.online_mode)
    prices = prices_of(plan, reporter)
    estimate = estimates.estimate_of(plan, prices)
    if isinstance(reporter, JsonReporter):
        for facts in estimates.events(estimate):
            reporter.tell("price", **facts)
        reporter.tell("estimate", **estimate.record(), currency="USD", age_seconds=estimate.age_seconds)
    else:
        print(estimates.table(estimate), file=output)
    budget = budget_of(plan.service, ceilings_of(options))
    if budget.left() is not None:  # With a ceiling: raises what `set` would raise.
        estimates.open_bill(plan, prices, budget, allows_unknown=options.allow_unknown_price)
    reporter.tell("finished", state="done", exit=0, set=None)
    return 0
