# SPDX-License-Identifier: GPL-3.0-or-later
"""What all engines of one event loop share, so that many sets ask no more of fal.ai than one: sends, uploads, questions.

fal.ai runs as many requests of an account at once as the account has places, and lets the others wait. How many
places there are it does not say, but it is seen: with ``adapts`` no more requests wait in its queue than run, and
at least ``MIN_WAITING``. So every place is in use, a larger account is used as well as a small one, and a stop or a
ceiling finds few requests that nobody needs.

Who waits in line goes in the order of asking, but what nothing follows from lets others pass: a film that is begun last
keeps one place busy for a minute when all others are free, short photos fill the places beside it.
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
LET_PASS = 100  # Requests that come later and go before one that can wait.

_WAITS = frozenset({JobState.UPLOADING, JobState.SUBMITTING, JobState.UNCERTAIN, JobState.QUEUED})


class _Place(Enum):
    WAITING = "waiting"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class _Turn:
    rank: int
    called: "asyncio.Future[None]"


class Traffic:
    """Counts the requests of an event loop. Not for other threads."""

    def __init__(self, *, adapts: bool = False) -> None:
        self.sends = asyncio.Semaphore(MANY_SENDS)
        self.uploads = asyncio.Semaphore(MANY_UPLOADS)
        self.followed = 0  # Jobs that are asked about.
        self._adapts = adapts
        self._places: dict[object, _Place] = {}
        self._asked = 0
        self._in_line: list[_Turn] = []  # By rank.

    @property
    def running(self) -> int:
        return sum(place is _Place.RUNNING for place in self._places.values())

    @property
    def waiting(self) -> int:
        return len(self._places) - self.running

    async def take_place(self, job: object, check: Callable[[], None], *, can_wait: bool = False) -> None:
        """Wait until fal.ai can use one more request; then ``job`` counts as waiting there.

        ``can_wait``: ``LET_PASS`` requests that ask later go first. Raises what ``check`` raises, which is called
        before each wait.
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
        """Let all who wait check whether they still shall."""
        for turn in self._in_line:
            if not turn.called.done():
                turn.called.set_result(None)

    def note(self, job: object, state: JobState) -> None:
        """``job`` has this state now."""
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
        """One at a time: who is called takes its place, and calls the next."""
        if self._in_line and self._has_room() and not self._in_line[0].called.done():
            self._in_line[0].called.set_result(None)
