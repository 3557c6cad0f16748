# SPDX-License-Identifier: GPL-3.0-or-later
"""``set``: one product."""

import argparse
from pathlib import Path
from typing import TextIO

from ...messages.progress import Reporter
from ...photo_set.folder import check_place
from ..arguments import Commands, add_ceilings, add_product, add_service, add_studio, add_talk
from ..plans import checked, plan_of
from ..sets import make_set, working_in
from ..spending import bill_of, budget_of, ceilings_of


def add(commands: Commands) -> None:
    parser = commands.add_parser("set", help="make the set of one product")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the set folder")
    add_product(parser)
    add_ceilings(parser)
    add_service(parser)
    add_studio(parser)
    add_talk(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    check_place(options.out)
    with working_in(options.out, reporter):
        plan = checked(plan_of(options, reporter), reporter, online_mode=options.online_mode)
        budget = budget_of(plan.service, ceilings_of(options))
        return make_set(plan, reporter, bill_of(options, plan, reporter, budget))
