# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a job, and the reports of each change."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import fal_client

from ..files.input_files import shown_bytes
from .jobs import NEXT_STATES, Job, JobState
from .traffic import Traffic

_log = logging.getLogger(__name__)


class JobProgress:
    """The current state of a job. Each change is passed to ``on_change``."""

    def __init__(self, job: Job, on_change: Callable[[Job], None], traffic: Traffic) -> None:
        self.job = job
        self._on_change = on_change
        self._traffic = traffic
        self._report()

    def move(self, state: JobState, **changes: Any) -> None:
        """Report the next state. Raises ValueError for an illegal move."""
        self.job = self.job.moved_to(state, **changes)
        self._report()

    def change(self, **changes: Any) -> None:
        """Report other members of the job, if they have changed."""
        changed = replace(self.job, **changes)
        if changed != self.job:
            self.job = changed
            self._report()

    def end(self, state: JobState, error: str, *, redo: str = "") -> None:
        """Move to the last state, if that is a legal move; a response that is still awaited has no state yet."""
        if state is self.job.state:
            self.change(error=error, message="", redo=redo)
        elif state in NEXT_STATES[self.job.state]:
            self.move(state, error=error, redo=redo)

    def show(self, status: fal_client.Status) -> bool:
        """Report a status of the queue. Returns whether the job has moved since the last one."""
        before = self.job
        if isinstance(status, fal_client.Queued):
            if before.state is JobState.RUNNING:
                self.move(JobState.QUEUED)
            self.change(queue_position=status.position)
        elif isinstance(status, fal_client.InProgress):
            if before.state is not JobState.RUNNING:
                self.move(JobState.RUNNING, queue_position=None)
            messages = [
                str(line.get("message", "")).strip() for line in status.logs or [] if isinstance(line, dict)
            ]
            if lines := [line for message in messages for line in message.splitlines()[-1:]]:
                self.change(message=lines[-1][:200])
        now = self.job
        return (now.state, now.queue_position) != (before.state, before.queue_position)

    def show_arrived(self, arrived: int, total: int | None) -> None:
        """Report how many bytes of the result were downloaded, of how many if that is known."""
        of = f" of {shown_bytes(total)}" if total else ""
        self.change(message=f"{shown_bytes(arrived)}{of}")

    def _report(self) -> None:
        self._traffic.note(self, self.job.state)
        try:
            self._on_change(self.job)
        except Exception:  # noqa: BLE001  A listener must not end a paid job.
            _log.exception("A listener failed on %s", self.job.label)
