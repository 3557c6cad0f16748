# SPDX-License-Identifier: GPL-3.0-or-later
"""Event loops of ours: helper threads hold nothing up, and callers that are not asynchronous can use one, too."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any


def new_runner() -> asyncio.Runner:
    """Runs asynchronous work for a caller that is not asynchronous, so that a time can be set for all of it.

    A socket's own timeout counts from byte to byte, so a server that trickles is never too late.
    """
    # The other loop of Windows would take the wake-up descriptor, by which we hear Ctrl-C.
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    runner.get_loop().set_default_executor(DaemonExecutor())
    return runner


class DaemonExecutor(concurrent.futures.ThreadPoolExecutor):
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
