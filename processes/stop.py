# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop requests: from Ctrl-C in this process, or from another process such as ``cancel``."""

import contextlib
import threading
from collections.abc import Callable, Iterator

LOOK_SECONDS = 1.0  # Between two checks for a request from another process.

Callback = Callable[[], None]


class StopRenderingError(Exception):
    """Rendering ends because the user asked to stop; results that are already paid for are still fetched."""


class Stop:
    """A request to stop. Safe from any thread; a callback added after the request is called immediately.

    ``is_asked_elsewhere`` says whether another process has asked; it is checked on every read of ``is_asked``.
    """

    def __init__(self, is_asked_elsewhere: Callable[[], bool] = lambda: False) -> None:
        self._is_asked_elsewhere = is_asked_elsewhere
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._when_asked: list[Callback] = []
        self._when_leaving: list[Callback] = []

    @property
    def is_asked(self) -> bool:
        if not self._asked.is_set() and self._is_asked_elsewhere():
            self.ask()
        return self._asked.is_set()

    def when_asked(self, callback: Callback) -> None:
        with self._lock:
            self._when_asked.append(callback)
        if self._asked.is_set():
            callback()

    def when_leaving(self, callback: Callback) -> None:
        with self._lock:
            self._when_leaving.append(callback)

    def ask(self) -> None:
        with self._lock:
            callbacks = [] if self._asked.is_set() else list(self._when_asked)
            self._asked.set()
        for callback in callbacks:
            callback()

    def leave(self) -> None:
        self.ask()
        with self._lock:
            callbacks = list(self._when_leaving)
        for callback in callbacks:
            callback()


@contextlib.contextmanager
def looking_elsewhere(stop: Stop) -> Iterator[None]:
    """While entered, check for stop requests of other processes every ``LOOK_SECONDS``, so that callbacks run soon."""
    is_over = threading.Event()

    def look() -> None:
        while not stop.is_asked and not is_over.wait(LOOK_SECONDS):
            pass

    threading.Thread(target=look, name="photoreal-looking", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
