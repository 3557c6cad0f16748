# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that all engines of one event loop share: on sending, on uploads and on polling.

fal.ai runs as many requests of an account at the same time as the account has slots, and queues the others. It does
not publish the number of slots, but their use can be observed: with ``adapts``, no more requests wait in the queue than
run, and at least ``MIN_WAITING``. All slots are then in use, whatever the size of the account, and a stop or a ceiling
leaves few requests that are no longer needed.

Requests are sent in the order of asking, but those that nothing depends on let others pass: a video that starts last
occupies one slot for a minute, and short photos use the slots beside it.
"""

import asyncio
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .jobs import JobState

MANY_SENDS = 6
MANY_UPLOADS = 6
MIN_WAITING = 4
MAX_AT_ONCE = 200
LET_PASS = 100  # How many later requests pass one that can wait.

_WAITS = frozenset({JobState.UPLOADING, JobState.SUBMITTING, JobState.UNCERTAIN, JobState.QUEUED})


class _Place(Enum):
    WAITING = "waiting"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class _Turn:
    rank: int
    called: "asyncio.Future[None]"


class Traffic:
    """Counts the requests of one event loop. Not thread-safe."""

    def __init__(self, *, adapts: bool = False) -> None:
        self.sends = asyncio.Semaphore(MANY_SENDS)
        self.uploads = asyncio.Semaphore(MANY_UPLOADS)
        self.followed = 0  # Jobs that are polled.
        self._adapts = adapts
        self._places: dict[object, _Place] = {}
        self._asked = 0
        self._in_line: list[_Turn] = []  # By rank.

    @property
    def running(self) -> int:
        return sum(place is _Place.RUNNING for place in self._places.values())

    async def take_place(self, job: object, check: Callable[[], None], *, can_wait: bool = False) -> None:
        """Wait until fal.ai has room for another request; ``job`` then counts as waiting there.

        ``can_wait``: up to ``LET_PASS`` later requests go first. ``check`` is called before each wait; its errors are
        passed on.
        """
        check()
        self._asked += 1
        rank = self._asked + (LET_PASS + 1 if can_wait else 0)
        while self._adapts and job not in self._places and not self._has_room():
            turn = _Turn(rank, asyncio.get_running_loop().create_future())
            insort(self._in_line, turn, key=lambda one: one.rank)
            try:
                await turn.called
                check()
            except BaseException:
                self._in_line.remove(turn)
                self._call_next()  # The turn may have been given to us.
                raise
            self._in_line.remove(turn)
        self._places.setdefault(job, _Place.WAITING)
        self._call_next()

    def wake(self) -> None:
        """Let all waiting requests call their ``check`` now."""
        for turn in self._in_line:
            if not turn.called.done():
                turn.called.set_result(None)

    def note(self, job: object, state: JobState) -> None:
        """Record the new state of ``job``."""
        if state is JobState.RUNNING:
            self._places[job] = _Place.RUNNING
        elif state in _WAITS:
            self._places[job] = _Place.WAITING
        else:
            self._places.pop(job, None)
        self._call_next()

    def _has_room(self) -> bool:
        running = self.running
        waiting = len(self._places) - running
        return len(self._places) < MAX_AT_ONCE and waiting < max(MIN_WAITING, running)

    def _call_next(self) -> None:
        """Call one request; it takes its place and calls the next."""
        if self._in_line and self._has_room() and not self._in_line[0].called.done():
            self._in_line[0].called.set_result(None)
