# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue from start to end: one Blender renders product after product, while many others are at fal.

One thread decides, and it alone knows which product is where. Rendering has a thread of its own, all other steps are
done by a pool of threads that mostly wait for fal. Between two steps a product is on disk, whole.
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
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from ..fal_bridge.bridge import Connection
from ..fal_bridge.errors import StoppedError
from ..messages.errors import InputError, MachineError, PhotorealError, machine_error
from ..messages.progress import Reporter
from ..photo_set.cancel_mark import CancelMark
from ..processes.stop import Stop
from .freezing import Catalogue
from .lock_file import FrozenRow
from .product import Product, Till
from .renderer import BlenderChild, Rendered
from .states import RowState, Status, Step
from .tally import ProductReporter, Tally

MOST_MODELS = 40  # At fal at a time: each takes minutes, so they are ordered ahead of rendering.
MOST_AT_FAL = 96  # Products whose photos and films are being made.
RENDER_AHEAD = 4  # Products of 3D files that are ready to be rendered.
MOST_OPEN = 400  # Each has a file open.
KEEPERS = 2  # Threads that write what comes from fal.
MOST_TROUBLES = 5  # Products one after the other that end Blender: then the products are not to blame.
LOOK_SECONDS = 1.0  # Between two looks at what has happened to the catalogue meanwhile.
BUSY_SECONDS = 2.0  # Until products that another process has are looked at again.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}

log = logging.getLogger(__name__)


class Stage(StrEnum):
    """What this process does of the work."""

    RENDER = "render"
    CLOUD = "cloud"
    ALL = "all"


_STEPS = {
    Stage.RENDER: {Step.RENDER},
    Stage.CLOUD: {Step.MODEL, Step.CLOUD},
    Stage.ALL: {Step.MODEL, Step.RENDER, Step.CLOUD},
}


class _Place(StrEnum):
    """Where an open product is."""

    BEGINNING = "beginning"  # A 3D file that is looked at.
    AT_MODELLER = "at modeller"
    READY = "ready"  # To be rendered.
    RENDERING = "rendering"
    RENDERED = "rendered"  # Waits for a place at fal.
    AT_FAL = "at fal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Rows that are to be made. Without ``till`` nothing is paid; ``expected``: dollars that all may cost at most."""

    catalogue: Catalogue
    rows: tuple[FrozenRow, ...]
    till: Till | None = None
    expected: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a run works with. Without ``blender`` nothing is rendered."""

    reporter: Reporter
    stop: Stop
    blender: BlenderChild | None
    scratch: Path


class CatalogueRun:
    """Makes rows of a catalogue, each as far as ``stage`` goes.

    ``more`` is asked now and then for rows that have come since; the catalogue of such an order takes the place of
    the one before.
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
        self._troubled: list[tuple[Product, Status]] = []
        self._trouble: PhotorealError | None = None
        self._is_at_ceiling = False
        self._cancel_mark = CancelMark(order.catalogue.root)
        self._cancel_marks: dict[str, CancelMark] = {}  # Of the products, by their folders.
        self._cancelled: set[str] = set()
        self._looked_at = time.monotonic()

    @property
    def is_at_ceiling(self) -> bool:
        """Whether something was left out because a ceiling over all products was reached."""
        return self._is_at_ceiling

    def go(self) -> None:
        """Until every row has ended or cannot go on here. Raises what no product is to blame for."""
        self._take_on(self._order)
        service = self._order.catalogue.service
        with ExitStack() as stack:
            self._connection = None
            if service is not None and self._stage is not Stage.RENDER:
                connection = Connection(service, adapts=True)
                self._connection = stack.enter_context(connection)
            pool = partial(ThreadPoolExecutor, thread_name_prefix="photoreal-catalogue")
            self._keepers = stack.enter_context(pool(KEEPERS))
            self._pool = stack.enter_context(pool(MOST_AT_FAL + MOST_MODELS + RENDER_AHEAD))
            self._renderer = stack.enter_context(pool(1))
            self._stop.when_asked(lambda: self._events.put(self._stop_all))
            self._stop.when_leaving(self._leave)
            self._take_up()
            while self._open or (self._goes_on and self._busy):
                try:
                    self._events.get(timeout=LOOK_SECONDS)()
                except queue.Empty:
                    self._tally.tell()
                self._look_around()
                self._take_up()
        self._tally.left += sum(map(len, self._to_do.values())) + len(self._busy)
        if self._trouble:
            raise self._trouble

    @property
    def _goes_on(self) -> bool:
        return not (self._stop.is_asked or self._is_at_ceiling or self._trouble)

    # --- what is next ---------------------------------------------------------------------------

    def _take_on(self, order: Order) -> None:
        """Lay its rows to what they wait for. One that was there before, and was not begun, is made as it is now."""
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
        """Whether the catalogue was cancelled meanwhile, or rows have come."""
        if not self._goes_on or time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        if self._cancel_mark.is_new:
            self._tools.reporter.tell("note", text="The catalogue is cancelled: nothing more is begun.")
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
        if product.row.folder not in self._cancelled:
            self._cancelled.add(product.row.folder)
            self._tools.reporter.tell(
                "note",
                text=f"{product.sku} is cancelled: nothing more of it is begun. `resume` makes it.",
                sku=product.sku,
            )

    def _sort(self, product: Product) -> None:
        """Lay a row to what it waits for; or count it, when nothing can be done for it here."""
        status = product.status
        if status.state is RowState.DONE:
            self._tally.count(status, was_done_before=True)
        elif status.is_poisonous and not self._retries_crashed:
            self._tally.count(status)
        elif product.next_step in _STEPS[self._stage]:
            self._to_do[product.next_step].append(product.row)
        else:
            self._tally.left += 1

    def _take_up(self) -> None:
        """Begin what there is room for, and give Blender and fal what is ready for them."""
        if self._busy and self._goes_on and time.monotonic() - self._busy_since > BUSY_SECONDS:
            again, self._busy = self._busy, []
            for row in again:
                self._sort(self._product(row))
        for step, rows in self._to_do.items():
            while rows and self._goes_on and self._has_room(step):
                self._begin(rows.popleft(), step)
        if not self._goes_on:
            for product in [*self._ready, *self._rendered]:
                self._leave_for_later(product)
            self._ready.clear()
            self._rendered.clear()
        while self._rendered and self._count(_Place.AT_FAL) < MOST_AT_FAL:
            self._send_to_fal(self._rendered.popleft())
        if self._ready and not self._count(_Place.RENDERING):
            product = min(self._ready, key=lambda one: one.row.row.number)
            self._ready.remove(product)
            self._do(product, _Place.RENDERING, self._renderer, self._render)

    def _has_room(self, step: Step) -> bool:
        if len(self._open) >= MOST_OPEN:
            return False
        match step:
            case Step.MODEL:
                return self._count(_Place.AT_MODELLER) + len(self._ready) < MOST_MODELS
            case Step.RENDER:
                return self._count(_Place.BEGINNING) + len(self._ready) < RENDER_AHEAD
            case _:
                return self._count(_Place.AT_FAL) < MOST_AT_FAL

    def _count(self, place: _Place) -> int:
        return sum(where is place for where in self._open.values())

    def _begin(self, row: FrozenRow, step: Step) -> None:
        product = self._product(row)
        if product.is_cancelled:
            self._tell_of_cancel(product)
            self._tally.left += 1
            return
        if not product.take():
            self._busy.append(row)
            self._busy_since = time.monotonic()
            return
        if product.next_step is not step or product.status.state is RowState.DONE:
            product.release()  # Another process has brought it on meanwhile.
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

    # --- work, on other threads -----------------------------------------------------------------

    def _prepare(self, product: Product) -> None:
        product.begin(self._order.till, self._tools.scratch / product.row.folder)

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
        """In the Blender that renders all; what ends it, once more in one of its own."""
        blender = self._tools.blender
        assert blender is not None, "a run without Blender takes up nothing that is to be rendered"
        before = product.status
        tell = product.tell_of_rendering
        is_alone = bool(before.crashes)
        result = blender.render(product.root, tell, alone=is_alone)
        if result.crash and not self._stop.is_asked:
            product.note_crash(result.crash)
            if not is_alone:
                self._tools.reporter.tell(
                    "warning",
                    text=f"{product.sku}: {result.crash}. It is rendered once more, in a Blender of its own.",
                )
                result = blender.render(product.root, tell, alone=True)
                if result.crash and not self._stop.is_asked:
                    product.note_crash(result.crash)
        self._judge(product, before, result)

    def _judge(self, product: Product, before: Status, result: Rendered) -> None:
        if result.is_stopped or (result.crash and self._stop.is_asked):
            raise StoppedError(f"{product.sku}: stopped.")
        if result.crash:
            self._troubled.append((product, before))
            if len(self._troubled) >= MOST_TROUBLES:
                for troubled, status in self._troubled:  # They are not to blame, and are tried again.
                    troubled.note(crashes=status.crashes)
                self._trouble = MachineError(
                    f"Blender ended at {MOST_TROUBLES} products one after the other, the last time: {result.crash}.",
                    hint="Look at the graphics driver, the memory and --device; then resume.",
                )
            raise MachineError(
                f"Blender cannot render it: {result.crash}.",
                hint="Repair the model, or try again with --retry-crashed.",
            )
        self._troubled.clear()
        if result.error:
            kind = InputError if result.exit_code == InputError.exit_code else MachineError
            raise kind(result.error)
        product.end_rendering(result.seconds)

    # --- and after it ---------------------------------------------------------------------------

    def _after(self, product: Product, work: Future[None]) -> None:
        place = self._open[product]
        error = work.exception()
        if error is not None:
            self._write_down(product, lambda: product.fail(self._as_ours(product, error)))
        elif place is not _Place.AT_FAL:
            if self._passes_on(product, place):
                return
            self._write_down(product, product.put_aside)
        self._close(product)

    def _write_down(self, product: Product, write: Callable[[], None]) -> None:
        """``write`` how it stands. What goes wrong then ends the run, or this product."""
        try:
            write()
        except (OSError, PhotorealError) as trouble:
            self._trouble = self._trouble or MachineError(f"{product.root} cannot be written: {trouble}.")
        except Exception as trouble:  # A fault of ours at one product; the others go on.
            log.exception("%s could not be written down", product.sku)
            fault = f"{type(trouble).__name__}: {trouble}."
            product.note(state=RowState.FAILED, error=fault, exit_code=MachineError.exit_code)

    def _passes_on(self, product: Product, place: _Place) -> bool:
        """Whether the product goes on here after a step that went well."""
        step = product.status.step
        if step not in _STEPS[self._stage] or product.is_cancelled:
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
        self._tally.count(status)
        self._tools.reporter.tell("product", **product.facts())
        self._tally.tell()

    def _leave_for_later(self, product: Product) -> None:
        self._write_down(product, product.put_aside)
        del self._open[product]
        product.release()
        self._tally.left += 1
        self._tally.spent += product.status.paid

    def _as_ours(self, product: Product, error: BaseException) -> PhotorealError:
        if isinstance(error, PhotorealError):
            return error
        if isinstance(error, OSError) and error.errno in FULL:
            self._trouble = machine_error(error, product.root)
            return self._trouble
        log.error("%s", product.sku, exc_info=error)
        return MachineError(f"{type(error).__name__}: {error}.", hint="Resume tries it again.")

    # --- stopping -------------------------------------------------------------------------------

    def _stop_all(self) -> None:
        if self._tools.blender:
            self._tools.blender.stop()
        for product in list(self._open):
            product.send_no_more()

    def _leave(self) -> None:
        """Write down what is on its way, and end Blender. From any thread."""
        leaving = [threading.Thread(target=product.leave, daemon=True) for product in list(self._open)]
        for thread in leaving:
            thread.start()
        if self._tools.blender:
            self._tools.blender.end()
        for thread in leaving:
            thread.join()
