# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of this machine show to everyone: their arguments. Linux only."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_SECONDS = 0.02


@contextmanager
def arguments_of_processes(
    and_environment: Callable[[bytes], bool] = lambda _arguments: False,
) -> Iterator[set[bytes]]:
    """While entered, collects the arguments of all processes, and the environment of those that are chosen by them."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                try:
                    arguments = (place / "cmdline").read_bytes()
                    seen.add(arguments)
                    if and_environment(arguments):
                        seen.add((place / "environ").read_bytes())
                except OSError:  # The process has just ended.
                    continue
            ended.wait(LOOK_SECONDS)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
