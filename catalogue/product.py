# SPDX-License-Identifier: GPL-3.0-or-later
"""One product of a catalogue: prepared, its model made, rendered elsewhere, photographed at fal.ai, ended.

One step follows the other, on any thread; between two steps everything is on disk.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..fal_bridge.bridge import Connection
from ..fal_bridge.errors import (
    CeilingReachedError,
    ProductCeilingError,
    StoppedError,
    UncertainSubmitError,
    UnknownPriceError,
)
from ..fal_bridge.money.budget import Budget
from ..fal_bridge.money.journal_costs import Cost, highest_total
from ..fal_bridge.money.price_list import PriceList
from ..fal_bridge.money.spending import Spending
from ..fal_bridge.network.picture_addresses import fetch_picture, is_address
from ..files.lock import FileLock
from ..gltf.document import sha256_of_source
from ..messages import events
from ..messages.errors import STOPPED_EXIT_CODE, InputError, PhotorealError
from ..messages.money import dollars
from ..messages.progress import Reporter
from ..photo_set.cancel_mark import CancelMark
from ..photo_set.choices import Engine
from ..photo_set.clouds import Clouds
from ..photo_set.estimates import Bill, money
from ..photo_set.folder import TOOL, SetFolder
from ..photo_set.plan_record import plan_from, plan_record
from ..photo_set.results import Outcome, SetResults
from ..photo_set.set_costs import costs_of
from ..photo_set.source import Source, SourceKind, source_from
from ..photo_set.variant_folders import variants_in
from ..processes.stop import Stop
from .freezing import Catalogue
from .lock_file import FrozenRow
from .pricing import Pricing
from .states import (
    STATES,
    RowState,
    Step,
    first_error,
    paid_in,
    read_status,
    results_in,
    row_lock,
    write_status,
)
from .thumbnails import renew_thumbnail


class ProductBills:
    """What products may spend: the ceilings of the run, and the assumed price of a request of unknown price."""

    def __init__(
        self, pricing: Pricing, budget: Budget, prices: PriceList, *, assumed: Decimal | None
    ) -> None:
        self._pricing = pricing
        self._budget = budget
        self._prices = prices
        self._assumed = assumed

    def bill(self, catalogue: Catalogue, frozen: FrozenRow, sent: list[Cost]) -> Bill:
        """For one product; ``sent``: the requests that earlier runs have sent for it and its variants.

        Raises CeilingReachedError when even its cheapest outcome does not fit.
        """
        plan = catalogue.plan(frozen)
        estimate = self._pricing.estimate(plan)
        if estimate.unknown and self._assumed is None:
            job = estimate.unknown[0]
            raise UnknownPriceError(f"{job.label}: {job.quote.reason}.")
        ceiling = frozen.row.max_cost
        budget = self._budget.for_product(ceiling, spent=highest_total(sent))
        if not sent:  # Later the journal says what is still to be paid, request by request.
            for kind, left in ((ProductCeilingError, ceiling), (CeilingReachedError, self._budget.left())):
                if left is not None and estimate.known.low > left:
                    raise kind(
                        f"This product costs {money(estimate.known)}, and "
                        f"{dollars(max(left, Decimal(0)))} may be spent."
                    )
        return Bill(estimate=estimate, spending=Spending(self._prices, budget, assumed=self._assumed))


class Product:
    """A row being made. Its set folder is locked from ``begin`` to ``release``."""

    def __init__(
        self,
        catalogue: Catalogue,
        frozen: FrozenRow,
        reporter: Reporter,
        stop: Stop,
        cancel_mark: CancelMark,
    ) -> None:
        self.frozen = frozen
        self._cancel_mark = cancel_mark
        self.root = catalogue.folder(frozen)
        self.status = read_status(self.root, frozen.digest)
        self._catalogue = catalogue
        self._reporter = reporter
        self._stop = Stop(lambda: stop.is_asked or self.is_cancelled)
        self._lock: FileLock | None = None
        self._bill: Bill | None = None
        self._clouds: Clouds | None = None
        self.is_at_common_ceiling = False  # One over all products, not only its own.

    @property
    def sku(self) -> str:
        return self.frozen.row.sku

    @property
    def next_step(self) -> Step:
        """What it waits for; with a 3D file of the user no model is made."""
        step = self.status.step
        is_from_file = self._catalogue.plan(self.frozen).source.kind is SourceKind.MODEL
        return Step.RENDER if step is Step.MODEL and is_from_file else step

    @property
    def is_cancelled(self) -> bool:
        """Whether ``cancel`` was run for this product since the run started."""
        return self._cancel_mark.is_new

    def event(self) -> events.Product:
        """Its state, for programs."""
        status = self.status
        return events.Product(
            sku=self.sku,
            row=self.frozen.row.number,
            state=status.state.value,
            step=status.step.value,
            error=status.error,
            paid=status.paid,
            set=str(self.root),
        )

    def take(self) -> bool:
        """Lock the folder for this process; ``False`` while another process has it."""
        self._lock = FileLock.taken(row_lock(self.root))
        if self._lock is None:
            return False
        self.status = read_status(self.root, self.frozen.digest)  # The other process may have continued it.
        return True

    def release(self) -> None:
        if self._lock:
            self._lock.release()
            self._lock = None

    # --- steps ----------------------------------------------------------------------------------

    def begin(self, bills: ProductBills | None, scratch: Path) -> None:
        """Prepare the set folder, unless it was prepared for this very row. Raises PhotorealError."""
        plan = self._catalogue.plan(self.frozen)
        if bills and plan.uses_fal:
            self._bill = bills.bill(self._catalogue, self.frozen, costs_of(self.root, self.sku))
        if self._is_under_way():
            return
        if plan.source.kind is not SourceKind.TEXT:
            plan = replace(plan, source=self._looked_at(scratch))
        if panorama := plan.rig.panorama:
            _require_frozen(Path(panorama.path), panorama.sha256)
        folder = SetFolder.prepare(
            self.root,
            product=self.sku,
            source=plan.source.record(),
            tool={**TOOL, "blender": ""},
            plan=plan_record(plan, fal=self._catalogue.lock.fal),
            may_replace_source=True,
        )
        results = SetResults(plan=plan, folder=folder, reporter=self._reporter, stop=self._stop)
        results.record_estimate(self._bill.estimate if self._bill else None)
        results.keep_source()
        results.order_video_input()
        from_file = plan.source.kind is SourceKind.MODEL
        step = Step.RENDER if from_file or results.has_model() else Step.MODEL
        self.note(begun=self.frozen.digest, step=step, state=RowState.WAITING, error="", exit_code=0)

    def get_model(self, connection: Connection) -> None:
        """Have the 3D model made. Raises PhotorealError."""
        with self._at_fal(self._results(), connection) as clouds:
            assert clouds.first is not None, "only fal makes models"
            clouds.first.make_model()
        self.note(step=Step.RENDER)

    def end_rendering(self, seconds: float) -> None:
        """Record that everything that Cycles makes is on disk. ``seconds``: the time that it took."""
        plan = self._catalogue.plan(self.frozen)
        needs_fal = Engine.FAL in (plan.engine, plan.video)
        self.note(
            step=Step.CLOUD if needs_fal else Step.NOTHING,
            crashes=(),
            render_seconds=round(self.status.render_seconds + seconds, 2),
        )
        if not needs_fal:
            self._end(self._results().outcome(is_at_ceiling=False))

    def photograph(self, connection: Connection, keeper: Executor) -> None:
        """Have fal.ai make its part of photos and video, of all variants. Raises PhotorealError."""
        results = self._results()
        self._require_variants(results.folder)
        with self._at_fal(results, connection, keeper) as clouds:
            clouds.photograph_all()
            clouds.wait()
        self.is_at_common_ceiling = clouds.is_at_common_ceiling
        self._end(results.outcome(is_at_ceiling=clouds.is_at_ceiling))

    def fail(self, error: PhotorealError) -> None:
        """Record what ended it. What waits for money, the user or the next run keeps waiting."""
        is_at_ceiling = isinstance(error, CeilingReachedError)
        self.is_at_common_ceiling = is_at_ceiling and not isinstance(error, ProductCeilingError)
        if (self.root / "set.json").is_file():
            results = self._results()
            results.record_end(error)
            results.record_account()
            results.folder.write_page()
        state = RowState.FAILED
        if isinstance(error, StoppedError):
            state = RowState.WAITING
        elif isinstance(error, UncertainSubmitError):
            state = RowState.HELD
        if state is not RowState.WAITING:
            self._reporter.tell(events.Warning(text=str(error)))
        self.note(state=state, error=str(error), exit_code=error.exit_code, **paid_in(self.root))

    def leave_for_later(self) -> None:
        """Record what it has cost so far; unless it is done, another run or machine continues it."""
        if self.status.step is Step.NOTHING:
            return
        results = self._results()
        results.record_account()
        results.folder.write_page()
        self.note(**paid_in(self.root))

    def note_crash(self, how: str) -> None:
        self.note(crashes=(*self.status.crashes, how))

    def tell_of_rendering(self, event: events.Event) -> None:
        """Pass on an event of the Blender that renders it."""
        self._reporter.tell(event)

    def note(self, **changes: Any) -> None:
        self.status = replace(self.status, digest=self.frozen.digest, **changes)
        write_status(self.root, self.status)

    def send_no_more(self) -> None:
        """From any thread."""
        if clouds := self._clouds:
            clouds.send_no_more()

    def leave(self) -> None:
        """Record what is in progress, and what it has cost. From any thread."""
        if clouds := self._clouds:
            clouds.leave()
            with contextlib.suppress(PhotorealError, OSError):  # The next run does it.
                self.note(**paid_in(self.root))

    # --- parts ----------------------------------------------------------------------------------

    def _is_under_way(self) -> bool:
        is_ours = self.status.digest == self.frozen.digest and self.status.step in (Step.RENDER, Step.CLOUD)
        return is_ours and (self.root / "set.json").is_file()

    def _looked_at(self, scratch: Path) -> Source:
        """The current files: downloaded from web addresses, or those of the frozen row, which must be unchanged."""
        frozen = iter(self.frozen.files)
        paths, addresses = [], {}
        for text in self.frozen.row.sources:
            if is_address(text):
                scratch.mkdir(parents=True, exist_ok=True)
                fetched = fetch_picture(text, scratch, self._catalogue.service)
                addresses[fetched] = text
                paths.append(fetched)
                continue
            expected = next(frozen)
            found = self._catalogue.root / expected.path
            _require_frozen(found, expected.sha256)
            paths.append(found)
        return replace(source_from(paths, ""), addresses=addresses)

    def _results(self) -> SetResults:
        folder = SetFolder.open(self.root)
        plan = replace(
            plan_from(folder, self._catalogue.service), endpoints=self._catalogue.endpoints, out=self.root
        )
        return SetResults(plan=plan, folder=folder, reporter=self._reporter, stop=self._stop)

    def _require_variants(self, folder: SetFolder) -> None:
        """Raises InputError when the folder of a rendered variant was deleted; the next run renders it again."""
        for variant in variants_in(folder):
            if variant.is_rendered and not (variant.folder / "set.json").is_file():
                self.note(step=Step.RENDER)
                raise InputError(
                    f"{variant.folder} was deleted before its photos were made.",
                    hint="Resume: it is rendered again.",
                )

    @contextlib.contextmanager
    def _at_fal(
        self, results: SetResults, connection: Connection, keeper: Executor | None = None
    ) -> Iterator[Clouds]:
        """Cloud stages that other threads can stop while they are open."""
        with Clouds(results, self._bill, connection=connection, keeper=keeper) as clouds:
            self._clouds = clouds
            try:
                yield clouds
            finally:
                self._clouds = None

    def _end(self, outcome: Outcome) -> None:
        results = self._results()
        results.record_account()
        results.folder.write_page()
        is_stopped = outcome.exit_code == STOPPED_EXIT_CODE
        state = RowState.WAITING if is_stopped else STATES[outcome.state]
        self.note(
            state=state,
            step=Step.NOTHING if state is RowState.DONE else self.status.step,
            exit_code=outcome.exit_code,
            error="" if state is RowState.DONE else first_error(results.folder),
            **results_in(results.folder),
            **paid_in(self.root),
        )
        renew_thumbnail(self._catalogue.root, self.frozen.folder, self.status.hero)


def _require_frozen(path: Path, sha256: str) -> None:
    if not path.is_file() or sha256_of_source(path) != sha256:
        raise InputError(
            f"{path.name} has changed since the catalogue was checked.",
            hint="Run `catalogue` again.",
        )
