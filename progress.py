# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells while it works: bars for a person, lines for a log, JSON for a program.

Every reporter may be called from several threads.
"""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

BAR_CELLS = 24


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
            if event == "job":  # A log needs the states of a job, not every step of its queue.
                if self._job_states.get(facts["label"]) == facts["state"]:
                    return
                self._job_states[facts["label"]] = facts["state"]
            if text := sentence(event, facts):
                self._stream.write(f"[{clock(time.monotonic() - self._started)}] {text}\n")
                self._stream.flush()


class TerminalReporter:
    """A bar for the stage that works, a line for whatever is worth keeping."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage_started: dict[str, float] = {}
        self._bar = ""
        self._lock = threading.Lock()

    def tell(self, event: str, **facts: Any) -> None:
        with self._lock:
            if event == "progress":
                self._draw_bar(**facts)
            elif event == "job":
                self._replace_bar(f"{self._bar}   {sentence(event, facts)}" if self._bar else "", keep=True)
                if facts.get("state") in {"done", "failed", "uncertain", "cancelled"}:
                    self._line(sentence(event, facts))
            elif text := sentence(event, facts):
                self._line(text)

    def _draw_bar(self, *, stage: str, done: int, of: int, label: str = "", **_more: Any) -> None:
        began = self._stage_started.setdefault(stage, time.monotonic())
        cells = BAR_CELLS * done // max(of, 1)
        bar = "█" * cells + "░" * (BAR_CELLS - cells)
        text = f"{stage:<10} {bar} {done}/{of}  {clock(time.monotonic() - began)}  {label}"
        if done >= of:
            self._replace_bar("")
            self._stream.write(text.rstrip() + "\n")
            self._stream.flush()
        else:
            self._replace_bar(text)

    def _line(self, text: str) -> None:
        bar = self._bar
        self._replace_bar("")
        self._stream.write(text + "\n")
        self._replace_bar(bar)

    def _replace_bar(self, text: str, *, keep: bool = False) -> None:
        self._stream.write("\r\033[K" + text[:110])
        self._stream.flush()
        if not keep:
            self._bar = text


def clock(seconds: float) -> str:
    """Elapsed time as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def sentence(event: str, facts: Mapping[str, Any]) -> str:
    """An event in words; "" for one that says nothing to a person."""
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
    text = f"{facts['label']}: {facts['state']}"
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
    return f"{word.get(facts['state'], facts['state'])}: {facts['set']}/index.html"
