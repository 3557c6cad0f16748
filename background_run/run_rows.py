# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of the Jobs panel: an angle, the 3D model, the spin or the video, and how much of it is done."""

import time
from dataclasses import dataclass

# States of a job, as the panel calls them.
JOB_TEXTS = {
    "prepared": "waiting",
    "submitting": "sending",
    "running": "generating",
    "queued": "queued",
    "left": "at fal.ai",
}
# The stages that make a picture of each angle: the state meanwhile, the state afterwards.
PICTURES = {"references": ("rendering", "rendered"), "photos": ("photographing", "done")}
# The stages that add something to an angle, whose state is the same afterwards.
ADDITIONS = {"passes": "rendering passes", "calibration": "measuring light"}
BUSY = {
    *(doing for doing, _ready in PICTURES.values()),
    *ADDITIONS.values(),
    "uploading",
    "sending",
    "queued",
    "generating",
    "downloading",
}
AT_FAL = {"queued", "generating"}
# How much of a row is done in each state, and how much its own work adds.
SHARES = {
    "rendering": (0.0, 0.4),
    "rendered": (0.4, 0.0),
    "photographing": (0.4, 0.6),
    "rendering passes": (0.4, 0.0),
    "measuring light": (0.4, 0.0),
    "uploading": (0.45, 0.0),
    "sending": (0.45, 0.0),
    "queued": (0.45, 0.0),
    "generating": (0.6, 0.0),
    "at fal.ai": (0.6, 0.0),
    "downloading": (0.9, 0.0),
    "waiting": (0.0, 0.0),
}


@dataclass(slots=True)
class Row:
    """One line. ``factor``: how much of the present state is done, from 0 to 1; ``None`` where that is not measured.

    ``worked`` and ``since``: seconds of work before the present state, and when that began (``time.monotonic``).
    ``after``: the state that follows an addition. ``is_series``: frames, counted over all of the row.
    """

    name: str
    state: str = "waiting"
    factor: float | None = None
    queue_position: int | None = None
    error: str = ""
    request_id: str = ""  # At fal.ai; of the newest request for it.
    folder: str = ""  # The set folder of a finished product of a catalogue.
    worked: float = 0.0
    since: float = 0.0
    after: str = ""
    is_series: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether something is done for it, as opposed to waiting."""
        return self.state in BUSY

    @property
    def share(self) -> float:
        """How much of the row is done, from 0 to 1."""
        if self.is_series:
            return self.factor if self.is_busy and self.factor is not None else float(self.state == "done")
        begun, own = SHARES.get(self.state, (1.0, 0.0))
        return begun + own * (self.factor or 0.0)

    def move(self, state: str, now: float) -> None:
        """Begin another state at ``now`` (``time.monotonic``)."""
        self.worked = self.elapsed(now)
        self.since = now
        self.state = state
        self.factor = None
        self.after = ""

    def add(self, state: str, now: float) -> None:
        """Begin an addition, after which the present state returns."""
        before = self.after or self.state
        self.move(state, now)
        self.after = before

    def elapsed(self, now: float | None = None) -> float:
        """Seconds of work up to ``now`` (``time.monotonic``), without the time that the row waited."""
        now = time.monotonic() if now is None else now
        return self.worked + (now - self.since if self.is_busy else 0.0)

    def fill(self, factor: float) -> None:
        """So much of the present state is done. Cycles counts its samples twice for some pictures: it never falls."""
        self.factor = max(self.factor or 0.0, min(1.0, factor))
