# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the products of a frozen catalogue from the command line."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal

from ..catalogue.blender_child import BlenderChild, Limits
from ..catalogue.freezing import Catalogue
from ..catalogue.lock_file import FrozenRow
from ..catalogue.order import Order, Stage, Tools
from ..catalogue.pricing import Pricing
from ..catalogue.product import ProductBills
from ..catalogue.results import Result, cost_of_all, verdict_of, waiting_sentence, write_results
from ..catalogue.run import CatalogueRun
from ..catalogue.tally import Tally
from ..fal_bridge.errors import CeilingReachedError, UncertainSubmitError
from ..fal_bridge.money.price_list import PriceList
from ..fal_bridge.network.lifecycle import DAY_SECONDS
from ..messages import events
from ..messages.counts import count_of
from ..messages.errors import STOPPED_EXIT_CODE, FieldError
from ..messages.moments import date_time
from ..messages.money import dollars
from ..messages.progress import Reporter
from ..photo_set.estimates import Estimate, money
from ..photo_set.folder import SetState
from ..photo_set.plan_record import LIVE
from ..processes.interrupts import Interrupts
from ..processes.stop import Stop, looking_elsewhere
from .catalogue_plans import catalogue_ceilings, chosen_rows, priced
from .commands.render_worker import worker_command
from .next_steps import catalogue_steps
from .option_values import CeilingOptions, Context, MakeOptions, RowOptions
from .plans import check_device
from .spending import budget_of

# The state in the last JSON line for an exit code of `verdict_of`.
_STATES = {0: SetState.DONE, 3: SetState.FAILED, 5: SetState.HELD}


def make_catalogue(catalogue: Catalogue, options: MakeOptions, context: Context) -> int:
    """Make the rows and the stage that the options name; the exit code."""
    stop = Stop(context.is_asked_to_stop)
    reporter, root = context.reporter, str(catalogue.root)
    rows = chosen_rows(catalogue.lock, options.rows)
    reporter.tell(events.Started(product=catalogue.lock.catalogue, summary=_summary(rows), set=root))
    if not rows:  # Farms round ranges up, and start more tasks than there are rows.
        count = len(catalogue.lock.rows)
        reporter.tell(events.Note(text=f"There are no rows for this task: the last row is {count}."))
        reporter.tell(events.Finished(state=SetState.DONE.value, exit=0, set=root))
        return 0

    def on_ask() -> None:
        text = f"Stopping: nothing more is started, and {_ends_first(catalogue)}. Press Ctrl-C again to leave immediately."
        reporter.tell(events.Note(text=text))

    def on_leave() -> None:
        if catalogue.lock.fal:
            reporter.tell(events.Note(text=f"Stopped at once. Nothing is paid twice.{_pickup(catalogue)}"))
        reporter.tell(events.Finished(state="partial", exit=STOPPED_EXIT_CODE, set=root))
        logging.shutdown()

    with Interrupts(stop, on_ask, on_leave), looking_elsewhere(stop):
        try:
            order = order_of(catalogue, rows, options, reporter)
            is_at_ceiling = make_order(order, options, context, stop)
        finally:
            results = [] if options.rows.as_task else write_results(catalogue.root, catalogue.lock)
    code = verdict_of(results, is_strict=options.strict, may_wait=_may_wait(rows, options.rows))
    if is_at_ceiling:
        code = CeilingReachedError.exit_code
    elif stop.is_asked:
        code = STOPPED_EXIT_CODE
    _tell_end(catalogue, results, code, reporter)
    if code == UncertainSubmitError.exit_code:
        reporter.result((), catalogue_steps(catalogue.root))
    return code


def _may_wait(rows: tuple[FrozenRow, ...], options: RowOptions) -> Callable[[Result], bool]:
    """Whether it is right that a product waits after a run: another run has to continue it."""
    chosen = {row.folder for row in rows}
    return lambda result: options.stage != Stage.ALL or result.frozen.folder not in chosen


def _tell_end(catalogue: Catalogue, results: list[Result], code: int, reporter: Reporter) -> None:
    state = _STATES.get(code, SetState.PARTIAL)
    if waiting := waiting_sentence(results):
        reporter.tell(events.Note(text=waiting))
        state = SetState.PARTIAL if state is SetState.DONE else state
    cost = _cost(catalogue, results)
    reporter.tell(events.Finished(state=state.value, exit=code, set=str(catalogue.root), cost=cost))


def _cost(catalogue: Catalogue, results: list[Result]) -> events.Cost | None:
    cost = cost_of_all(results)
    cost["is_emulated"] = catalogue.lock.fal not in ("", LIVE)
    return cost if cost["actual"] or cost["unpriced"] else None


def order_of(
    catalogue: Catalogue, rows: tuple[FrozenRow, ...], options: MakeOptions, reporter: Reporter
) -> Order:
    """The valid ones of these rows, and what they may spend. Raises InputError when they cannot be rendered here."""
    if options.rows.stage != Stage.CLOUD:  # Before 3D models are bought for it.
        check_device(catalogue.lock.options["device"])
    good = tuple(row for row in rows if row.is_good)
    if catalogue.service is None or options.rows.stage == Stage.RENDER:
        return Order(catalogue=catalogue, rows=good)
    pricing, prices, estimate = priced(catalogue, good, reporter)
    bills = None
    if estimate.jobs:
        bills = _bills(catalogue, pricing, prices, estimate, options.ceilings, reporter)
    return Order(catalogue=catalogue, rows=good, bills=bills, expected=float(estimate.known.high))


def make_order(
    order: Order,
    options: MakeOptions,
    context: Context,
    stop: Stop,
    *,
    more: Callable[[], Order | None] = lambda: None,
) -> bool:
    """Make its rows, and those of ``more``; whether a ceiling over all products was reached."""
    rows = options.rows
    stage = Stage(rows.stage)
    tally = Tally(reporter=context.reporter)
    with ExitStack() as stack:
        blender = None
        if stage is not Stage.CLOUD:
            limits = Limits.of_machine(minutes=rows.picture_minutes, gigabytes=rows.memory_gb)
            blender = stack.enter_context(BlenderChild(worker_command(options.external_data), limits))
        tools = Tools(reporter=context.reporter, stop=stop, blender=blender, scratch=context.scratch)
        run = CatalogueRun(order, tools, tally, stage=stage, retries_crashed=rows.retry_crashed, more=more)
        run.go()
    tally.tell(is_last=True)
    return run.is_at_ceiling


def _bills(
    catalogue: Catalogue,
    pricing: Pricing,
    prices: PriceList,
    estimate: Estimate,
    options: CeilingOptions,
    reporter: Reporter,
) -> ProductBills:
    ceilings = catalogue_ceilings(options)
    budget = budget_of(catalogue.service, ceilings, catalogue=catalogue.root)
    unknown = sum(job.times for job in estimate.unknown)
    if options.allow_unknown_price and ceilings.catalogue is None:
        raise FieldError(
            "allow_unknown_price",
            "Sending requests of unknown price needs a ceiling.",
            hint="Set one for this catalogue.",
        )
    left = budget.left()
    more = f", plus {count_of(unknown, 'request')} of unknown price" if unknown else ""
    reporter.tell(events.Note(text=f"All products cost {money(estimate.known)}{more}."))
    if left is not None and estimate.known.low > left:
        may = dollars(max(left, Decimal(0)))
        reporter.tell(events.Warning(text=f"{may} may be spent: the run would stop before it finishes."))
    assumed = None
    if options.allow_unknown_price and left is not None:
        assumed = max(left - estimate.known.high, Decimal(0)) / max(1, unknown)
    return ProductBills(pricing, budget, prices, assumed=assumed)


def _summary(rows: tuple[FrozenRow, ...]) -> str:
    good = sum(row.is_good for row in rows)
    bad = len(rows) - good
    left_out = f", {bad} row{'s are' if bad > 1 else ' is'} left out" if bad else ""
    return f"{count_of(good, 'product')}{left_out}"


def _pickup(catalogue: Catalogue) -> str:
    """Until when the results of open requests are there; "" when fal.ai keeps files."""
    options = catalogue.lock.options
    if options.get("keep_uploads"):
        return ""
    # Open requests may have been answered a while ago, so not all of the time is left.
    moment = time.time() + 0.9 * options.get("expiration", DAY_SECONDS)
    return f" Resume before {date_time(moment)}: fal.ai deletes results that were not fetched by then, and they are paid."


def _ends_first(catalogue: Catalogue) -> str:
    """What a run still waits for when it is asked to stop."""
    if catalogue.lock.fal:
        return "what is paid or being rendered is finished"
    return "the picture that is being rendered is finished first"
