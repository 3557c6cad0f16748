# SPDX-License-Identifier: GPL-3.0-or-later
"""``estimate``: what a set or a catalogue would cost."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ...messages import events
from ...photo_set import estimates
from ..argument_types import place
from ..arguments import (
    add_ceilings,
    add_external_data,
    add_output,
    add_pictures,
    add_product,
    add_service,
    add_studio,
)
from ..catalogue_plans import freeze_file, tell_plan, tell_unused_options
from ..option_values import CeilingOptions, Command, Context, FreezeOptions, PlanOptions, RowOptions
from ..plans import checked, plan_of, tell_unused
from ..spending import budget_of, ceilings_of, prices_of

CATALOGUE_SUFFIXES = {".csv", ".tsv", ".txt", ".jsonl", ".ndjson"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateOptions:
    """``freezing`` is for a catalogue, ``plan`` for one product."""

    plan: PlanOptions
    freezing: FreezeOptions
    ceilings: CeilingOptions


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=place,
        default=Path(),
        metavar="DIR",
        help="the set folder: what is there already is not paid again and counts towards no ceiling",
    )
    add_product(parser)
    add_external_data(parser)
    add_pictures(parser)
    add_ceilings(parser)
    add_service(parser)
    add_studio(parser)
    add_output(parser)
    parser.set_defaults(command=Command(EstimateOptions, run), stage=RowOptions().stage)


def run(options: EstimateOptions, context: Context) -> int:
    reporter, sources = context.reporter, options.plan.source
    if len(sources) == 1 and Path(sources[0]).suffix.lower() in CATALOGUE_SUFFIXES:
        catalogue = freeze_file(Path(sources[0]), options.freezing, context, has_folder=False)
        tell_unused_options(catalogue, options.ceilings, reporter)
        tell_plan(catalogue, options.ceilings, context, are_skipped=False)
        return 0
    plan = plan_of(options.plan, context)
    plan = checked(plan, reporter, online_mode=options.plan.service.online_mode)
    tell_unused(plan, options.ceilings, reporter)
    plan.check_prompts()
    prices = prices_of(plan, reporter)
    estimate = estimates.estimate_of(plan, prices)
    reporter.result(estimates.price_events(estimate), estimates.table(estimate))
    budget = budget_of(plan.service, ceilings_of(options.ceilings))
    if budget.left() is not None:  # With a ceiling: raises what `set` would raise.
        estimates.open_bill(plan, prices, budget, allows_unknown=options.ceilings.allow_unknown_price)
    reporter.tell(events.Finished(state="done", exit=0, set=None))
    return 0
