# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a catalogue: ``catalogue.json``, ``catalogue.csv`` and ``index.html``, from the status of each row."""

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..fal_bridge.errors import CeilingReachedError, UncertainSubmitError
from ..fal_bridge.money.journal_costs import spreadsheet_safe
from ..files.writing import write_atomically, write_json_atomically
from ..gltf.findings import Severity
from ..imaging.catalogue_page import Card, CardVariant, build_overview
from ..messages import events
from ..messages.errors import PhotorealError
from ..messages.money import paid_to
from ..photo_set.choices import Engine
from ..photo_set.plan_record import LIVE
from ..photo_set.source import MODEL_SUFFIXES
from ..photo_set.version import VERSION
from .lock_file import FrozenRow, Lock
from .states import RowState, Status, Step, read_status
from .thumbnails import renew_thumbnail, thumbnail_path

RECORD = "catalogue.json"
COLUMNS = (
    *("row", "line", "sku", "state", "error", "folder", "photos", "hero", "film", "cost_usd", "unpriced"),
    *("render_seconds", "crashes", "source", "spec"),
)
# Behind those of the user, so that older columns keep their places.
LAST_COLUMNS = ("severity", "findings", "verdicts", "rejected", "consistency")
WAITS_FOR = {Step.MODEL: "a 3D model by fal.ai", Step.RENDER: "rendering", Step.CLOUD: "fal.ai"}
MAX_CELL = 32_000  # Characters; Excel accepts 32,767.


@dataclass(frozen=True, slots=True)
class Result:
    """One row and its status."""

    frozen: FrozenRow
    status: Status


def results_of(root: Path, lock: Lock) -> list[Result]:
    """Every row of a catalogue, in its order."""
    found = []
    for row in lock.rows:
        if row.is_good:
            status = read_status(root / row.folder, row.digest)
        else:
            status = Status(state=RowState.BAD, error=_sentence("; ".join(row.row.errors)))
        found.append(Result(row, status))
    return found


def _sentence(text: str) -> str:
    """The errors of a row as a sentence; the name of a column stays as it is written."""
    return f"{'It' + text[2:] if text.startswith('it ') else text}."


def verdict_of(
    results: Iterable[Result],
    *,
    is_strict: bool = False,
    may_wait: Callable[[Result], bool] = lambda _result: False,
) -> int:
    """The exit code for all rows together: that of the most urgent problem.

    ``is_strict``: an error in the findings of a product is a failure. ``may_wait``: whether a product that waits is none.
    """
    results = [result for result in results if not (_only_waits(result) and may_wait(result))]
    states = [result.status for result in results]
    if any(status.state is RowState.HELD for status in states):
        return UncertainSubmitError.exit_code
    if any(status.exit_code == CeilingReachedError.exit_code for status in states):
        return CeilingReachedError.exit_code
    has_errors = is_strict and any(status.worst is Severity.ERROR for status in states)
    if has_errors or any(status.state is not RowState.DONE for status in states):
        return PhotorealError.exit_code
    return 0


def _only_waits(result: Result) -> bool:
    return result.status.state is RowState.WAITING and not result.status.error


def step_of(result: Result) -> Step:
    """What a product waits for; with a 3D file of the user no model is made."""
    step = result.status.step
    return Step.RENDER if step is Step.MODEL and _is_from_file(result) else step


def _is_from_file(result: Result) -> bool:
    return any(Path(file.path).suffix.lower() in MODEL_SUFFIXES for file in result.frozen.files)


def waiting_sentence(results: Iterable[Result]) -> str:
    """How many products wait for what, such as "12 products wait for rendering."; "" when none does."""
    counts = Counter(step_of(result) for result in results if _only_waits(result))
    parts = [
        f"{count} product{'s wait' if count > 1 else ' waits'} for {WAITS_FOR[step]}"
        for step, count in sorted(counts.items(), key=lambda item: list(Step).index(item[0]))
        if step in WAITS_FOR
    ]
    return f"{', '.join(parts)}." if parts else ""


def reason_of(results: Iterable[Result]) -> str:
    """Why a catalogue is not done: how many products are, what others wait for, and the most urgent error."""
    results = list(results)
    done = sum(result.status.state is RowState.DONE for result in results)
    parts = [f"{done} of {len(results)} products are done.", waiting_sentence(results)]
    urgent = [
        result for result in results if result.status.error and result.status.state is not RowState.DONE
    ]
    if urgent:
        first = max(urgent, key=lambda result: result.status.exit_code)
        name = first.frozen.row.sku or f"row {first.frozen.row.number}"
        parts.append(f"{name}: {first.status.error.rstrip('.')}.")
    return " ".join(filter(None, parts))


def cost_of_all(results: Iterable[Result]) -> events.Cost:
    """What all rows have cost, in US dollars; ``unpriced`` counts requests of unknown cost."""
    statuses = [result.status for result in results]
    return {
        "actual": round(sum(status.paid for status in statuses), 6),
        "unpriced": sum(status.unpriced for status in statuses),
        "currency": "USD",
    }


def write_results(root: Path, lock: Lock) -> list[Result]:
    """Write all three files."""
    results = results_of(root, lock)
    for result in results:
        with contextlib.suppress(OSError):  # The page also works without this picture.
            for hero in (result.status.hero, *result.status.variants.values()):
                renew_thumbnail(root, result.frozen.folder, hero)
    write_json_atomically(root / RECORD, _record(lock, results))
    write_atomically(root / "catalogue.csv", _table(results).encode("utf-8-sig"))
    write_atomically(root / "index.html", _page(root, lock, results).encode())
    return results


def _record(lock: Lock, results: list[Result]) -> dict[str, Any]:
    counts = Counter(result.status.state.value for result in results)
    found = Counter(result.status.worst for result in results)
    return {
        "schema": 1,
        "catalogue": lock.catalogue,
        "tool": {"name": "Photoreal Set", "version": VERSION},
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": len(results),
        "severities": {severity.value: found.get(severity, 0) for severity in Severity},
        "states": {state.value: counts.get(state.value, 0) for state in RowState},
        "cost": cost_of_all(results),
        "products": [_product(result) for result in results],
    }


def _product(result: Result) -> dict[str, Any]:
    row, status = result.frozen.row, result.status
    return {
        "row": row.number,
        "line": row.line,
        "sku": row.sku,
        "state": status.state.value,
        "step": status.step.value,
        "error": status.error,
        "set": result.frozen.folder,
        "photos": list(status.photos),
        "rejected": list(status.rejected),
        "verdicts": dict(status.verdicts),
        "consistency": status.consistency,
        "videos": list(status.videos),
        "cost": status.paid,
        "unpriced": status.unpriced,
        "crashes": list(status.crashes),
        "spec": row.spec,
        "more": dict(row.more),
        "severity": status.worst.value if status.worst else "",
        "findings": list(status.findings),
    }


def _table(results: list[Result]) -> str:
    """For spreadsheets: our columns, the other columns of the catalogue, and the findings."""
    more = list(dict.fromkeys(name for result in results for name in result.frozen.row.more))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *map(spreadsheet_safe, more), *LAST_COLUMNS])
    for result in results:
        row, status = result.frozen.row, result.status
        cells = (
            str(row.number),
            str(row.line),
            row.sku,
            status.state.value,
            status.error,
            result.frozen.folder,
            str(len(status.photos)),
            _within(result, status.hero),
            _within(result, next(iter(status.videos), "")),
            f"{status.paid:.6f}".rstrip("0").rstrip("."),
            str(status.unpriced),
            f"{status.render_seconds:g}",
            "; ".join(status.crashes),
            ";".join(row.sources),
            row.spec,
            *(row.more.get(name, "") for name in more),
            status.worst.value if status.worst else "",
            _cell_of(status.findings),
            "; ".join(f"{name}: {verdict}" for name, verdict in status.verdicts.items()),
            str(len(status.rejected)),
            "" if status.consistency is None else f"{status.consistency:.2f}",
        )
        writer.writerow([spreadsheet_safe(cell) for cell in cells])
    return buffer.getvalue()


def _cell_of(findings: Iterable[Mapping[str, Any]]) -> str:
    text = " | ".join(f"{finding['severity']}: {finding['text']}" for finding in findings)
    return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}…"


def _page(root: Path, lock: Lock, results: list[Result]) -> str:
    cards = [
        Card(
            title=result.frozen.row.sku or f"row {result.frozen.row.number}",
            state=result.status.state.value,
            note=_note(result),
            is_error=not _only_waits(result),
            page=_page_of(root, result),
            picture=_thumbnail(root, result, result.status.hero),
            variants=_variants(root, result),
            findings=tuple(
                (finding["severity"], finding["text"])
                for finding in result.status.findings
                if finding["severity"] != Severity.NOTE
            ),
            folder=result.frozen.folder,
            cost=result.status.paid,
            verdicts=tuple(result.status.verdicts.values()),
            set_id=result.status.set_id,
            photos_id=result.status.photos_id,
        )
        for result in results
    ]
    cost = cost_of_all(results)
    amount = paid_to(cost["actual"], cost["unpriced"], is_emulated=lock.fal not in ("", LIVE))
    can_retry = lock.options.get("engine") == Engine.FAL
    return build_overview(Path(lock.catalogue).stem, cards, amount, can_retry=can_retry)


def _note(result: Result) -> str:
    """What a product that is not done lacks."""
    number, step = result.frozen.row.number, step_of(result)
    if result.status.error or step not in WAITS_FOR:
        return result.status.error or f"row {number}"
    has_model = step is Step.RENDER and result.status.step is Step.RENDER and bool(result.status.begun)
    made = "the 3D model is there, " if has_model and not _is_from_file(result) else ""
    return f"{made}waits for {WAITS_FOR[step]} (row {number})"


def _page_of(root: Path, result: Result) -> str:
    page = _within(result, "index.html") if result.frozen.folder else ""
    return page if page and (root / page).is_file() else ""


def _variants(root: Path, result: Result) -> tuple[CardVariant, ...]:
    return tuple(
        CardVariant(name, _thumbnail(root, result, hero)) for name, hero in result.status.variants.items()
    )


def _thumbnail(root: Path, result: Result, hero: str) -> str:
    return thumbnail_path(root, result.frozen.folder, hero).relative_to(root).as_posix() if hero else ""


def _within(result: Result, path: str) -> str:
    return f"{result.frozen.folder}/{path}" if path else ""
