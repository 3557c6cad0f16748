# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on a thread of its own, for callers that are not asynchronous."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from .budget import Spending
from .downloads import Downloads
from .endpoints import REGISTRY, Endpoint
from .engine import Engine, Pace
from .errors import StoppedError
from .jobs import Generation, Job, JobResult
from .journal import Journal
from .sdk import opened_client
from .service import Service
from .transport import download_client, safe_client, submit_client
from .uploads import Uploads
from .webhooks import checked_webhook

JOIN_SECONDS = 10.0


class Bridge:
    """Makes files from wishes, in the background.

    ``on_change`` is called on the bridge's thread, with a new ``Job`` for each change. Leaving the
    context sends nothing more, waits for answers to paid requests on their way (``Pace.close``), and
    ends the futures that are left with ``StoppedError``; what was sent can be resumed by the same call.
    """

    def __init__(
        self,
        service: Service,
        journal_folder: Path,
        on_change: Callable[[Job], None],
        *,
        pace: Pace | None = None,
        keep_uploads: bool = False,
        webhook: str = "",
        endpoints: Mapping[str, Endpoint] = REGISTRY,
        spending: Spending | None = None,
        inline_bytes: int = 0,
    ) -> None:
        self._service = service
        self._journal_folder = journal_folder.absolute()
        self._on_change = on_change
        self._keep_uploads = keep_uploads
        self._webhook = checked_webhook(webhook, service) if webhook else ""
        self._pace = pace or Pace.of(service)
        self._endpoints = endpoints
        self._spending = spending
        self._inline_bytes = inline_bytes
        # A daemon, as are its helpers: what hangs in the network never keeps Blender from ending.
        self._thread = threading.Thread(target=self._work, name="photoreal-bridge", daemon=True)
        self._ready: concurrent.futures.Future[Engine] = concurrent.futures.Future()
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

    def send_no_more(self) -> None:
        """Finish what is paid, send nothing else. From any thread."""
        if self._loop:
            with contextlib.suppress(RuntimeError):  # The loop is closed: it sends nothing anyway.
                self._loop.call_soon_threadsafe(self._ready.result().send_no_more)

    def leave(self) -> None:
        """What the end of the context does; from any thread, and more than once."""
        if self._loop and self._leave:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(self._pace.close + JOIN_SECONDS)

    def start(self, generation: Generation, target: Path) -> concurrent.futures.Future[JobResult]:
        """The future file for ``generation`` at ``target`` plus the extension that fits its content.

        From any thread, also from a callback of another future. All errors come through the future.
        """
        if self._loop is None:
            raise RuntimeError("The bridge is used inside its with statement")
        run = self._ready.result().run(generation, target)
        try:
            return asyncio.run_coroutine_threadsafe(run, self._loop)
        except RuntimeError:  # The loop is closed.
            run.close()
            late: concurrent.futures.Future[JobResult] = concurrent.futures.Future()
            late.set_exception(StoppedError(f"{generation.label}: stopped."))
            return late

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
        loop.set_default_executor(_DaemonExecutor())
        self._leave = asyncio.Event()
        async with AsyncExitStack() as opened:
            enter = opened.enter_async_context
            pace, trust = self._pace, httpx.create_ssl_context()
            sdk = await enter(opened_client(self._service))
            engine = Engine(
                service=self._service,
                journal=Journal(self._journal_folder),
                submit=await enter(submit_client(self._service, trust, pace.submit)),
                safe=await enter(
                    safe_client(
                        self._service,
                        trust,
                        patience_seconds=pace.patience,
                        first_pause=pace.first_pause,
                    )
                ),
                uploads=Uploads(
                    self._service, sdk, self._journal_folder / "uploads", are_kept=self._keep_uploads
                ),
                downloads=Downloads(
                    self._service,
                    await enter(download_client(self._service, trust)),
                    pace.first_pause,
                ),
                pace=pace,
                on_change=self._on_change,
                webhook=self._webhook,
                endpoints=self._endpoints,
                spending=self._spending,
                inline_bytes=self._inline_bytes,
            )
            self._loop = loop
            self._ready.set_result(engine)
            await self._leave.wait()
            await engine.stop()


class _DaemonExecutor(concurrent.futures.ThreadPoolExecutor):
    """A thread for each call, which the interpreter does not wait for at its end."""

    def submit(
        self, function: Callable[..., Any], /, *args: Any, **options: Any
    ) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **options))
            except BaseException as error:  # noqa: BLE001  It belongs to whoever waits for the future.
                future.set_exception(error)

        threading.Thread(target=call, name="photoreal-bridge-call", daemon=True).start()
        return future
