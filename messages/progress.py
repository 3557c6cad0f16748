# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run reports: lines for a log, JSON for a program. ``command_line/terminal.py`` has the bar for a terminal.

Every reporter may be called from several threads.
"""

import json
import shlex
import threading
import time
from collections.abc import Iterable
from typing import Protocol, TextIO

from . import events
from .errors import STOPPED_EXIT_CODE
from .events import Event
from .labels import shown_label
from .money import cost_sentence
from .remaining import time_left

LOG_LINES = 12  # At most, for one stage in a log: a video has 120 frames.
SILENT_SECONDS = 3.0  # After that, a log gets the next sign of life: there is one every two seconds.
PASSING_STATES = {"prepared", "uploading", "submitting", "downloading"}  # They last for seconds.
END_STATES = {"done", "failed", "uncertain", "cancelled", "left"}
STATE_TEXTS = {"left": "continues at fal.ai, resume fetches it"}


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


class TextReporter:
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


class PlainReporter(TextReporter):
    """One line per event, with the time since the start."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._started = self._told_at = time.monotonic()
        self._job_states: dict[str, str] = {}

    def tell(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, events.Working) and time.monotonic() - self._told_at < SILENT_SECONDS:
                return
            if isinstance(event, events.Progress) and (
                event.kept or event.done % max(1, -(-event.of // LOG_LINES))
            ):
                return
            if isinstance(event, events.Job):
                before = self._job_states.get(event.label, "")
                self._job_states[event.label] = event.state
                # A log needs when a job begins to wait and to run, and how it ends.
                if event.state in PASSING_STATES or event.state == before or is_kept(event, before):
                    return
            for line in sentence(event).splitlines():
                self._told_at = time.monotonic()
                self._stream.write(f"[{clock(self._told_at - self._started)}] {line}\n")
                self._stream.flush()


class QuietReporter(PlainReporter):
    """Only warnings and the final result."""

    def tell(self, event: Event) -> None:
        if isinstance(event, events.Warning | events.Finished):
            super().tell(event)


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
            if not event.field:
                return f"Warning: {event.text}"
            option = f"(--{event.field.replace('_', '-')} {event.value})"
            setting = f"({event.field}: {event.value})"  # As set.json calls it.
            text = event.text.replace(setting, option)
            return f"Warning: {text}" if option in text else f"Warning: {text} {option}"
        case events.Progress():
            left = [] if event.stage == "products" else _left(event.eta_seconds)  # Their label contains it.
            return ", ".join([_stage_sentence(event.stage, event.done, event.of, event.label), *left])
        case events.Working():
            return _working_sentence(event)
        case events.Job():
            return job_sentence(event)
        case events.Finished():
            return _end_sentence(event)
        case _:
            return ""


def _stage_sentence(stage: str, done: int, of: int, label: str) -> str:
    comma = "," if stage == "products" and label else ""  # Its label is a list of numbers.
    return f"{shown_label(stage)} {done}/{of}{comma} {label}".rstrip()


def _working_sentence(event: events.Working) -> str:
    parts = [_stage_sentence(event.task, event.done or 0, event.of or 0, event.label)] if event.task else []
    parts += [doing] if (doing := doing_of(event)) else []
    return ", ".join([*parts, *_left(event.eta_seconds)]) or "working"


def doing_of(event: events.Working) -> str:
    """What is done for the current picture; "" when not known."""
    return f"sample {event.sample} of {event.samples}" if event.sample else event.text


def _left(seconds: int | None) -> list[str]:
    """The remaining time as a part of a sentence; nothing when it is not known or nothing is left."""
    return [time_left(seconds)] if seconds else []


def is_kept(job: events.Job, before: str) -> bool:
    """Whether an earlier run has finished the job. ``before``: its state before this one, "" for none."""
    return job.state == "done" and before in ("", "prepared", "done")


def job_sentence(job: events.Job, *, with_message: bool = True) -> str:
    text = f"{shown_label(job.label)}: {STATE_TEXTS.get(job.state, job.state)}"
    if job.queue_position is not None:
        text += f", {job.queue_position} ahead in the queue"
    if job.message and with_message:
        text += f" ({job.message})"
    if job.error:  # Most errors begin with the label themselves.
        text += f": {job.error.removeprefix(f'{shown_label(job.label)}: ')}"
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
    what = texts.get(event.state, event.state) if event.exit else "Finished"
    end = f"{what}: {event.set}/index.html"
    if event.exit == STOPPED_EXIT_CODE:
        end = f"Stopped: {event.set}/index.html\n`resume {shlex.quote(event.set)}` continues."
    return f"{cost_sentence(event.cost)}\n{end}" if event.cost else end
