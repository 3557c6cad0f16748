# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a run, made from its events: what the Jobs panel draws."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..messages.remaining import time_left
from .setting_words import with_words

VIDEO = "video"  # The name of its row.
VIDEO_EVENTS = "film"  # What events call its stage and its job.
SUFFIXES = (" photo", " enlargement")  # Of the label of a job that belongs to an angle.
KEPT_TEXTS = 50
FAILED_EXIT_CODE = 3

STATE_TEXTS = {
    "prepared": "waiting",
    "submitting": "sending",
    "running": "generating",
    "queued": "queued",
    "left": "at fal.ai",
}
BUSY = {
    "rendering",
    "photographing",
    "uploading",
    "sending",
    "queued",
    "generating",
    "downloading",
}

# How a run ended, as text that follows the product's name.
OUTCOMES = {"done": "finished", "partial": "incomplete", "failed": "failed", "held": "waiting for you"}
SHOWN_SECONDS = 5.0  # How long the status bar shows the end of a run.


class Kind(StrEnum):
    """What a run is for."""

    SET = "set"
    PRICE = "price"
    CANCEL = "cancel"
    DOCTOR = "doctor"
    KEY = "key"


@dataclass(slots=True)
class Row:
    """One line of the Jobs panel: an angle, the 3D model or the video.

    ``factor`` is from 0 to 1, None without a bar. ``worked`` and ``since``: seconds of work before the present state,
    and when that began.
    """

    name: str
    state: str = "waiting"
    factor: float | None = None
    queue_position: int | None = None
    error: str = ""
    worked: float = 0.0
    since: float = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether something is done for it, as opposed to waiting."""
        return self.state in BUSY

    def move(self, state: str) -> None:
        """Begin another state now."""
        now = time.monotonic()
        self.worked = self.elapsed(now)
        self.since = now
        self.state = state

    def elapsed(self, now: float) -> float:
        """Seconds of work up to ``now`` (``time.monotonic``), without the time that the row waited."""
        return self.worked + (now - self.since if self.is_busy else 0.0)


@dataclass(slots=True)
class RunView:
    """One run as its events describe it. Times are of ``time.monotonic``."""

    kind: Kind
    folder: Path | None = None
    product: str = ""
    rows: dict[str, Row] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    error: str = ""
    field: str = ""  # What the error is about, by its name in the plan of a set; "" when it is not one field.
    state: str = "starting"
    exit_code: int | None = None
    began: float = dataclasses.field(default_factory=time.monotonic)
    ended: float = 0.0
    is_stopping: bool = False
    ends_at: float | None = None  # As last estimated; ``None`` while that is not possible.
    facts: list[dict[str, Any]] = dataclasses.field(
        default_factory=list
    )  # Events that only one kind of run has.

    @property
    def is_over(self) -> bool:
        """Whether its process has ended."""
        return self.exit_code is not None

    @property
    def elapsed(self) -> float:
        """Seconds from the start to the end, or to now."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def left(self) -> str:
        """The remaining time in words; "" when it is not known."""
        if self.is_over or self.is_stopping or self.ends_at is None:
            return ""
        return time_left(self.ends_at - time.monotonic())

    def expect(self, names: list[str]) -> None:
        """Show these angles from the start."""
        for name in names:
            self.rows.setdefault(name, Row(name))

    @property
    def doing(self) -> str:
        """What is being done and how much is done, in lower case; "" when it is over."""
        if self.is_over:
            return ""
        if self.is_stopping:
            return "stopping, paid requests are finished"
        busy = [row for row in self.rows.values() if row.is_busy]
        what = f"{busy[-1].name} {busy[-1].state}" if busy else self.state
        done = sum(row.state == "done" for row in self.rows.values())
        return f"{what}, {done} of {len(self.rows)} done" if self.rows else what

    @property
    def outcome(self) -> str:
        """How it ended, in lower case."""
        return OUTCOMES.get(self.state, self.state)

    def line(self) -> str:
        """The run in one line for the status bar; "" some seconds after its end."""
        if not self.is_over:
            return ", ".join([f"Photoreal Set: {self.doing}", *([self.left] if self.left else [])])
        is_shown = time.monotonic() - self.ended < SHOWN_SECONDS
        return f"Photoreal Set: {self.product or 'the set'} {self.outcome}" if is_shown else ""

    def take(self, event: Mapping[str, Any]) -> None:
        """Update from one event; events of another kind are kept in ``facts``."""
        if event.get("event") in {"progress", "working", "job"}:
            eta = event.get("eta_seconds")
            self.ends_at = None if eta is None else time.monotonic() + float(eta)
        match event.get("event"):
            case "working":
                pass  # The rows show what they are at by themselves.
            case "prepared":
                self.folder = Path(event["folder"])
            case "started":
                self._begin(event)
            case "note":
                self._keep(self.notes, event)
                self.facts.append(dict(event))
            case "warning":
                self._keep(self.warnings, event)
            case "progress":
                self._take_progress(event)
            case "job":
                self._take_job(event)
            case "finished":
                self.state = str(event.get("state", ""))
                self.error = str(event.get("error") or self.error)
                self.field = str(event.get("field") or "")
            case "exited":
                self._end(int(event.get("code", FAILED_EXIT_CODE)), event.get("output") or [])
            case _:
                self.facts.append(dict(event))

    def _begin(self, event: Mapping[str, Any]) -> None:
        self.product = str(event.get("product", ""))
        if event.get("set"):
            self.folder = Path(event["set"])
        self.state = "working"

    def _keep(self, texts: list[str], event: Mapping[str, Any]) -> None:
        words = (str(event.get(name) or "") for name in ("text", "field", "value"))
        texts.append(with_words(*words))
        del texts[:-KEPT_TEXTS]

    def _take_progress(self, event: Mapping[str, Any]) -> None:
        stage, done, of = str(event["stage"]), int(event["done"]), max(1, int(event["of"]))
        if stage == VIDEO_EVENTS:
            row = self.rows.setdefault(VIDEO, Row(VIDEO))
            row.move("done" if done >= of else "rendering")
            row.factor = done / of
            return
        doing, ready = ("photographing", "done") if stage == "photos" else ("rendering", "rendered")
        for row in self.rows.values():
            if row.state == doing and row.name != VIDEO:
                row.move(ready)
                row.factor = None
        if label := str(event.get("label") or ""):
            row = self.rows.setdefault(label, Row(label))
            row.move(doing)
            row.factor = done / of

    def _take_job(self, event: Mapping[str, Any]) -> None:
        name = str(event.get("label", ""))
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        name = VIDEO if name == VIDEO_EVENTS else name
        row = self.rows.setdefault(name, Row(name))
        state = str(event.get("state", ""))
        row.move(STATE_TEXTS.get(state, state))
        row.factor = None
        row.queue_position = event.get("queue_position")
        row.error = str(event.get("error") or "")

    def _end(self, code: int, output: list[str]) -> None:
        self.exit_code = code
        self.ended = time.monotonic()
        if self.state in {"starting", "working"}:  # It ended before it could report how.
            self.state = "failed"
            last = [line.strip() for line in output if line.strip()]
            self.error = self.error or (
                f"The background Blender ended unexpectedly ({last[-1] if last else f'code {code}'})."
            )
        for row in self.rows.values():
            if row.is_busy:
                row.move("stopped")
            elif row.state == "waiting":  # In a run where all is done, an earlier run has made it.
                row.move("done" if code == 0 else "not started")
            row.factor = None
