# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands share that work on catalogues: freezing, prices, making, the end."""

import argparse
import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from ..catalogue.freezing import Catalogue, Pricing, freeze, kept_options
from ..catalogue.lock_file import NAME, DamagedLockError, FrozenRow, Lock, read_lock
from ..catalogue.product import Till
from ..catalogue.renderer import BlenderChild, Limits
from ..catalogue.results import RECORD, cost_of_all, verdict_of, write_results
from ..catalogue.row_numbers import rows_named, rows_of_shard, shard_of
from ..catalogue.rows import Row, read_rows
from ..catalogue.run import CatalogueRun, Order, Stage, Tools
from ..catalogue.tally import Tally
from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.endpoints.published import check_endpoints
from ..fal_bridge.endpoints.registry import REGISTRY
from ..fal_bridge.errors import CeilingReachedError
from ..fal_bridge.jobs import Kind
from ..fal_bridge.money.budget import Ceilings
from ..fal_bridge.money.price_list import PriceList
from ..fal_bridge.network.platform_api import Platform
from ..fal_bridge.network.service import Service
from ..messages.errors import STOPPED_EXIT_CODE, InputError
from ..messages.money import dollars
from ..messages.progress import JsonReporter, Reporter
from ..optics.angles import ANGLES, CAMERAS
from ..photo_set import estimates
from ..photo_set.estimates import Estimate, money
from ..photo_set.folder import SetState
from ..photo_set.plan_record import LIVE
from ..processes.interrupts import Interrupts, Stop
from .plans import cameras_reader, check_device, check_light, plan_of_any
from .service import require_online, service_named
from .spending import budget_of, ceilings_of, prices_for
from .worker import worker_command

# What `verdict_of` gives, in the word of the last JSON line.
_STATES = {0: SetState.DONE, 3: SetState.FAILED, 5: SetState.HELD}


def is_catalogue(folder: Path) -> bool:
    return (folder / NAME).is_file()


# --- freezing -----------------------------------------------------------------------------------


def freeze_file(options: argparse.Namespace, reporter: Reporter, *, has_folder: bool = True) -> Catalogue:
    """The catalogue of the file that the arguments name, checked but not written.

    ``has_folder``: whether --out names its folder, where an earlier lock may be.
    """
    if options.file is None:
        raise InputError("No catalogue is named.", hint="Give a CSV or JSONL file, or --watch FOLDER.")
    earlier = earlier_lock(options.out.absolute()) if has_folder else None
    return freeze_rows(read_rows(options.file), options.file, options, reporter, earlier)


def freeze_rows(
    rows: list[Row], file: Path, options: argparse.Namespace, reporter: Reporter, earlier: Lock | None
) -> Catalogue:
    root = options.out.absolute()
    if options.angles.strip() == CAMERAS:  # Each file has its own.
        rows = [replace(row, angles=row.angles or CAMERAS) for row in rows]
        options = argparse.Namespace(**{**vars(options), "angles": ",".join(ANGLES)})
    plan = plan_of_any(options, reporter)
    # Where only fal's part is done, the renders are there, and perhaps no Blender.
    check = None if getattr(options, "stage", "") == Stage.CLOUD else check_light
    if plan.rig.panorama and check:
        check(plan.rig.panorama)
    service = plan.service
    fal = "" if service is None else service.emulator_url or LIVE
    with ExitStack() as stack:
        asked = _Understanding(service, options, reporter, stack)
        lock, endpoints = freeze(
            rows,
            catalogue=file,
            root=root,
            options=kept_options(plan, root),
            service=service,
            fal=fal,
            understand=asked.endpoint,
            cameras_of_blend=cameras_reader(options.external_data),
            check_light=check,
            earlier=earlier,
        )
    return Catalogue(root=root, lock=lock, service=service, endpoints=endpoints)


def freeze_folder(catalogue: Catalogue) -> str:
    """Write the lock; its SHA-256."""
    catalogue.root.mkdir(parents=True, exist_ok=True)
    return catalogue.lock.write(catalogue.root)


def open_catalogue(folder: Path, options: argparse.Namespace, reporter: Reporter) -> Catalogue:
    """A catalogue that was frozen before."""
    root = folder.absolute()
    lock = read_lock(root, sha256=getattr(options, "sha256", ""))
    is_render = getattr(options, "stage", "") == Stage.RENDER
    service = None if is_render else service_named(lock.fal, options.fal_url)
    if service is None and lock.fal and not is_render:
        raise InputError(
            "This catalogue needs fal.ai, and no key is set.", hint="Set FAL_KEY or FAL_KEY_FILE."
        )
    catalogue = Catalogue(root=root, lock=lock, service=service)
    wanted = {item for row in lock.rows if row.is_good for item in catalogue.plan(row).endpoint_ids.items()}
    endpoints = dict(REGISTRY)
    if service is not None:
        with ExitStack() as stack:
            asked = _Understanding(service, options, reporter, stack)
            for kind, endpoint_id in sorted(wanted):
                endpoints[endpoint_id] = asked.endpoint(kind, endpoint_id)
    return replace(catalogue, endpoints=endpoints)


def tell_faults(lock: Lock, reporter: Reporter) -> None:
    """Say all that is wrong with all rows."""
    for row in (row.row for row in lock.rows if not row.is_good):
        text = "; ".join(row.faults)
        reporter.tell("warning", text=f"{row.place}: {text}.", row=row.number, line=row.line, sku=row.sku)


def refuse_faults(lock: Lock, *, are_skipped: bool) -> None:
    """Raises InputError when rows are bad, unless ``are_skipped`` and there are others."""
    bad = [row.row for row in lock.rows if not row.is_good]
    if bad and not are_skipped:
        count = f"{len(bad)} of {len(lock.rows)} rows cannot be used: {_some(bad)}."
        raise InputError(count, hint="Nothing was spent. Repair them, or add --skip-bad-rows.")
    if len(bad) == len(lock.rows):
        raise InputError("No row can be used.")


def _some(rows: list[Row]) -> str:
    numbers = [str(row.number) for row in rows]
    return ", ".join(numbers[:20]) + (f" and {len(numbers) - 20} more" if len(numbers) > 20 else "")


def earlier_lock(root: Path) -> Lock | None:
    """The lock in a folder, ``None`` without one that serves; raises InputError when something else is there."""
    if is_catalogue(root):
        with contextlib.suppress(DamagedLockError):
            return read_lock(root)
        return None
    if (root / RECORD).is_file():  # Its lock was lost: what the rows' own folders hold counts.
        return None
    if root.is_dir() and any(item.name != ".journal" for item in root.iterdir()):
        raise InputError(f"{root} is not empty and holds no catalogue.", hint="Choose another --out folder.")
    return None


class _Understanding:
    """Asks fal.ai for endpoints, over one connection, which is opened when it is needed."""

    def __init__(
        self, service: Service | None, options: argparse.Namespace, reporter: Reporter, stack: ExitStack
    ) -> None:
        self._service = service
        self._online_mode = options.online_mode
        self._reporter = reporter
        self._stack = stack
        self._platform: Platform | None = None
        self._told: set[str] = set()

    def endpoint(self, kind: Kind, endpoint_id: str) -> Endpoint:
        """Raises what is wrong with it."""
        if self._service is None:
            if endpoint_id in REGISTRY:
                return REGISTRY[endpoint_id]  # The plan's own check says that a key is missing.
            raise InputError("fal.ai needs a key and none is set.", hint="Set FAL_KEY or FAL_KEY_FILE.")
        if self._platform is None:
            require_online(self._online_mode)
            self._platform = self._stack.enter_context(Platform(self._service))
        return check_endpoints({kind: endpoint_id}, self._platform, self._warn)[endpoint_id]

    def _warn(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._reporter.tell("warning", text=text)


# --- prices -------------------------------------------------------------------------------------


def tell_plan(
    catalogue: Catalogue,
    options: argparse.Namespace,
    reporter: Reporter,
    output: TextIO,
    *,
    are_faults_skipped: bool,
) -> None:
    """Say what is wrong with bad rows and what the good ones cost. Raises as ``refuse_faults``, and for ceilings."""
    tell_faults(catalogue.lock, reporter)
    if any(row.is_good for row in catalogue.lock.rows):
        _tell_price(catalogue, options, reporter, output)
    refuse_faults(catalogue.lock, are_skipped=are_faults_skipped)
    reporter.tell("finished", state="done", exit=0, set=None)


def _tell_price(
    catalogue: Catalogue, options: argparse.Namespace, reporter: Reporter, output: TextIO
) -> None:
    """What all good rows cost. Raises when the ceilings cannot hold that."""
    _pricing, _prices, estimate = _priced(catalogue, catalogue.lock.rows, reporter)
    if isinstance(reporter, JsonReporter):
        for facts in estimates.events(estimate):
            reporter.tell("price", **facts)
        record = estimate.record()
        reporter.tell("estimate", **record, currency="USD", age_seconds=estimate.age_seconds)
    else:
        good = sum(row.is_good for row in catalogue.lock.rows)
        print(f"{good} products", file=output)
        print(estimates.table(estimate, what="catalogue"), file=output)
    budget = budget_of(catalogue.service, _ceilings(options), catalogue=catalogue.root)
    left = budget.left()
    if left is not None and estimate.known.low > left:
        raise CeilingReachedError(
            f"The catalogue costs {money(estimate.known)}, and {dollars(max(left, Decimal(0)))} may be spent.",
            hint="Raise the ceiling; with this one a run stops on its way.",
        )


def _priced(
    catalogue: Catalogue, rows: tuple[FrozenRow, ...], reporter: Reporter
) -> tuple[Pricing, PriceList, Estimate]:
    plans = [catalogue.plan(row) for row in rows if row.is_good]
    prices = PriceList()
    if catalogue.service is not None:
        used = {plan.endpoint(kind).id: plan.endpoint(kind) for plan in plans for kind in plan.endpoint_ids}
        if used:
            prices = prices_for(used.values(), catalogue.service, reporter)
    pricing = Pricing(prices)
    return pricing, prices, pricing.whole(plans)


def _ceilings(options: argparse.Namespace) -> Ceilings:
    """The ceiling of a catalogue holds over all its runs, on all machines."""
    return replace(ceilings_of(options), run=None, catalogue=options.max_cost)


# --- making -------------------------------------------------------------------------------------


def make_catalogue(catalogue: Catalogue, options: argparse.Namespace, reporter: Reporter) -> int:
    """Make the rows that the arguments name, as far as they say; the exit code."""
    stop = Stop()
    rows = _chosen(catalogue.lock, options, os.environ)
    reporter.tell(
        "started", product=catalogue.lock.catalogue, summary=_summary(rows), set=str(catalogue.root)
    )

    def on_ask() -> None:
        reporter.tell(
            "note",
            text=f"Stopping: nothing more is begun, {ends_first(catalogue)}. Ctrl-C again leaves at once.",
        )

    def on_leave() -> None:
        if catalogue.lock.fal:
            reporter.tell("note", text="Left. Nothing is paid twice.")
        reporter.tell("finished", state="partial", exit=STOPPED_EXIT_CODE, set=str(catalogue.root))
        logging.shutdown()

    with Interrupts(stop, on_ask, on_leave):
        try:
            order = order_of(catalogue, rows, options, reporter)
            is_at_ceiling = make_order(order, options, reporter, stop)
        finally:
            results = [] if options.as_task else write_results(catalogue.root, catalogue.lock)
    code = verdict_of(results)
    if is_at_ceiling:
        code = CeilingReachedError.exit_code
    elif stop.is_asked:
        code = STOPPED_EXIT_CODE
    state = _STATES.get(code, SetState.PARTIAL)
    cost = {**cost_of_all(results), "is_emulated": catalogue.lock.fal not in ("", LIVE)}
    more = {"cost": cost} if cost["actual"] or cost["unpriced"] else {}
    reporter.tell("finished", state=state.value, exit=code, set=str(catalogue.root), **more)
    return code


def order_of(
    catalogue: Catalogue, rows: tuple[FrozenRow, ...], options: argparse.Namespace, reporter: Reporter
) -> Order:
    """The good ones of these rows, and what they may spend. Raises InputError when nobody could render them here."""
    if options.stage != Stage.CLOUD:  # Before 3D models are bought for it.
        check_device(catalogue.lock.options["device"])
    good = tuple(row for row in rows if row.is_good)
    if catalogue.service is None or options.stage == Stage.RENDER:
        return Order(catalogue=catalogue, rows=good)
    pricing, prices, estimate = _priced(catalogue, good, reporter)
    till = None
    if estimate.jobs:
        till = _till(catalogue, pricing, prices, estimate, options, reporter)
    return Order(catalogue=catalogue, rows=good, till=till, expected=float(estimate.known.high))


def make_order(
    order: Order,
    options: argparse.Namespace,
    reporter: Reporter,
    stop: Stop,
    *,
    more: Callable[[], Order | None] = lambda: None,
) -> bool:
    """Make its rows, and those of ``more``; whether a ceiling over all products was reached."""
    stage = Stage(options.stage)
    tally = Tally(reporter=reporter)
    with ExitStack() as stack:
        blender = None
        if stage is not Stage.CLOUD:
            limits = Limits.of_machine(minutes=options.picture_minutes, gigabytes=options.memory_gb)
            blender = stack.enter_context(BlenderChild(worker_command(options.external_data), limits))
        tools = Tools(reporter=reporter, stop=stop, blender=blender, scratch=options.scratch)
        run = CatalogueRun(order, tools, tally, stage=stage, retries_crashed=options.retry_crashed, more=more)
        run.go()
    tally.tell(is_last=True)
    return run.is_at_ceiling


def _till(
    catalogue: Catalogue,
    pricing: Pricing,
    prices: PriceList,
    estimate: Estimate,
    options: argparse.Namespace,
    reporter: Reporter,
) -> Till:
    ceilings = _ceilings(options)
    budget = budget_of(catalogue.service, ceilings, catalogue=catalogue.root)
    unknown = sum(job.times for job in estimate.unknown)
    if options.allow_unknown_price and ceilings.catalogue is None:
        raise InputError("--allow-unknown-price needs a ceiling.", hint="Give --max-cost USD with it.")
    left = budget.left()
    more = f", plus {unknown} requests of unknown price" if unknown else ""
    reporter.tell("note", text=f"All products cost {money(estimate.known)}{more}.")
    if left is not None and estimate.known.low > left:
        may = dollars(max(left, Decimal(0)))
        reporter.tell("warning", text=f"{may} may be spent: the run would stop before it finishes.")
    assumed = None
    if options.allow_unknown_price and left is not None:
        assumed = max(left - estimate.known.high, Decimal(0)) / max(1, unknown)
    return Till(pricing, budget, prices, assumed=assumed)


def _chosen(lock: Lock, options: argparse.Namespace, environ: Mapping[str, str]) -> tuple[FrozenRow, ...]:
    numbers = rows_named(options.rows or f"1-{len(lock.rows)}", len(lock.rows))
    if options.shard:
        numbers = rows_of_shard(numbers, *shard_of(options.shard, environ))
    return tuple(lock.rows[number - 1] for number in numbers)


def _summary(rows: tuple[FrozenRow, ...]) -> str:
    good = sum(row.is_good for row in rows)
    bad = len(rows) - good
    left_out = f", {bad} row{'s are' if bad > 1 else ' is'} left out" if bad else ""
    return f"{good} product{'s' * (good != 1)}{left_out}"


def ends_first(catalogue: Catalogue) -> str:
    """What a run still waits for when it is asked to stop."""
    if catalogue.lock.fal:
        return "what is paid or being rendered is finished"
    return "the picture that is being rendered is finished first"
