# SPDX-License-Identifier: GPL-3.0-or-later
"""Event loops for callers that are not asynchronous, with helper threads that never delay the exit."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any


def new_runner() -> asyncio.Runner:
    """A runner for a caller that is not asynchronous, so that the total time of its work can be limited.

    The timeout of a socket starts again with every byte, so it never ends a slow trickle.
    """
    # The default loop of Windows would replace the wake-up descriptor, which reports Ctrl-C (``interrupts``).
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    runner.get_loop().set_default_executor(DaemonExecutor())
    return runner


class DaemonExecutor(concurrent.futures.ThreadPoolExecutor):
    """A new thread for each call. The interpreter does not wait for these threads when it exits."""

    def submit(
        self, function: Callable[..., Any], /, *args: Any, **options: Any
    ) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **options))
            except BaseException as error:  # noqa: BLE001  It is raised where the future is awaited.
                future.set_exception(error)

        threading.Thread(target=call, name="photoreal-bridge-call", daemon=True).start()
        return future
