# SPDX-License-Identifier: GPL-3.0-or-later
"""Prices, ceilings and what a run may spend."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.money.budget import Budget, Ceilings
from ..fal_bridge.money.price_list import PriceList, look_up
from ..fal_bridge.network.service import Service
from ..files.home import home_folder
from ..files.values import checked, money
from ..messages import events
from ..messages.progress import Reporter
from ..photo_set import estimates
from ..photo_set.plan import SetPlan
from .arguments import DAY_VARIABLE
from .option_values import CeilingOptions


def prices_of(plan: SetPlan, reporter: Reporter) -> PriceList:
    """Unit prices of the endpoints of the plan, asked now or remembered."""
    if plan.service is None or not plan.endpoint_ids:
        return PriceList()
    return prices_for([plan.endpoint(kind) for kind in plan.endpoint_ids], plan.service, reporter)


def prices_for(endpoints: Iterable[Endpoint], service: Service, reporter: Reporter) -> PriceList:
    return look_up(endpoints, service, home_folder(), lambda text: reporter.tell(events.Warning(text=text)))


def bill_of(
    plan: SetPlan,
    reporter: Reporter,
    budget: Budget,
    *,
    allows_unknown: bool,
    again: Collection[str] = (),
) -> estimates.Bill:
    """What the run may spend, including what is made ``again``. Raises as ``open_bill``."""
    prices = prices_of(plan, reporter)
    return estimates.open_bill(plan, prices, budget, allows_unknown=allows_unknown, again=again)


def ceilings_of(options: CeilingOptions) -> Ceilings:
    """The ceilings of this run, in US dollars; the set folder does not keep them."""
    day = options.max_cost_per_day
    if day is None and (text := os.environ.get(DAY_VARIABLE, "").strip()):
        day = checked(money, text, DAY_VARIABLE)
    return Ceilings(run=options.max_cost, day=day)


def budget_of(service: Service | None, ceilings: Ceilings, *, catalogue: Path | None = None) -> Budget:
    """``catalogue``: the folder of the catalogue whose ledger counts too."""
    home: Path | None = home_folder()
    try:
        home_folder().mkdir(parents=True, exist_ok=True)
    except OSError:
        if ceilings.day is not None:
            raise
        home = None  # The ledger is needed only for a ceiling per day.
    account = "emulator" if service and service.is_emulator else "live"
    return Budget(ceilings, home=home, account=account, catalogue=catalogue)
