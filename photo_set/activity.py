# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of one set does at the moment, and the sign of life that it gives.

Blender releases Python's lock while it renders, so a thread can report in the meantime.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from ..messages import events
from ..messages.labels import shown_label
from ..messages.progress import Reporter
from ..messages.remaining import Remaining

LOOK_SECONDS = 0.5  # Between two looks whether there is news.
MAX_SILENCE_SECONDS = 2.0  # Between two signs of life without news.


class Activity:
    """What is being made. Safe from several threads."""

    def __init__(self) -> None:
        self.remaining = Remaining()
        self._lock = threading.Lock()
        self._now = events.Working(text="preparing the product")
        self._requests: dict[
            str, None
        ] = {}  # The labels of those at fal.ai, in the order in which they were sent.
        self._beside: list[str] = []  # What other threads do while nothing is rendered.

    def start(self, stage: str, done: int, of: int, label: str) -> None:
        """The stage is at its picture ``label``, or at its end."""
        with self._lock:
            is_over = done >= of
            self._now = (
                events.Working() if is_over else events.Working(task=stage, done=done, of=of, label=label)
            )

    def sample(self, sample: int, samples: int) -> None:
        """Cycles has rendered ``sample`` of at most ``samples`` samples of the current picture."""
        with self._lock:
            self._now = replace(self._now, sample=sample, samples=samples, text="")

    def say(self, text: str) -> None:
        """What is done besides rendering samples."""
        with self._lock:
            self._now = replace(self._now, sample=None, samples=None, text=text)

    def request(self, label: str, *, is_open: bool) -> None:
        """A request is at fal.ai, or has ended."""
        with self._lock:
            if is_open:
                self._requests[label] = None
            else:
                self._requests.pop(label, None)

    @contextlib.contextmanager
    def doing(self, text: str) -> Iterator[None]:
        """While entered, another thread than the one that renders does this."""
        with self._lock:
            self._beside.append(text)
        try:
            yield
        finally:
            with self._lock:
                self._beside.remove(text)

    @property
    def event(self) -> events.Working:
        """The sign of life."""
        with self._lock:
            now = self._now
            if not now.task and not now.text:
                names = ", ".join(map(shown_label, self._requests))
                waiting = f"waiting for fal.ai: {names}" if names else ""
                now = replace(now, text=self._beside[0] if self._beside else waiting)
        return replace(now, eta_seconds=self.eta_seconds)

    @property
    def eta_seconds(self) -> int | None:
        """Estimated whole seconds until the run ends; ``None`` while that cannot be estimated."""
        left = self.remaining.seconds()
        return None if left is None else round(left)

    @contextlib.contextmanager
    def told_to(self, reporter: Reporter) -> Iterator[None]:
        """While entered, report that the run is working: after every few samples, and after some seconds without an event."""
        is_over = threading.Event()

        def watch() -> None:
            last, told_at = self.event, time.monotonic()
            while not is_over.wait(LOOK_SECONDS):
                event = self.event
                is_news = replace(event, eta_seconds=None) != replace(last, eta_seconds=None)
                if is_news or time.monotonic() - told_at >= MAX_SILENCE_SECONDS:
                    last, told_at = event, time.monotonic()
                    reporter.tell(event)

        thread = threading.Thread(target=watch, name="photoreal-activity", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
