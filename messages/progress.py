# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells while it works: bars for a person, lines for a log, JSON for a program.

Every reporter may be called from several threads.
"""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

from .errors import STOPPED_EXIT_CODE
from .money import cost_sentence

BAR_CELLS = 24
LINE_CELLS = 110
LOG_LINES = 12  # Of a stage at most, in a log: 120 frames are no 120 lines.
TICK_SECONDS = 1.0
END_STATES = {"done", "failed", "uncertain", "cancelled", "left"}
STATE_WORDS = {"left": "goes on at fal.ai, resume fetches it"}


class Reporter(Protocol):
    """Receives one event at a time: ``event`` is its kind, the rest its facts."""

    def tell(self, event: str, **facts: Any) -> None: ...


class QuietReporter:
    """Says only warnings and the end."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = PlainReporter(stream)

    def tell(self, event: str, **facts: Any) -> None:
        if event in {"warning", "finished"}:
            self._lines.tell(event, **facts)


class JsonReporter:
    """One JSON object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, **facts}, ensure_ascii=False)
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()


class PlainReporter:
    """One line an event, with the seconds since the start."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._job_states: dict[str, str] = {}
        self._lock = threading.Lock()

    def tell(self, event: str, **facts: Any) -> None:
        with self._lock:
            if event == "progress" and (facts.get("kept") or facts["done"] % -(-facts["of"] // LOG_LINES)):
                return
            if event == "job":  # A log needs the states of a job, not every step of its queue.
                if self._job_states.get(facts["label"]) == facts["state"]:
                    return
                self._job_states[facts["label"]] = facts["state"]
            for line in sentence(event, facts).splitlines():
                self._stream.write(f"[{clock(time.monotonic() - self._started)}] {line}\n")
                self._stream.flush()


class TerminalReporter:
    """One moving line: the bar of the stage that works and the jobs at fal. What ends becomes a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began: dict[str, float] = {}
        self._stage: Mapping[str, Any] | None = None
        self._jobs: dict[str, Mapping[str, Any]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        # A render says nothing for a minute: the clock shows that it works.
        threading.Thread(target=self._tick, name="photoreal-progress", daemon=True).start()

    def _tick(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            with self._lock:
                self._redraw()

    def tell(self, event: str, **facts: Any) -> None:
        with self._lock:
            if event == "finished":
                self._ended.set()
            if event == "progress":
                if not facts.get("kept"):
                    self._take_progress(**facts)
            elif event == "job":
                self._take_job(facts)
            else:
                for line in sentence(event, facts).splitlines():
                    self._line(line)
            self._redraw()

    def _take_progress(self, **stage: Any) -> None:
        self._stage = stage
        text = self._bar(stage)  # Also starts the clock of the stage.
        if stage["done"] >= stage["of"]:
            self._line(text)
            self._stage = None

    def _bar(self, stage: Mapping[str, Any]) -> str:
        done, of = stage["done"], max(stage["of"], 1)
        cells = BAR_CELLS * done // of
        bar = "█" * cells + "░" * (BAR_CELLS - cells)
        elapsed = self._elapsed(stage["stage"])
        return f"{stage['stage']:<10} {bar} {done}/{of}  {elapsed}  {stage.get('label', '')}".rstrip()

    def _take_job(self, facts: Mapping[str, Any]) -> None:
        label = facts["label"]
        elapsed = self._elapsed(label)
        self._jobs.pop(label, None)
        if facts["state"] in END_STATES:
            self._line(f"{_job_sentence({**facts, 'message': ''})}  {elapsed}")
        else:
            self._jobs[label] = facts

    def _elapsed(self, what: str) -> str:
        return clock(time.monotonic() - self._began.setdefault(what, time.monotonic()))

    def _line(self, text: str) -> None:
        self._stream.write(f"\r\033[K{text}\n")

    def _redraw(self) -> None:
        if self._ended.is_set():
            return
        parts = [self._bar(self._stage)] if self._stage else []
        if self._jobs:
            label, facts = next(reversed(self._jobs.items()))
            others = len(self._jobs) - 1
            more = f" and {others} more" if others else ""
            parts.append(f"{_job_sentence(facts)}  {self._elapsed(label)}{more}")
        self._stream.write("\r\033[K" + "   ".join(parts)[:LINE_CELLS])
        self._stream.flush()


def clock(seconds: float) -> str:
    """Elapsed time as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def sentence(event: str, facts: Mapping[str, Any]) -> str:
    """An event in words, mostly one line; "" for one that says nothing to a person."""
    match event:
        case "started":
            return f"{facts['product']}: {facts['summary']}"
        case "note":
            return str(facts["text"])
        case "warning":
            return f"Warning: {facts['text']}"
        case "progress":
            label = f" {facts['label']}" if facts.get("label") else ""
            return f"{facts['stage']} {facts['done']}/{facts['of']}{label}"
        case "job":
            return _job_sentence(facts)
        case "finished":
            return _end_sentence(facts)
        case _:
            return ""


def _job_sentence(facts: Mapping[str, Any]) -> str:
    text = f"{facts['label']}: {STATE_WORDS.get(facts['state'], facts['state'])}"
    if facts.get("queue_position") is not None:
        text += f", {facts['queue_position']} ahead in the queue"
    if facts.get("message"):
        text += f" ({facts['message']})"
    if facts.get("error"):
        text += f": {facts['error']}"
    return text


def _end_sentence(facts: Mapping[str, Any]) -> str:
    if not facts.get("set"):
        return ""
    word = {
        "done": "Finished",
        "partial": "Finished with faults",
        "failed": "Failed",
        "held": "Waiting for you",
    }
    what = word.get(facts["state"], facts["state"])
    if facts.get("exit") == STOPPED_EXIT_CODE:
        what = f"Stopped, `resume {facts['set']}` goes on"
    end = f"{what}: {facts['set']}/index.html"
    return f"{cost_sentence(facts['cost'])}\n{end}" if facts.get("cost") else end
