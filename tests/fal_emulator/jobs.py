# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what was submitted, their state, and their line in the ledger."""

import asyncio
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .outcomes import Outcome
from .schemas import Endpoint, Json, app_of
from .state import iso
from .storage import Lifecycle


class JobState(StrEnum):
    """The states in the ledger. Responses have only the first three: failed and cancelled jobs are COMPLETED there."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FINAL = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


@dataclass(slots=True, kw_only=True)
class Job:
    """One accepted submit."""

    endpoint: Endpoint
    input: Any
    base_url: str  # The base URL that the client used; the job's URLs begin with it.
    accepted_at: float
    headers: dict[str, str] = field(default_factory=dict)
    webhook: str = ""
    start_within: float | None = None
    lifecycle: Lifecycle = field(default_factory=Lifecycle)  # Of its output files.
    is_stored: bool = True
    faults: dict[str, Json] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: JobState = JobState.IN_QUEUE
    started_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None
    units: float = 0.0
    logs: list[Json] = field(default_factory=list)
    files: list[str] = field(default_factory=list)  # Paths of its output files.
    is_cancel_wanted: bool = False
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def app(self) -> str:
        return app_of(self.endpoint.id)

    @property
    def is_over(self) -> bool:
        return self.state in FINAL

    @property
    def running_seconds(self) -> float | None:
        """How long the job ran; None while it runs, or if it never started."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at

    def url(self, verb: str = "") -> str:
        return f"{self.base_url}/queue/{self.app}/requests/{self.request_id}{verb}"

    def urls(self) -> Json:
        return {
            "response_url": self.url(),
            "status_url": self.url("/status"),
            "cancel_url": self.url("/cancel"),
        }

    def log(self, message: str, moment: float) -> None:
        entry = {"message": message, "level": "INFO", "source": "USER", "timestamp": iso(moment)}
        self.logs.append(entry)

    def ledger_entry(self) -> Json:
        return {
            "request_id": self.request_id,
            "endpoint": self.endpoint.id,
            "input": self.input,
            "accepted_at": iso(self.accepted_at),
            "state": self.state.value,
            "units": self.units,
            "unknown_fields": self.endpoint.unknown_fields(self.input),
            "ignored_items": self.endpoint.ignored(self.input),
            "status_code": self.outcome.status if self.outcome else None,
            "error_type": self.outcome.error_type if self.outcome else "",
            "webhook": self.webhook,
            "defect": str(self.faults.get("planted-defect", {}).get("defect", "")),
            "headers": self.headers,
        }
