# SPDX-License-Identifier: GPL-3.0-or-later
"""Composes and stores pictures in a thread, while the main thread renders the next one."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

MAX_WAITING = 2  # Pictures that wait in memory to be stored.


class PictureWriter:
    """One thread that runs tasks in order."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._waiting: deque[Future[None]] = deque()

    def do(self, task: Callable[[], None]) -> None:
        """Run ``task`` after the earlier ones. Raises what an earlier one raised."""
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(task))

    def wait(self) -> None:
        """Wait until all tasks are done. Raises what a task raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Wait for the running task and stop the thread."""
        self._threads.shutdown()
