# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of the Jobs panel for a catalogue: one for each product."""

from collections.abc import Mapping
from typing import Any

from .run_rows import JOB_TEXTS, PICTURES, Row

# States of a product, as the panel calls them.
STATES = {
    "waiting": "waiting",
    "done": "done",
    "partial": "incomplete",
    "failed": "failed",
    "held": "uncertain",
}


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
            row.move(JOB_TEXTS.get(state, state), now)
            row.queue_position = event.get("queue_position")
            row.request_id = str(event.get("request_id") or "") or row.request_id
        case "product":
            state = str(event.get("state", ""))
            row.move(STATES.get(state, state), now)
            row.error = str(event.get("error") or "")
            row.folder = str(event.get("set") or "")
