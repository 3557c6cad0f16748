# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run reports: a moving bar for a person at a terminal, lines for a log, JSON for a program.

Every reporter may be called from several threads.
"""

import json
import threading
import time
from collections.abc import Iterable
from typing import Protocol, TextIO

from . import events
from .errors import STOPPED_EXIT_CODE
from .events import Event
from .money import cost_sentence

BAR_CELLS = 24
LINE_CELLS = 110
LOG_LINES = 12  # At most, for one stage in a log: a video has 120 frames.
TICK_SECONDS = 1.0
END_STATES = {"done", "failed", "uncertain", "cancelled", "left"}
STATE_TEXTS = {"left": "continues at fal.ai, resume fetches it"}
LABEL_TEXTS = {"film": "video"}  # Journals and programs know the video by its old name.


class Reporter(Protocol):
    """Receives the events of a run."""

    def tell(self, event: Event) -> None:
        """Report an event to people and programs."""

    def detail(self, event: Event) -> None:
        """Report an event to programs only."""

    def result(self, found: Iterable[Event], text: str) -> None:
        """Report what the command was asked for: to programs as events, to people as text."""


class JsonReporter:
    """One JSON object per line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, event: Event) -> None:
        line = json.dumps(event.record(), ensure_ascii=False)
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()

    def detail(self, event: Event) -> None:
        self.tell(event)

    def result(self, found: Iterable[Event], text: str) -> None:
        for event in found:
            self.tell(event)


class _TextReporter:
    """What reporters for people have in common."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def detail(self, event: Event) -> None:
        """People do not see it."""

    def result(self, found: Iterable[Event], text: str) -> None:
        with self._lock:
            self._line(text)
            self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")


class PlainReporter(_TextReporter):
    """One line per event, with the time since the start."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._started = time.monotonic()
        self._job_states: dict[str, str] = {}

    def tell(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, events.Progress) and (event.kept or event.done % -(-event.of // LOG_LINES)):
                return
            if isinstance(event, events.Job):  # A log needs the states of a job, not every step in the queue.
                if self._job_states.get(event.label) == event.state:
                    return
                self._job_states[event.label] = event.state
            for line in sentence(event).splitlines():
                self._stream.write(f"[{clock(time.monotonic() - self._started)}] {line}\n")
                self._stream.flush()


class QuietReporter(PlainReporter):
    """Only warnings and the final result."""

    def tell(self, event: Event) -> None:
        if isinstance(event, events.Warning | events.Finished):
            super().tell(event)


class TerminalReporter(_TextReporter):
    """One moving line: the bar of the current stage and the jobs at fal.ai. What ends becomes a permanent line."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._began: dict[str, float] = {}
        self._stage: events.Progress | None = None
        self._jobs: dict[str, events.Job] = {}
        self._ended = threading.Event()
        # A render reports nothing for a minute: the clock shows that it works.
        threading.Thread(target=self._tick, name="photoreal-progress", daemon=True).start()

    def _tick(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            with self._lock:
                self._redraw()

    def tell(self, event: Event) -> None:
        with self._lock:
            match event:
                case events.Progress():
                    if not event.kept:
                        self._take_progress(event)
                case events.Job():
                    self._take_job(event)
                case _:
                    if isinstance(event, events.Finished):
                        self._ended.set()
                    for line in sentence(event).splitlines():
                        self._line(line)
            self._redraw()

    def _take_progress(self, stage: events.Progress) -> None:
        self._stage = stage
        text = self._bar(stage)  # Also starts the clock of the stage.
        if stage.done >= stage.of:
            self._line(text)
            self._stage = None

    def _bar(self, stage: events.Progress) -> str:
        cells = BAR_CELLS * stage.done // max(stage.of, 1)
        bar = "█" * cells + "░" * (BAR_CELLS - cells)
        elapsed = self._elapsed(stage.stage)
        name = LABEL_TEXTS.get(stage.stage, stage.stage)
        return f"{name:<10} {bar} {stage.done}/{max(stage.of, 1)}  {elapsed}  {stage.label}".rstrip()

    def _take_job(self, job: events.Job) -> None:
        elapsed = self._elapsed(job.label)
        self._jobs.pop(job.label, None)
        if job.state in END_STATES:
            self._line(f"{_job_sentence(job, with_message=False)}  {elapsed}")
        else:
            self._jobs[job.label] = job

    def _elapsed(self, what: str) -> str:
        return clock(time.monotonic() - self._began.setdefault(what, time.monotonic()))

    def _line(self, text: str) -> None:
        self._stream.write(f"\r\033[K{text}\n")

    def _redraw(self) -> None:
        if self._ended.is_set():
            return
        parts = [self._bar(self._stage)] if self._stage else []
        if self._jobs:
            label, job = next(reversed(self._jobs.items()))
            others = len(self._jobs) - 1
            more = f" and {others} more" if others else ""
            parts.append(f"{_job_sentence(job)}  {self._elapsed(label)}{more}")
        self._stream.write("\r\033[K" + "   ".join(parts)[:LINE_CELLS])
        self._stream.flush()


def clock(seconds: float) -> str:
    """Elapsed time as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def sentence(event: Event) -> str:
    """An event for people, mostly one line; "" for one that only programs need."""
    match event:
        case events.Started():
            return f"{event.product}: {event.summary}"
        case events.Note():
            return event.text
        case events.Warning():
            return f"Warning: {event.text}"
        case events.Progress():
            label = f" {event.label}" if event.label else ""
            return f"{LABEL_TEXTS.get(event.stage, event.stage)} {event.done}/{event.of}{label}"
        case events.Job():
            return _job_sentence(event)
        case events.Finished():
            return _end_sentence(event)
        case _:
            return ""


def _job_sentence(job: events.Job, *, with_message: bool = True) -> str:
    text = f"{LABEL_TEXTS.get(job.label, job.label)}: {STATE_TEXTS.get(job.state, job.state)}"
    if job.queue_position is not None:
        text += f", {job.queue_position} ahead in the queue"
    if job.message and with_message:
        text += f" ({job.message})"
    if job.error:
        text += f": {job.error}"
    return text


def _end_sentence(event: events.Finished) -> str:
    if not event.set:
        return ""
    texts = {
        "done": "Finished",
        "partial": "Finished with errors",
        "failed": "Failed",
        "held": "Waiting for your decision",
    }
    what = texts.get(event.state, event.state)
    if event.exit == STOPPED_EXIT_CODE:
        what = f"Stopped, `resume {event.set}` continues"
    end = f"{what}: {event.set}/index.html"
    return f"{cost_sentence(event.cost)}\n{end}" if event.cost else end
