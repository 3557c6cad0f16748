# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests wait: for an event, as long as the slowest machine may need, and never for a fixed time."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 240.0
FOR_EVER_SECONDS = 3600.0  # Of the emulator's clock: a job that takes so long ends when the clock is moved.


def until(condition: Callable[[], object], complaint: str = "it did not happen") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)
