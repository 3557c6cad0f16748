# SPDX-License-Identifier: GPL-3.0-or-later
"""``set``: one product."""

import argparse
from dataclasses import dataclass, replace

from ...photo_set.folder import check_place
from ..argument_types import place
from ..arguments import (
    add_ceilings,
    add_external_data,
    add_output,
    add_pictures,
    add_product,
    add_service,
    add_strict,
    add_studio,
)
from ..option_values import CeilingOptions, Command, Context, PlanOptions
from ..plans import checked, plan_of, tell_unused
from ..sets import make_set
from ..signing import add_signing
from ..spending import bill_of, budget_of, ceilings_of
from ..visible_runs import visible_run, working_in


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    plan: PlanOptions
    ceilings: CeilingOptions
    strict: bool


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=place, required=True, metavar="DIR", help="the set folder")
    add_product(parser)
    add_external_data(parser)
    add_pictures(parser)
    add_ceilings(parser)
    add_signing(parser)
    add_service(parser)
    add_studio(parser)
    add_strict(parser)
    add_output(parser)
    parser.set_defaults(command=Command(SetOptions, run))


def run(options: SetOptions, context: Context) -> int:
    out = options.plan.out
    check_place(out)
    with working_in(out, context.reporter), visible_run(out, context.reporter) as reporter:
        plan = plan_of(options.plan, replace(context, reporter=reporter))
        plan = checked(plan, reporter, online_mode=options.plan.service.online_mode)
        tell_unused(plan, options.ceilings, reporter)
        plan.check_prompts()
        budget = budget_of(plan.service, ceilings_of(options.ceilings))
        bill = bill_of(plan, reporter, budget, allows_unknown=options.ceilings.allow_unknown_price)
        return make_set(plan, reporter, bill, is_strict=options.strict)
