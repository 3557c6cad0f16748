# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues before they are made: checked, frozen, opened again, and what their rows cost."""

import contextlib
import difflib
import os
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from ..catalogue.freezing import Catalogue, Endpoints, freeze, kept_options, made_options
from ..catalogue.glance import is_catalogue
from ..catalogue.lock_file import DamagedLockError, FrozenRow, Lock, read_lock
from ..catalogue.order import Stage
from ..catalogue.pricing import Pricing
from ..catalogue.results import RECORD
from ..catalogue.row_numbers import rows_named, rows_of_shard, shard_of
from ..catalogue.rows import Row, read_rows
from ..catalogue.sources import SourceDesk
from ..catalogue.table_formats import COLUMNS
from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.endpoints.published import check_endpoints
from ..fal_bridge.endpoints.registry import REGISTRY
from ..fal_bridge.errors import CeilingReachedError
from ..fal_bridge.jobs import Kind
from ..fal_bridge.journal import NAME as JOURNAL
from ..fal_bridge.money.budget import Ceilings
from ..fal_bridge.money.price_list import PriceList
from ..fal_bridge.network.platform_api import Platform
from ..fal_bridge.network.service import Service
from ..messages import events
from ..messages.counts import count_of
from ..messages.errors import InputError
from ..messages.money import dollars
from ..messages.progress import Reporter
from ..optics.angles import ANGLES, CAMERAS
from ..photo_set import estimates
from ..photo_set.estimates import Estimate, money
from ..photo_set.plan_record import LIVE
from ..photo_set.set_costs import costs_of
from ..photo_set.unused_options import unused_members
from .option_values import CeilingOptions, Context, FreezeOptions, RowOptions, ServiceOptions
from .plans import cameras_reader, check_light, materials_reader, plan_of_any, warn_unused
from .service import require_online, service_named
from .spending import budget_of, ceilings_of, prices_for

NEAR = 0.8  # Of ``difflib``: how alike a column's name is to one that is used, from 0 to 1.

# --- freezing -----------------------------------------------------------------------------------


def freeze_file(
    file: Path, options: FreezeOptions, context: Context, *, has_folder: bool = True
) -> Catalogue:
    """The catalogue in ``file``, checked but not written.

    ``has_folder``: whether ``options.out`` is its folder, where an earlier lock may be.
    """
    earlier = earlier_lock(options.out.absolute()) if has_folder else None
    rows = read_rows(file)
    _tell_near_columns(rows, context.reporter)
    return freeze_rows(rows, file, options, context.reporter, earlier)


def _tell_near_columns(rows: list[Row], reporter: Reporter) -> None:
    """Report columns that are only copied and whose names may be misspelled."""
    for name in dict.fromkeys(name for row in rows for name in row.more):
        if near := difflib.get_close_matches(name.lower(), COLUMNS, 1, NEAR):
            text = f"The column {name!r} is only copied to the results. Did you mean {near[0]}?"
            reporter.tell(events.Warning(text=text))


def freeze_rows(
    rows: list[Row], file: Path, options: FreezeOptions, reporter: Reporter, earlier: Lock | None
) -> Catalogue:
    """A catalogue of these rows; their sources are relative to the folder of ``file``."""
    root = options.out.absolute()
    if options.studio.angles.strip() == CAMERAS:  # Each 3D file has other cameras.
        rows = [replace(row, angles=row.angles or CAMERAS) for row in rows]
        options = replace(options, studio=replace(options.studio, angles=",".join(ANGLES)))
    plan = plan_of_any(options, reporter)
    # Where only fal.ai's part is made, the renders exist, and there may be no Blender.
    check = None if options.stage == Stage.CLOUD else check_light
    if plan.rig.panorama and check:
        check(plan.rig.panorama)
    service = plan.service
    cameras = cameras_reader(options.external_data)
    materials = materials_reader(options.external_data)
    desk = SourceDesk(file.absolute().parent, root, earlier, cameras, materials, check)
    with ExitStack() as stack:
        lookup = _EndpointLookup(service, options.service, reporter, stack)
        endpoints = Endpoints(service, lookup.endpoint)
        lock = freeze(
            rows,
            catalogue=file,
            root=root,
            options=kept_options(plan, root),
            fal="" if service is None else service.emulator_url or LIVE,
            endpoints=endpoints,
            desk=desk,
            earlier=earlier,
        )
    return Catalogue(root=root, lock=lock, service=service, endpoints=endpoints.found)


def tell_unused_options(catalogue: Catalogue, ceilings: CeilingOptions, reporter: Reporter) -> None:
    """Warn about options of the command that change nothing for any valid row."""
    plans = [catalogue.plan(row) for row in catalogue.lock.rows if row.is_good]
    kinds = {kind for plan in plans for kind in plan.endpoint_ids}
    if plans:
        members = unused_members(made_options(catalogue.lock.options, catalogue.root), kinds)
        warn_unused(members, kinds, ceilings, reporter, what="catalogue")


def freeze_folder(catalogue: Catalogue) -> str:
    """Write the lock; its SHA-256."""
    catalogue.root.mkdir(parents=True, exist_ok=True)
    return catalogue.lock.write(catalogue.root)


def open_catalogue(
    folder: Path, rows: RowOptions, service_options: ServiceOptions, reporter: Reporter
) -> Catalogue:
    """A catalogue that was frozen before. Raises InputError when it cannot be continued here."""
    root = folder.absolute()
    lock = read_lock(root, sha256=rows.sha256)
    is_render = rows.stage == Stage.RENDER
    service = None if is_render else service_named(lock.fal, service_options.fal_url)
    if service is None and lock.fal and not is_render:
        raise InputError(
            "This catalogue needs fal.ai, and no key is set.", hint="Set FAL_KEY or FAL_KEY_FILE."
        )
    catalogue = Catalogue(root=root, lock=lock, service=service)
    wanted = {item for row in lock.rows if row.is_good for item in catalogue.plan(row).endpoint_ids.items()}
    endpoints = dict(REGISTRY)
    if service is not None:
        with ExitStack() as stack:
            lookup = _EndpointLookup(service, service_options, reporter, stack)
            for kind, endpoint_id in sorted(wanted):
                endpoints[endpoint_id] = lookup.endpoint(kind, endpoint_id)
    return replace(catalogue, endpoints=endpoints)


def tell_bad_rows(lock: Lock, reporter: Reporter) -> None:
    """Report everything that is wrong with the rows."""
    for row in (row.row for row in lock.rows if not row.is_good):
        text = "; ".join(row.errors)
        reporter.tell(
            events.Warning(text=f"{row.place}: {text}.", row=row.number, line=row.line, sku=row.sku)
        )


def refuse_bad_rows(lock: Lock, *, are_skipped: bool) -> None:
    """Raises InputError when rows are bad, unless ``are_skipped`` and there are others."""
    bad = [row.row for row in lock.rows if not row.is_good]
    if bad and not are_skipped:
        count = f"{len(bad)} of {count_of(len(lock.rows), 'row')} cannot be used: {_some(bad)}."
        raise InputError(count, hint="Nothing was spent. Correct them, or add --skip-bad-rows.")
    if len(bad) == len(lock.rows):
        raise InputError("No row can be used.")


def _some(rows: list[Row]) -> str:
    numbers = [str(row.number) for row in rows]
    return ", ".join(numbers[:20]) + (f" and {len(numbers) - 20} more" if len(numbers) > 20 else "")


def earlier_lock(root: Path) -> Lock | None:
    """The lock in a folder, ``None`` when there is no valid one. Raises InputError for a folder with other content."""
    if is_catalogue(root):
        with contextlib.suppress(DamagedLockError):
            return read_lock(root)
        return None
    if (root / RECORD).is_file():  # Its lock was lost: the folders of the rows are still valid.
        return None
    if root.is_dir() and any(item.name != JOURNAL for item in root.iterdir()):
        raise InputError(
            f"{root} is not empty and contains no catalogue.", hint="Choose another --out folder."
        )
    return None


class _EndpointLookup:
    """Looks up endpoints at fal.ai, over one connection that is opened when it is needed."""

    def __init__(
        self, service: Service | None, options: ServiceOptions, reporter: Reporter, stack: ExitStack
    ) -> None:
        self._service = service
        self._online_mode = options.online_mode
        self._reporter = reporter
        self._stack = stack
        self._platform: Platform | None = None
        self._told: set[str] = set()

    def endpoint(self, kind: Kind, endpoint_id: str) -> Endpoint:
        """The endpoint with its schema. Raises PhotorealError when it cannot be used."""
        if self._service is None:
            if endpoint_id in REGISTRY:
                return REGISTRY[endpoint_id]  # The plan's own check reports the missing key.
            raise InputError("fal.ai needs a key, and none is set.", hint="Set FAL_KEY or FAL_KEY_FILE.")
        if self._platform is None:
            require_online(self._online_mode)
            self._platform = self._stack.enter_context(Platform(self._service))
        return check_endpoints({kind: endpoint_id}, self._platform, self._warn)[endpoint_id]

    def _warn(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._reporter.tell(events.Warning(text=text))


def chosen_rows(lock: Lock, options: RowOptions) -> tuple[FrozenRow, ...]:
    """The rows that ``--rows`` and ``--shard`` name. Raises InputError when they are not valid."""
    numbers = rows_named(options.rows or f"1-{len(lock.rows)}", len(lock.rows))
    if options.shard:
        numbers = rows_of_shard(numbers, *shard_of(options.shard, os.environ))
    return tuple(lock.rows[number - 1] for number in numbers)


# --- prices -------------------------------------------------------------------------------------


def tell_plan(
    catalogue: Catalogue,
    ceilings: CeilingOptions,
    context: Context,
    *,
    are_skipped: bool,
    rows: RowOptions | None = None,
) -> None:
    """Report bad rows and the price of the others, or of those that ``rows`` names.

    Raises as ``chosen_rows`` and ``refuse_bad_rows``, and CeilingReachedError when the ceilings are too low.
    """
    chosen = chosen_rows(catalogue.lock, rows or RowOptions())
    tell_bad_rows(catalogue.lock, context.reporter)
    if good := tuple(row for row in chosen if row.is_good):
        _tell_price(catalogue, good, ceilings, context.reporter)
    refuse_bad_rows(catalogue.lock, are_skipped=are_skipped)
    context.reporter.tell(events.Finished(state="done", exit=0, set=None))


def _tell_price(
    catalogue: Catalogue, rows: tuple[FrozenRow, ...], ceilings: CeilingOptions, reporter: Reporter
) -> None:
    pricing, _prices, estimate = priced(catalogue, rows, reporter)
    table = estimates.table(estimate, what="catalogue")
    reporter.result(estimates.price_events(estimate), f"{count_of(len(rows), 'product')}\n{table}")
    _check_row_ceilings(catalogue, rows, pricing, reporter)
    budget = budget_of(catalogue.service, catalogue_ceilings(ceilings), catalogue=catalogue.root)
    left = budget.left()
    if left is not None and estimate.known.low > left:
        raise CeilingReachedError(
            f"The catalogue costs {money(estimate.known)}, and {dollars(max(left, Decimal(0)))} may be spent.",
            hint="Raise the ceiling; with this one the run would stop before it finishes.",
        )


def _check_row_ceilings(
    catalogue: Catalogue, rows: tuple[FrozenRow, ...], pricing: Pricing, reporter: Reporter
) -> None:
    """Name the products whose own ceiling is below their price. Raises CeilingReachedError when there are any."""
    count = 0
    for frozen in rows:
        row, ceiling = frozen.row, frozen.row.max_cost
        price = pricing.estimate(catalogue.plan(frozen)).known
        if ceiling is None or price.low <= ceiling or costs_of(catalogue.folder(frozen), ""):
            continue
        count += 1
        text = f"{row.place}: max_cost: it costs {money(price)}, and {dollars(ceiling)} may be spent."
        reporter.tell(events.Warning(text=text, row=row.number, line=row.line, sku=row.sku))
    if count:
        raise CeilingReachedError(
            f"{count_of(count, 'product')} would not be made: max_cost is too low.",
            hint="Raise it in the table, or leave out angles or the video.",
        )


def priced(
    catalogue: Catalogue, rows: tuple[FrozenRow, ...], reporter: Reporter
) -> tuple[Pricing, PriceList, Estimate]:
    """Unit prices for the valid rows, and what they cost together."""
    plans = [catalogue.plan(row) for row in rows if row.is_good]
    prices = PriceList()
    if catalogue.service is not None:
        used = {plan.endpoint(kind).id: plan.endpoint(kind) for plan in plans for kind in plan.endpoint_ids}
        if used:
            prices = prices_for(used.values(), catalogue.service, reporter)
    pricing = Pricing(prices)
    return pricing, prices, pricing.whole(plans)


def catalogue_ceilings(options: CeilingOptions) -> Ceilings:
    """The ceiling of a catalogue applies to all its runs together, on all machines."""
    return replace(ceilings_of(options), run=None, catalogue=options.max_cost)
