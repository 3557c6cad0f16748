# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of the Jobs panel for a catalogue: one for each product."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..messages.progress import END_STATES
from .run_rows import JOB_TEXTS, PICTURES, Row

# States of a product, as the panel calls them.
STATES = {
    "waiting": "waiting",
    "done": "done",
    "partial": "incomplete",
    "failed": "failed",
    "held": "uncertain",
}


WAITING, LEFT = STATES["waiting"], JOB_TEXTS["left"]


def expect_product(row: Row, folder: Path, *, is_done: bool) -> None:
    """Update the line of a product that this run may not have begun from what is in its ``folder``."""
    if is_done and row.state == WAITING:
        row.state, row.folder = STATES["done"], str(folder)


def take_product_event(row: Row, event: Mapping[str, Any], now: float) -> None:
    """Update the line of a product from an event about it. ``now``: ``time.monotonic``."""
    match event.get("event"):
        case "progress":
            stage, done, of = str(event["stage"]), int(event["done"]), max(1, int(event["of"]))
            state = PICTURES.get(stage, PICTURES["references"])[0]
            if row.state != state:
                row.move(state, now)
            row.fill(done / of)
        case "job":
            state = str(event.get("state", ""))
            if state not in END_STATES or state == "left":  # The product's own event tells how it has ended.
                row.move(JOB_TEXTS.get(state, state), now)
            row.queue_position = event.get("queue_position")
            row.request_id = str(event.get("request_id") or "") or row.request_id
        case "product":
            state = str(event.get("state", ""))
            text = STATES.get(state, state)
            if text == WAITING and row.state != WAITING:  # It was begun, and another run continues it.
                text = LEFT if row.state == LEFT else "stopped"
            row.move(text, now)
            row.error = str(event.get("error") or "")
            row.folder = str(event.get("set") or "")
