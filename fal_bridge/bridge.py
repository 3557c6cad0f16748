# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the engine on a background thread, for callers that are not asynchronous."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import fal_client
import httpx

from ..messages.labels import shown_label
from .endpoints.endpoint import Endpoint
from .endpoints.registry import REGISTRY
from .engine import Engine
from .engine_setup import EngineSetup
from .errors import StoppedError
from .jobs import Generation, Job, JobResult
from .journal import Journal
from .money.spending import Spending
from .network.downloads import Downloads
from .network.event_loops import DaemonExecutor
from .network.http_clients import download_client, safe_client, submit_client
from .network.lifecycle import Lifecycle
from .network.sdk import opened_client
from .network.service import Service
from .network.uploads import Uploads
from .network.webhooks import checked_webhook
from .pace import Pace
from .traffic import Traffic

JOIN_SECONDS = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The network clients of engines, which may share them."""

    sdk: fal_client.AsyncClient
    submit: httpx.AsyncClient
    safe: httpx.AsyncClient
    download: httpx.AsyncClient
    traffic: Traffic


class Connection:
    """A thread with an event loop and clients, for one bridge or several at once.

    ``adapts``: hold back requests that would only wait in fal.ai's queue (``traffic.py``).
    """

    def __init__(self, service: Service, *, pace: Pace | None = None, adapts: bool = False) -> None:
        self.service = service
        self.pace = pace or Pace.of(service)
        self._adapts = adapts
        # A daemon, like its helper threads: a call that hangs in the network must not keep Blender from exiting.
        self._thread = threading.Thread(target=self._work, name="photoreal-bridge", daemon=True)
        self._ready: concurrent.futures.Future[Clients] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    @property
    def is_open(self) -> bool:
        return self._loop is not None

    @property
    def clients(self) -> Clients:
        return self._ready.result()

    def leave(self) -> None:
        """Do what the end of the context does. May be called from any thread, and more than once."""
        if self._loop and self._leave:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(JOIN_SECONDS)

    def call(self, function: Callable[[], object]) -> None:
        """Run ``function`` on the loop soon. Does nothing when the loop has ended."""
        if self._loop:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function)

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T] | None:
        """The future of ``work`` on the loop; ``None`` when the loop has ended."""
        if self._loop is None:
            raise RuntimeError("The bridge is used inside its with statement")
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # The loop is closed.
            work.close()
            return None

    def _work(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(DaemonExecutor())
        self._leave = asyncio.Event()
        async with AsyncExitStack() as opened:
            enter = opened.enter_async_context
            pace, trust = self.pace, httpx.create_ssl_context()
            clients = Clients(
                sdk=await enter(opened_client(self.service)),
                submit=await enter(submit_client(self.service, trust, pace.submit)),
                safe=await enter(
                    safe_client(
                        self.service,
                        trust,
                        patience_seconds=pace.patience,
                        first_pause=pace.first_pause,
                    )
                ),
                download=await enter(download_client(self.service, trust)),
                traffic=Traffic(adapts=self._adapts),
            )
            self._loop = loop
            self._ready.set_result(clients)
            await self._leave.wait()


class Bridge:
    """Generates files in the background.

    ``on_change`` is called on the bridge's thread, with a new ``Job`` for each change. Leaving the context sends
    nothing more, waits up to ``Pace.close`` for responses to paid requests that are being sent, and ends the remaining
    futures with ``StoppedError``. Requests that were sent can be resumed by the same call.

    ``connection``: an open one that other bridges share; without it, the bridge opens a separate one.
    ``lifecycle``: how long fal.ai keeps files, and who may read them; by default a day, and anyone with their URLs.
    ``spending``: without it, requests are sent whatever they cost.
    ``inline_bytes``: files up to this size are sent inside the request; 0 uploads every file.
    """

    def __init__(
        self,
        service: Service,
        journal_folder: Path,
        on_change: Callable[[Job], None],
        *,
        pace: Pace | None = None,
        connection: Connection | None = None,
        lifecycle: Lifecycle | None = None,
        webhook: str = "",
        endpoints: Mapping[str, Endpoint] = REGISTRY,
        spending: Spending | None = None,
        inline_bytes: int = 0,
    ) -> None:
        self._service = service
        self._journal_folder = journal_folder.absolute()
        self._on_change = on_change
        self._lifecycle = lifecycle or Lifecycle()
        self._webhook = checked_webhook(webhook, service) if webhook else ""
        self._connection = connection or Connection(service, pace=pace)
        self._own_connection = None if connection else self._connection
        self._endpoints = endpoints
        self._spending = spending
        self._inline_bytes = inline_bytes
        self._engine: Engine | None = None

    def __enter__(self) -> Self:
        if self._own_connection:
            self._own_connection.__enter__()
        self._engine = Engine(self._setup(self._connection.clients))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def send_no_more(self) -> None:
        """Finish what is paid and send nothing else. May be called from any thread."""
        if self._engine:
            self._connection.call(self._engine.send_no_more)

    def leave(self) -> None:
        """Do what the end of the context does. May be called from any thread, and more than once."""
        if self._engine and (stopped := self._connection.start(self._engine.stop())):
            with contextlib.suppress(TimeoutError, concurrent.futures.CancelledError):
                stopped.result(self._connection.pace.close + JOIN_SECONDS)
        if self._own_connection:
            self._own_connection.leave()

    def start(self, generation: Generation, target: Path) -> concurrent.futures.Future[JobResult]:
        """Generate a file at ``target`` plus the extension that fits its content.

        May be called from any thread, and from a callback of another future. All errors, mostly BridgeError, are
        raised by the future.
        """
        return self._start(generation.label, lambda engine: engine.run(generation, target))

    def settle(self, label: str, target: Path) -> concurrent.futures.Future[None]:
        """Wait until no request with this label is open: what earlier runs have sent is then on disk.

        May be called from any thread. The future raises the BridgeError of a request that stays open; then nothing
        new may be sent for the same purpose.
        """
        return self._start(label, lambda engine: engine.settle(label, target))

    def _start(
        self, label: str, work: Callable[[Engine], Coroutine[Any, Any, T]]
    ) -> concurrent.futures.Future[T]:
        if self._engine is None:
            raise RuntimeError("The bridge is used inside its with statement")
        if future := self._connection.start(work(self._engine)):
            return future
        late: concurrent.futures.Future[T] = concurrent.futures.Future()
        late.set_exception(StoppedError(f"{shown_label(label)}: stopped."))
        return late

    def _setup(self, clients: Clients) -> EngineSetup:
        pace = self._connection.pace
        uploads = Uploads(
            self._service,
            clients.sdk,
            self._journal_folder / "uploads",
            lifetime=self._lifecycle.seconds,
            not_all_at_once=clients.traffic.uploads,
        )
        return EngineSetup(
            service=self._service,
            journal=Journal(self._journal_folder),
            submit=clients.submit,
            safe=clients.safe,
            uploads=uploads,
            downloads=Downloads(self._service, clients.download, pace.first_pause),
            pace=pace,
            traffic=clients.traffic,
            endpoints=self._endpoints,
            on_change=self._on_change,
            spending=self._spending,
            lifecycle=self._lifecycle,
            webhook=self._webhook,
            inline_bytes=self._inline_bytes,
        )
