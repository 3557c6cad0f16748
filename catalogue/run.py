# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the products of a catalogue: one Blender renders one after the other, while many others are at fal.ai.

One thread decides what is next and keeps track of all products. A second thread renders; all other steps run in a pool
of threads that mostly wait for fal.ai. Between two steps a product is completely on disk.
"""

import errno
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from enum import StrEnum
from functools import partial

from ..fal_bridge.bridge import Connection
from ..messages import events
from ..messages.errors import DISK_FULL, MachineError, PhotorealError, ProgramError, machine_error
from ..photo_set.cancel_mark import CancelMark
from .crash_retries import Rendering
from .lock_file import FrozenRow
from .order import STEPS, Order, Stage, Tools
from .product import Product
from .states import RowState, Step
from .tally import ProductReporter, Tally

MAX_MODELS = 40  # At fal.ai at a time: each takes minutes, so they are ordered before they are needed.
MAX_AT_FAL = 96  # Products whose photos and videos are being made.
RENDER_AHEAD = 4  # Products of 3D files that are kept ready for rendering.
MAX_OPEN = 400  # Products in progress; each has a file open.
KEEPERS = 2  # Threads that write results of fal.ai.
LOOK_SECONDS = 1.0  # Between two checks for new rows and cancelled products.
BUSY_SECONDS = 2.0  # Until products locked by another process are tried again.
STOPS_ALL = DISK_FULL | {errno.EROFS, errno.EIO}  # Disk errors that every product would meet.

log = logging.getLogger(__name__)


class _Place(StrEnum):
    """Where a product in progress is."""

    BEGINNING = "beginning"  # Its 3D file is being checked.
    AT_MODELLER = "at modeller"
    READY = "ready"  # For rendering.
    RENDERING = "rendering"
    RENDERED = "rendered"  # Waits for room at fal.ai.
    AT_FAL = "at fal"


class CatalogueRun:
    """Makes rows of a catalogue, each as far as ``stage`` goes.

    ``more`` is called regularly for rows that have arrived since; the catalogue of such an order replaces the one
    before.
    """

    def __init__(
        self,
        order: Order,
        tools: Tools,
        tally: Tally,
        *,
        stage: Stage = Stage.ALL,
        retries_crashed: bool = False,
        more: Callable[[], Order | None] = lambda: None,
    ) -> None:
        self._order = order
        self._more = more
        self._tools = tools
        self._stop = tools.stop
        self._tally = tally
        self._stage = stage
        self._retries_crashed = retries_crashed
        self._to_do: dict[Step, deque[FrozenRow]] = {step: deque() for step in Step}
        self._busy: list[FrozenRow] = []
        self._busy_since = 0.0
        self._open: dict[Product, _Place] = {}
        self._ready: deque[Product] = deque()
        self._rendered: deque[Product] = deque()
        self._events: queue.Queue[Callable[[], None]] = queue.Queue()
        self._trouble: PhotorealError | None = None
        self._is_at_ceiling = False
        self._connection: Connection | None = None
        self._rendering = Rendering(tools.blender, tools) if tools.blender else None
        self._cancel_mark = CancelMark(order.catalogue.root)
        self._cancel_marks: dict[str, CancelMark] = {}  # Of the products, by their folders.
        self._cancelled: set[str] = set()
        self._looked_at = time.monotonic()
        pool = partial(ThreadPoolExecutor, thread_name_prefix="photoreal-catalogue")
        self._keepers = pool(KEEPERS)
        self._pool = pool(MAX_AT_FAL + MAX_MODELS + RENDER_AHEAD)
        self._renderer = pool(1)

    @property
    def is_at_ceiling(self) -> bool:
        """Whether something was left out because a ceiling over all products was reached."""
        return self._is_at_ceiling

    def go(self) -> None:
        """Until every row has ended or cannot continue here. Raises PhotorealError for what ends the run for all."""
        self._take_on(self._order)
        service = self._order.catalogue.service
        with ExitStack() as stack:
            if service is not None and self._stage is not Stage.RENDER:
                self._connection = stack.enter_context(Connection(service, adapts=True))
            for pool in (self._keepers, self._pool, self._renderer):
                stack.enter_context(pool)
            self._stop.when_asked(lambda: self._events.put(self._stop_all))
            self._stop.when_leaving(self._leave)
            self._take_up()
            while self._open or (self._continues and self._busy):
                try:
                    self._events.get(timeout=LOOK_SECONDS)()
                except queue.Empty:
                    self._tally.tell()
                self._tally.pulse(self._doing)
                self._look_around()
                self._take_up()
        self._tally.unmade += sum(map(len, self._to_do.values())) + len(self._busy)
        if trouble := self._trouble_of_run:
            raise trouble

    @property
    def _continues(self) -> bool:
        return not (self._stop.is_asked or self._is_at_ceiling or self._trouble_of_run)

    @property
    def _trouble_of_run(self) -> PhotorealError | None:
        """What ends the run for all products."""
        return self._trouble or (self._rendering.trouble if self._rendering else None)

    # --- what is next ---------------------------------------------------------------------------

    def _take_on(self, order: Order) -> None:
        """Sort its rows by what they wait for. They replace rows of the same folder that were not started yet."""
        self._order = order
        folders = {row.folder for row in order.rows}
        waiting: list[list[FrozenRow] | deque[FrozenRow]] = [self._busy, *self._to_do.values()]
        for rows in waiting:
            kept = [row for row in rows if row.folder not in folders]
            self._tally.of -= len(rows) - len(kept)
            rows.clear()
            rows.extend(kept)
        self._tally.of += len(order.rows)
        self._tally.expected += order.expected
        for row in order.rows:
            self._cancel_marks[row.folder] = CancelMark(order.catalogue.folder(row))
            self._sort(self._product(row))

    def _look_around(self) -> None:
        """Check whether the catalogue or a product was cancelled, and whether rows have arrived."""
        if not self._continues or time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        if self._cancel_mark.is_new:
            self._tools.reporter.tell(
                events.Note(text="The catalogue is cancelled: nothing more is started.")
            )
            self._stop.ask()
            return
        for product in list(self._open):
            if product.is_cancelled:
                self._tell_of_cancel(product)
                product.send_no_more()
        try:
            if order := self._more():
                self._take_on(order)
        except PhotorealError as error:
            self._trouble = error

    def _product(self, row: FrozenRow) -> Product:
        reporter = ProductReporter(self._tools.reporter, row.row.sku)
        mark = self._cancel_marks[row.folder]
        return Product(self._order.catalogue, row, reporter, self._stop, mark)

    def _tell_of_cancel(self, product: Product) -> None:
        if product.frozen.folder not in self._cancelled:
            self._cancelled.add(product.frozen.folder)
            self._tools.reporter.tell(
                events.Note(
                    text=f"{product.sku} is cancelled: none of its remaining steps are started. `resume` continues it.",
                    sku=product.sku,
                )
            )

    def _sort(self, product: Product) -> None:
        """Sort a row by what it waits for; or count it, when nothing can be done for it here."""
        status = product.status
        self._tally.paid[product.frozen.folder] = status.paid
        if status.state is RowState.DONE:
            self._tally.count(status, was_done_before=True)
        elif status.has_crashed_alone and not self._retries_crashed:
            self._tally.count(status)
        elif product.next_step in STEPS[self._stage]:
            self._to_do[product.next_step].append(product.frozen)
        else:
            self._tally.left += 1

    def _take_up(self) -> None:
        """Start what there is room for, and give Blender and fal.ai what is ready for them."""
        if self._busy and self._continues and time.monotonic() - self._busy_since > BUSY_SECONDS:
            again, self._busy = self._busy, []
            for row in again:
                self._sort(self._product(row))
        for step, rows in self._to_do.items():
            while rows and self._continues and self._has_room(step):
                self._begin(rows.popleft(), step)
        if not self._continues:
            for product in [*self._ready, *self._rendered]:
                self._leave_for_later(product)
            self._ready.clear()
            self._rendered.clear()
        while self._rendered and self._count(_Place.AT_FAL) < MAX_AT_FAL:
            self._send_to_fal(self._rendered.popleft())
        if self._ready and not self._count(_Place.RENDERING):
            product = min(self._ready, key=lambda one: one.frozen.row.number)
            self._ready.remove(product)
            self._do(product, _Place.RENDERING, self._renderer, self._render)

    def _has_room(self, step: Step) -> bool:
        if len(self._open) >= MAX_OPEN:
            return False
        match step:
            case Step.MODEL:
                return self._count(_Place.AT_MODELLER) + len(self._ready) < MAX_MODELS
            case Step.RENDER:
                return self._count(_Place.BEGINNING) + len(self._ready) < RENDER_AHEAD
            case _:
                return self._count(_Place.AT_FAL) < MAX_AT_FAL

    def _count(self, place: _Place) -> int:
        return sum(where is place for where in self._open.values())

    @property
    def _doing(self) -> str:
        """How many products are being rendered and are at fal.ai, for people."""
        rendering = self._count(_Place.RENDERING)
        at_fal = self._count(_Place.AT_FAL) + self._count(_Place.AT_MODELLER)
        parts = [f"{rendering} rendering" if rendering else "", f"{at_fal} at fal.ai" if at_fal else ""]
        return ", ".join(part for part in parts if part)

    def _begin(self, row: FrozenRow, step: Step) -> None:
        product = self._product(row)
        if product.is_cancelled:
            self._tell_of_cancel(product)
            self._tally.unmade += 1
            return
        if not product.take():
            self._busy.append(row)
            self._busy_since = time.monotonic()
            return
        if product.next_step is not step or product.status.state is RowState.DONE:
            product.release()  # Another process has continued it meanwhile.
            self._sort(product)
            return
        match step:
            case Step.MODEL:
                self._do(product, _Place.AT_MODELLER, self._pool, self._get_model)
            case Step.RENDER:
                self._do(product, _Place.BEGINNING, self._pool, self._prepare)
            case _:
                self._send_to_fal(product)

    def _send_to_fal(self, product: Product) -> None:
        self._do(product, _Place.AT_FAL, self._pool, self._photograph)

    def _do(
        self, product: Product, place: _Place, pool: ThreadPoolExecutor, work: Callable[[Product], None]
    ) -> None:
        self._open[product] = place
        future = pool.submit(work, product)
        future.add_done_callback(lambda done: self._events.put(partial(self._after, product, done)))

    # --- steps, on other threads -----------------------------------------------------------------

    def _prepare(self, product: Product) -> None:
        product.begin(self._order.bills, self._tools.scratch / product.frozen.folder)

    def _get_model(self, product: Product) -> None:
        self._prepare(product)
        if product.status.step is Step.MODEL:
            assert self._connection is not None, "plans that need fal are checked to have it"
            product.get_model(self._connection)

    def _photograph(self, product: Product) -> None:
        self._prepare(product)  # After a restart it has no bill yet.
        assert self._connection is not None, "plans that need fal are checked to have it"
        product.photograph(self._connection, self._keepers)

    def _render(self, product: Product) -> None:
        assert self._rendering is not None, "a run without Blender starts nothing that needs rendering"
        self._rendering.render(product)

    # --- after a step ---------------------------------------------------------------------------

    def _after(self, product: Product, work: Future[None]) -> None:
        place = self._open[product]
        error = work.exception()
        if error is not None:
            self._record(product, lambda: product.fail(self._as_ours(product, error)))
        elif place is not _Place.AT_FAL:
            if self._passes_on(product, place):
                return
            self._record(product, product.leave_for_later)
        self._close(product)

    def _record(self, product: Product, write: Callable[[], None]) -> None:
        """Call ``write`` to record the state of a product. An error in it ends the run, or this product."""
        try:
            write()
        except (OSError, PhotorealError) as trouble:
            self._trouble = self._trouble or MachineError(f"{product.root} cannot be written: {trouble}.")
        except Exception as bug:  # It concerns one product; the others continue.
            log.exception("The state of %s could not be recorded", product.sku)
            error = ProgramError(bug)
            product.note(state=RowState.FAILED, error=str(error), exit_code=error.exit_code)

    def _passes_on(self, product: Product, place: _Place) -> bool:
        """Whether the product continues here after a successful step."""
        step = product.status.step
        if step not in STEPS[self._stage] or product.is_cancelled:
            return False
        if place is _Place.RENDERING:
            self._open[product] = _Place.RENDERED
            self._rendered.append(product)
        else:
            self._open[product] = _Place.READY
            self._ready.append(product)
        return True

    def _close(self, product: Product) -> None:
        del self._open[product]
        product.release()
        status = product.status
        if product.is_cancelled and status.state is not RowState.DONE:
            self._tell_of_cancel(product)
        if product.is_at_common_ceiling:
            self._is_at_ceiling = True
        self._tally.paid[product.frozen.folder] = status.paid
        self._tally.count(status, is_cancelled=product.is_cancelled)
        self._tools.reporter.tell(product.event())
        self._tally.tell()

    def _leave_for_later(self, product: Product) -> None:
        self._record(product, product.leave_for_later)
        del self._open[product]
        product.release()
        self._tally.unmade += 1
        self._tally.paid[product.frozen.folder] = product.status.paid

    def _as_ours(self, product: Product, error: BaseException) -> PhotorealError:
        if isinstance(error, PhotorealError):
            return error
        if isinstance(error, OSError) and error.errno in STOPS_ALL:
            self._trouble = machine_error(error, product.root)
            return self._trouble
        log.error("%s", product.sku, exc_info=error)
        return ProgramError(error)

    # --- stopping -------------------------------------------------------------------------------

    def _stop_all(self) -> None:
        if self._tools.blender:
            self._tools.blender.stop()
        for product in list(self._open):
            product.send_no_more()

    def _leave(self) -> None:
        """Record what is in progress, and end Blender. From any thread."""
        leaving = [threading.Thread(target=product.leave, daemon=True) for product in list(self._open)]
        for thread in leaving:
            thread.start()
        if self._tools.blender:
            self._tools.blender.end()
        for thread in leaving:
            thread.join()
