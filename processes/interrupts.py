# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C: once to finish what is paid, twice to leave now.

Python runs its signal handlers between two steps of the main thread, and a render is one long step. Its wake-up
descriptor is written immediately, so a thread that reads it receives Ctrl-C while Blender renders.
"""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from ..messages.errors import STOPPED_EXIT_CODE
from .stop import Callback, Stop

_BREAK = getattr(signal, "SIGBREAK", signal.SIGINT)  # On Windows one process can send only this to another.
_SIGNALS = tuple({signal.SIGINT, signal.SIGTERM, _BREAK})

_early = threading.Event()  # Ctrl-C was pressed before an ``Interrupts`` was entered.


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """While entered: a Ctrl-C before ``Interrupts`` ends the run even where Python swallows its KeyboardInterrupt.

    It does so in finalisers and other internal callbacks, while modules are loaded.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # Another handler is in charge.
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
        self._has_heard = False  # Of a Ctrl-C.
        self._wakeup: tuple[socket.socket, socket.socket] | None = None  # Its reading and its writing end.
        self._handlers_before: list[tuple[signal.Signals, Any]] = []
        self._descriptor_before = -1

    def __enter__(self) -> Self:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and _early.is_set():
            raise KeyboardInterrupt
        if is_main:  # Python allows handlers in the main thread only.
            reader, writer = self._wakeup = socket.socketpair()
            writer.setblocking(False)
            self._handlers_before = [(number, signal.signal(number, _nothing)) for number in _SIGNALS]
            self._descriptor_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            listener = threading.Thread(
                target=self._listen, args=(reader,), name="photoreal-interrupts", daemon=True
            )
            listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_leaving:
            threading.Event().wait()  # The process ends before this does.
        if self._wakeup:
            signal.set_wakeup_fd(self._descriptor_before)
            for number, handler in self._handlers_before:
                # None: it was set from C, by Blender, and cannot be given back.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            self._wakeup[1].close()  # Ends the thread.

    def _listen(self, reader: socket.socket) -> None:
        with reader:
            while numbers := reader.recv(16):
                for number in numbers:
                    if number in _SIGNALS:
                        self._handle(number)

    def _handle(self, number: int) -> None:
        is_interrupt = number in (signal.SIGINT, _BREAK)
        is_first, self._has_heard = is_interrupt and not self._has_heard, self._has_heard or is_interrupt
        if self._is_leaving:
            if not is_first:
                os._exit(STOPPED_EXIT_CODE)
            return  # A busy system delivers a SIGTERM before the Ctrl-C that was sent first.
        if is_interrupt and not self._stop.is_asked:
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
    """The thread acts on signals; a handler is needed because only signals with one reach the descriptor."""
