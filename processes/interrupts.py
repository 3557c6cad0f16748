# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C (once to finish what is paid, twice to leave now), and stop requests from another process.

Python runs signal handlers between two bytecode instructions of the main thread, and a render is one long call. The
wake-up descriptor is written immediately, so a separate thread can react to Ctrl-C while Blender renders.
"""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from ..messages.errors import STOPPED_EXIT_CODE

_BREAK = getattr(
    signal, "SIGBREAK", signal.SIGINT
)  # The only signal that one process can send to another on Windows.
_SIGNALS = tuple({signal.SIGINT, signal.SIGTERM, _BREAK})

LOOK_SECONDS = 1.0  # Between two checks for a stop request of another process.

Callback = Callable[[], None]

_early = threading.Event()  # Set when Ctrl-C was pressed before ``Interrupts`` was entered.


class StopRenderingError(Exception):
    """Rendering ends because the user asked to stop; results that are already paid for are still fetched."""


class Stop:
    """A request to stop, safe to use from any thread. A callback that is added late is called immediately.

    ``is_asked_elsewhere`` tells whether another process asks to stop. It is called each time ``is_asked`` is read.
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
    """While entered, pass on a stop request of another process soon, even when ``is_asked`` is not read."""
    is_over = threading.Event()

    def look() -> None:
        while not stop.is_asked and not is_over.wait(LOOK_SECONDS):
            pass

    threading.Thread(target=look, name="photoreal-looking", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """While entered, a Ctrl-C before ``Interrupts`` ends the run even where Python discards its KeyboardInterrupt.

    Python discards it in finalizers and some other callbacks, which run while modules are loaded.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # Another handler is responsible.
        return
    _early.clear()
    signal.signal(signal.SIGINT, _remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _early.clear()


def _remember(_number: int, _frame: object) -> None:
    _early.set()
    raise KeyboardInterrupt


class Interrupts:
    """While entered, the first Ctrl-C asks ``stop``; the second one, or SIGTERM, leaves and ends the process.

    ``on_ask`` and ``on_leave`` inform the user; ``on_leave`` is the last call before the process ends. A third
    Ctrl-C ends the process without waiting for it.
    """

    def __init__(self, stop: Stop, on_ask: Callback, on_leave: Callback) -> None:
        self._stop = stop
        self._on_ask = on_ask
        self._on_leave = on_leave
        self._is_leaving = False
        self._is_main = threading.current_thread() is threading.main_thread()
        self._receiver: socket.socket
        self._sender: socket.socket
        self._descriptor = -1  # The wake-up descriptor that was set before, and the handlers.
        self._before: list[tuple[signal.Signals, Any]] = []

    def __enter__(self) -> Self:
        if self._is_main and _early.is_set():
            raise KeyboardInterrupt
        if self._is_main:  # Python allows signal handlers only on the main thread.
            self._receiver, self._sender = socket.socketpair()
            self._sender.setblocking(False)
            self._before = [(number, signal.signal(number, _nothing)) for number in _SIGNALS]
            self._descriptor = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
            threading.Thread(target=self._listen, name="photoreal-interrupts", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_leaving:
            threading.Event().wait()  # Never returns: the process ends first.
        if self._is_main:
            signal.set_wakeup_fd(self._descriptor)
            for number, handler in self._before:
                # None: Blender set it from C, so it cannot be restored.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            self._sender.close()  # Ends the thread.

    def _listen(self) -> None:
        with self._receiver:
            while numbers := self._receiver.recv(16):
                for number in numbers:
                    if number in _SIGNALS:
                        self._handle(number)

    def _handle(self, number: int) -> None:
        if self._is_leaving:
            os._exit(STOPPED_EXIT_CODE)
        if number in (signal.SIGINT, _BREAK) and not self._stop.is_asked:
            self._on_ask()
            self._stop.ask()
            return
        self._is_leaving = True
        # On a separate thread, so that a third Ctrl-C is received.
        threading.Thread(target=self._leave, name="photoreal-leaving", daemon=True).start()

    def _leave(self) -> None:
        try:
            self._stop.leave()
            self._on_leave()
        finally:
            os._exit(STOPPED_EXIT_CODE)


def _nothing(_number: int, _frame: object) -> None:
    """Only signals with a handler reach the descriptor; the thread does the work."""
