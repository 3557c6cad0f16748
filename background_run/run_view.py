# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a run, made from its events: what the panels draw."""

import dataclasses
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..messages.remaining import time_left
from ..messages.translation import translated
from .product_rows import expect_product, take_product_event
from .run_rows import ADDITIONS, AT_FAL, JOB_TEXTS, PICTURES, Row
from .setting_words import window_words, with_words

VIDEO, SPIN = "video", "spin"  # The names of their rows.
SERIES = {"film": VIDEO, "spin": SPIN}  # Rows of frames, by the name that events have for them.
SUFFIXES = (" photo", " enlargement")  # Of the label of a job that belongs to an angle.
# What is being made of an angle, by stage.
THINGS = {
    "references": "{name} render",
    "photos": "{name} photo",
    "passes": "{name} passes",
    "calibration": "{name} light measurement",
}
OTHER_ROWS = ("model", "concept", VIDEO, SPIN)  # Those that are not angles.
PRODUCTS = "products"  # The stage of a catalogue.
VARIANTS = "variants"  # The stage that names each variant before its pictures.
KEPT_TEXTS = 50
FAILED_EXIT_CODE = 3
MAX_SHARE = 0.99  # Until a run is over.

# How a run ended, as text that follows the product's name.
OUTCOMES = {"done": "finished", "partial": "incomplete", "failed": "failed", "held": "waiting for you"}


class Kind(StrEnum):
    """What a run is for."""

    SET = "set"
    CATALOGUE = "catalogue"
    PRICE = "price"
    CANCEL = "cancel"
    CHOOSE = "choose"
    DOCTOR = "doctor"
    KEY = "key"

    @property
    def makes_pictures(self) -> bool:
        """Whether it makes sets; only one such run is started at a time."""
        return self in (Kind.SET, Kind.CATALOGUE)


@dataclass(slots=True)
class RunView:
    """One run as its events describe it. Times are of ``time.monotonic``.

    An event may have ``at``, the time when it happened (seconds since 1970): those of a run that is followed do.
    """

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
    paid: float = 0.0  # US dollars, for the products of a catalogue.
    ends_at: float | None = None  # As last estimated; ``None`` while that is not possible.
    work: dict[str, Any] = dataclasses.field(
        default_factory=dict
    )  # The last ``working`` event, or its equal.
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

    @property
    def share(self) -> float:
        """How much of the whole run is done, from 0 to 1: of its time where that is estimated, else of its pictures."""
        if self.is_over:
            return 1.0
        if self.ends_at is not None and not self.is_stopping:
            elapsed = self.elapsed
            whole = elapsed + max(0.0, self.ends_at - time.monotonic())
            return min(MAX_SHARE, elapsed / whole) if whole > 0.0 else 0.0
        rows = self.rows.values()
        return min(MAX_SHARE, sum(row.share for row in rows) / len(rows)) if rows else 0.0

    def expect(self, names: list[str]) -> None:
        """Show these rows from the start: angles, and the video."""
        for name in names:
            self.rows.setdefault(name, Row(name, is_series=name in (VIDEO, SPIN)))

    def complete(self, names: Iterable[str]) -> None:
        """These angles have a photo: in a set that is done, those that it has kept are done, too."""
        for name in names:
            row = self.rows.get(name)
            if self.state == "done" and row is not None and row.state == "rendered":
                row.state = "done"

    def expect_products(self, products: Iterable[tuple[str, Path, bool]]) -> None:
        """Show the products of a catalogue: the SKU, the set folder, and whether an earlier run has finished it."""
        for sku, folder, is_done in products:
            expect_product(self.rows.setdefault(sku, Row(sku)), folder, is_done=is_done)

    @property
    def doing(self) -> str:
        """What is being done, in lower case; "" when it is over."""
        if self.is_over:
            return ""
        if self.is_stopping:
            return translated("stopping, paid requests are finished")
        return self._rendering or self._at_fal or translated(str(self.work.get("text") or self.state))

    @property
    def _rendering(self) -> str:
        """The picture that this machine makes; "" between two of them."""
        task, text = str(self.work.get("task") or ""), str(self.work.get("text") or "")
        if not task or text:
            return translated(text) if task else ""
        if task in SERIES:
            name, number = translated(SERIES[task]), int(self.work["done"]) + 1
            return translated(
                "{name} frame {number} of {count}", name=name, number=number, count=self.work["of"]
            )
        words = translated(THINGS.get(task, "{name}"), name=self.work.get("label") or "").strip()
        if not (samples := self.work.get("samples")):
            return words
        number = self.work["sample"]
        return translated("{what}, sample {number} of {count}", what=words, number=number, count=samples)

    @property
    def _at_fal(self) -> str:
        """What fal.ai is doing; "" when there are no requests."""
        rows = [row for row in self.rows.values() if row.is_busy]
        if len(rows) > 1 and all(row.state in AT_FAL for row in rows):
            return translated("{count} requests at fal.ai", count=len(rows))
        if not rows:
            return ""
        row = rows[-1]
        words = f"{_row_words(row.name)} {translated(row.state)}"
        if not row.queue_position or row.state != "queued":
            return words
        return f"{words}, {translated('{count} ahead', count=row.queue_position)}"

    @property
    def done(self) -> str:
        """How many rows are done, in words; "" while none is known."""
        count = sum(row.state == "done" for row in self.rows.values())
        return translated("{count} of {total} done", count=count, total=len(self.rows)) if self.rows else ""

    @property
    def outcome(self) -> str:
        """How it ended, in lower case."""
        return translated(OUTCOMES.get(self.state, self.state))

    @property
    def note(self) -> str:
        """The last note of a run that has not begun yet, such as that another run works in its folder; else ""."""
        return self.notes[-1] if self.notes and self.state == "starting" else ""

    def line(self) -> str:
        """A running set in one line; "" after its end."""
        return "" if self.is_over else ", ".join(filter(None, (self.doing, self.done, self.left)))

    def take(self, event: Mapping[str, Any]) -> None:
        """Update from one event; events of another kind are kept in ``facts``."""
        now = _moment(event)
        if event.get("sku"):
            self._take_product(event, now)
            return
        if event.get("event") in {"progress", "working", "job"}:
            eta = event.get("eta_seconds")
            self.ends_at = None if eta is None else now + float(eta)
        match event.get("event"):
            case "process":
                self.began = now
            case "working":
                self._take_working(event)
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
                self._take_progress(event, now)
            case "job":
                self._take_job(event, now)
            case "finished":
                self.ended = now
                self.state = str(event.get("state", ""))
                self.error = window_words(str(event.get("error") or self.error))
                self.field = str(event.get("field") or "")
            case "exited":
                self._end(int(event.get("code", FAILED_EXIT_CODE)), event.get("output") or [])
            case _:
                self.facts.append(dict(event))

    def _take_product(self, event: Mapping[str, Any], now: float) -> None:
        """An event about one product of a catalogue."""
        name = str(event["sku"])
        match event.get("event"):
            case "warning":
                self._keep(self.warnings, {**event, "text": f"{name}: {event.get('text', '')}"})
            case "working" if event.get("task"):
                self.work = {**event, "label": f"{name} {event.get('label') or ''}".strip()}
        take_product_event(self.rows.setdefault(name, Row(name)), event, now)

    def _begin(self, event: Mapping[str, Any]) -> None:
        self.product = self.product or str(event.get("product", ""))  # That of a catalogue is its file.
        if event.get("set"):
            self.folder = Path(event["set"])
        self.expect([str(name) for name in event.get("angles") or []])
        self.state = "working"

    def _keep(self, texts: list[str], event: Mapping[str, Any]) -> None:
        words = (str(event.get(name) or "") for name in ("text", "field", "value"))
        texts.append(window_words(with_words(*words)))
        del texts[:-KEPT_TEXTS]

    def _take_working(self, event: Mapping[str, Any]) -> None:
        self.work = dict(event)
        task, samples = str(event.get("task") or ""), event.get("samples")
        part = int(event["sample"]) / int(samples) if samples and event.get("sample") is not None else 0.0
        if task in SERIES:
            if row := self.rows.get(SERIES[task]):
                row.fill((int(event["done"]) + part) / max(1, int(event["of"])))
        elif (row := self.rows.get(str(event.get("label") or ""))) and row.is_busy and part:
            row.fill(part)

    def _take_progress(self, event: Mapping[str, Any], now: float) -> None:
        stage, done, of = str(event["stage"]), int(event["done"]), max(1, int(event["of"]))
        if stage == PRODUCTS:  # Their lines follow their own events.
            self.paid = float(event.get("spent") or 0.0)
            return
        label = str(event.get("label") or "")
        self.work = {"task": stage if done < of else "", "label": label, "done": done, "of": of}
        if stage == VARIANTS:
            return
        if stage in SERIES:
            row = self.rows.setdefault(SERIES[stage], Row(SERIES[stage], is_series=True))
            if not row.is_busy or done >= of:
                row.move("done" if done >= of else "rendering", now)
            row.factor = done / of if done < of else None
            return
        doing = ADDITIONS[stage] if stage in ADDITIONS else PICTURES.get(stage, PICTURES["references"])[0]
        for row in self.rows.values():
            if row.state == doing and not row.is_series:
                row.move(row.after if stage in ADDITIONS else PICTURES[stage][1], now)
        if label and done < of:  # Not the end of a stage, whose label may name a variant.
            self._begin_picture(self.rows.setdefault(label, Row(label)), stage, doing, now)

    def _begin_picture(self, row: Row, stage: str, doing: str, now: float) -> None:
        if stage in ADDITIONS:
            row.add(doing, now)
        else:
            row.move(doing, now)
        row.factor = 0.0

    def _take_job(self, event: Mapping[str, Any], now: float) -> None:
        name = str(event.get("label", ""))
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        name = SERIES.get(name, name)
        row = self.rows.setdefault(name, Row(name))
        row.is_series = False  # A video by fal.ai has no frames to count.
        state = str(event.get("state", ""))
        row.move(JOB_TEXTS.get(state, state), now)
        row.queue_position = event.get("queue_position")
        row.error = window_words(str(event.get("error") or ""))
        row.request_id = str(event.get("request_id") or "") or row.request_id

    def _end(self, code: int, output: list[str]) -> None:
        self.exit_code = code
        self.ended = self.ended or time.monotonic()
        if self.state in {"starting", "working"}:  # It ended before it could report how.
            self.state = "failed"
            last = [line.strip() for line in output if line.strip()]
            reason = last[-1] if last else translated("code {code}", code=code)
            self.error = self.error or translated(
                "The background Blender ended unexpectedly ({reason}).", reason=reason
            )
        for row in self.rows.values():
            if row.after:
                row.move(row.after, self.ended)
            if row.is_busy:
                row.move("stopped", self.ended)
            elif row.state == "waiting":  # In a run where all is done, an earlier run has made it.
                row.move("done" if code == 0 else "not started", self.ended)
            row.factor = None


def label_words(label: str) -> str:
    """The label of a job in the language of the window; the name of its angle stays as it is."""
    for suffix in SUFFIXES:
        if label.endswith(suffix):
            return translated(f"{{name}}{suffix}", name=label.removesuffix(suffix))
    return _row_words(SERIES.get(label, label))


def _row_words(name: str) -> str:
    return translated(name) if name in OTHER_ROWS else name


def _moment(event: Mapping[str, Any]) -> float:
    """When an event happened, as ``time.monotonic``."""
    now = time.monotonic()
    return now - max(0.0, time.time() - float(event["at"])) if "at" in event else now
