# SPDX-License-Identifier: GPL-3.0-or-later
"""Which angles have been rendered completely, for what waits for that on other threads."""

import contextlib
import threading
from concurrent.futures import Future, InvalidStateError
from typing import TypeVar

T = TypeVar("T")


class Readiness:
    """A future for each angle, which is set once everything that its photo is compared with is on disk.

    Safe from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[str, Future[None]] = {}
        self._has_ended = False

    def of(self, angle: str) -> Future[None]:
        with self._lock:
            future = self._futures.setdefault(angle, Future())
            has_ended = self._has_ended
        if has_ended:
            _set(future)
        return future

    def set(self, angle: str) -> None:
        """The angle is rendered completely."""
        _set(self.of(angle))

    def end(self) -> None:
        """Nothing more is going to be rendered: what is missing stays missing."""
        with self._lock:
            self._has_ended = True
            futures = list(self._futures.values())
        for future in futures:
            _set(future)


def both(result: Future[T], ready: Future[None]) -> Future[T]:
    """The outcome of ``result``, once ``ready`` is set too; an error does not wait for that."""
    joined: Future[T] = Future()

    def pass_on(_ready: object) -> None:
        joined.set_result(result.result())

    def when_done(done: Future[T]) -> None:
        if done.cancelled():
            joined.cancel()
        elif error := done.exception():
            joined.set_exception(error)
        else:
            ready.add_done_callback(pass_on)

    result.add_done_callback(when_done)
    return joined


def _set(future: Future[None]) -> None:
    """Set it, unless another thread has."""
    with contextlib.suppress(InvalidStateError):
        future.set_result(None)
