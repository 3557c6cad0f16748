# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C: once to finish what is paid, twice to leave now; and the wish to stop that comes from elsewhere.

Python runs its signal handlers between two steps of the main thread, and a render is one long step. Its wake-up
descriptor is written at once, so a thread of ours hears Ctrl-C while Blender renders.
"""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from ..messages.errors import STOPPED_EXIT_CODE

_BREAK = getattr(signal, "SIGBREAK", signal.SIGINT)  # On Windows one process can send only this to another.
_SIGNALS = tuple({signal.SIGINT, signal.SIGTERM, _BREAK})

LOOK_SECONDS = 1.0  # Between two looks whether it is asked elsewhere.

Callback = Callable[[], None]

_early = threading.Event()  # Ctrl-C was pressed before anybody listened.


class StopRenderingError(Exception):
    """Rendering ends because the user asked to stop; results that are already paid for are still fetched."""


class Stop:
    """The wish to stop. Safe from any thread; whoever comes late is called at once.

    ``is_asked_elsewhere`` tells of another process's wish. It is looked at whenever somebody wants to know.
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
    """While entered: ``stop`` is asked soon after it is asked elsewhere, also when nobody wants to know."""
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
    """While entered: a Ctrl-C before ``Interrupts`` ends the run even where Python swallows its KeyboardInterrupt.

    It does so in finalisers and other callbacks of its own, while modules are loaded.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # Somebody else hears it.
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
    """While entered: the first Ctrl-C asks ``stop``, the second (or SIGTERM) leaves and ends the process.

    ``on_ask`` and ``on_leave`` tell the user; ``on_leave`` is the last thing to happen before the end. A third
    Ctrl-C does not even wait for that.
    """

    def __init__(self, stop: Stop, on_ask: Callback, on_leave: Callback) -> None:
        self._stop = stop
        self._on_ask = on_ask
        self._on_leave = on_leave
        self._is_leaving = False

    def __enter__(self) -> Self:
        self._is_main = threading.current_thread() is threading.main_thread()
        if self._is_main and _early.is_set():
            raise KeyboardInterrupt
        if self._is_main:  # Elsewhere Python allows no handlers; then somebody else has them.
            self._ear, self._mouth = socket.socketpair()
            self._mouth.setblocking(False)
            self._before = [(number, signal.signal(number, _nothing)) for number in _SIGNALS]
            self._descriptor = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
            threading.Thread(target=self._listen, name="photoreal-interrupts", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_leaving:
            threading.Event().wait()  # The process ends before this does.
        if self._is_main:
            signal.set_wakeup_fd(self._descriptor)
            for number, handler in self._before:
                # None: it was set from C, by Blender, and cannot be given back.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            self._mouth.close()  # Ends the thread.

    def _listen(self) -> None:
        with self._ear:
            while numbers := self._ear.recv(16):
                for number in numbers:
                    if number in _SIGNALS:
                        self._hear(number)

    def _hear(self, number: int) -> None:
        if self._is_leaving:
            os._exit(STOPPED_EXIT_CODE)
        if number in (signal.SIGINT, _BREAK) and not self._stop.is_asked:
            self._on_ask()
            self._stop.ask()
            return
        self._is_leaving = True
        # On a thread of its own, so that a third Ctrl-C is heard.
        threading.Thread(target=self._leave, name="photoreal-leaving", daemon=True).start()

    def _leave(self) -> None:
        try:
            self._stop.leave()
            self._on_leave()
        finally:
            os._exit(STOPPED_EXIT_CODE)


def _nothing(_number: int, _frame: object) -> None:
    """The thread does it; but only signals with a handler reach the descriptor."""
