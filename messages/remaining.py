# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run still takes, estimated from what it has measured itself.

Pictures and frames are rendered one after the other, stage by stage. Requests are answered at the same time as each
other and as the renders: photos follow references, and enlargements and videos follow photos. What was not measured yet
has no estimate, except a stage of renders, whose time follows from its effort and the speed of the stages before. One
picture of several says little: it takes the longest.
"""

import math
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .translation import translated

REFERENCES = "references"  # The stage that photos by fal.ai follow.
UNKNOWN = math.inf  # It stays itself in sums and maxima.


def _typical(times: list[float]) -> float:
    """The median, without the first one where there are others: it includes what is done once for all."""
    return statistics.median(times[1:] or times) if times else UNKNOWN


@dataclass(slots=True)
class _Stage:
    """Items that are made one after the other. ``began``: when the current one did, ``None`` between two."""

    left: int
    effort: float
    times: list[float] = field(default_factory=list)
    began: float | None = None

    def seconds(self, speed: float, now: float) -> float:
        """Until its last item. ``speed``: seconds for an effort of 1 in other stages, for what has no other estimate."""
        if self.left <= 0:
            return 0.0
        each = _typical(self.times) if len(self.times) > 1 else self._first_estimate(speed)
        if self.began is None or each == UNKNOWN:
            return each * self.left
        return max(0.0, each - (now - self.began)) + each * (self.left - 1)

    def _first_estimate(self, speed: float) -> float:
        """Seconds for each item before two are measured. The first also loads the scene, and all shadows of a video."""
        if speed != UNKNOWN:
            return min(_typical(self.times), self.effort * speed)
        return UNKNOWN

    @property
    def is_measured(self) -> bool:
        """Whether it says how fast this machine is: one item does not while others follow, as it takes the longest."""
        return len(self.times) > 1 or (len(self.times) == 1 and self.left <= 0)


@dataclass(slots=True)
class _Requests:
    """Requests of one kind. ``open``: when those that were sent began, by label."""

    left: int
    times: list[float] = field(default_factory=list)
    open: dict[str, float] = field(default_factory=dict)

    def end(self, start: float, now: float) -> float:
        """Seconds until the last one has ended, when those that were not sent yet are sent in ``start`` seconds."""
        if self.left <= 0:
            return start
        each = _typical(self.times)
        ends = [max(0.0, each - (now - began)) for began in self.open.values()]
        if self.left > len(self.open):
            ends.append(start + each)
        return max(ends, default=start)


class Remaining:
    """The work of one run. Safe from several threads. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, _Stage] = {}  # In the order in which they are rendered.
        self._requests: dict[str, _Requests] = {}
        self._lock = threading.Lock()

    def expect(self, stage: str, count: int, effort: float = 1.0) -> None:
        """``count`` items of a stage have to be rendered, each with ``effort`` compared to those of other stages."""
        with self._lock:
            self._stages[stage] = _Stage(count, effort)

    def correct(self, stage: str, count: int) -> None:
        """Only ``count`` items of the stage have to be rendered: the others exist."""
        with self._lock:
            self._stages.setdefault(stage, _Stage(count, 1.0)).left = count

    def begin(self, stage: str) -> None:
        """An item of the stage begins."""
        with self._lock:
            self._stages.setdefault(stage, _Stage(1, 1.0)).began = self._clock()

    def end(self, stage: str) -> None:
        """The item that began last is finished."""
        with self._lock:
            one = self._stages[stage]
            if one.began is not None:
                one.times.append(self._clock() - one.began)
            one.began = None
            one.left -= 1

    def expect_requests(self, kind: str, count: int) -> None:
        """``count`` requests have to be answered. ``kind``: "concept", "model", "photo", "upscale" or "video"."""
        with self._lock:
            self._requests[kind] = _Requests(count)

    def begin_request(self, kind: str, label: str) -> None:
        """The request is being sent, unless it was before."""
        with self._lock:
            self._requests.setdefault(kind, _Requests(1)).open.setdefault(label, self._clock())

    def end_request(self, kind: str, label: str, *, is_measured: bool) -> None:
        """Nothing more is awaited of the request. ``is_measured``: it took as long as others will."""
        with self._lock:
            requests = self._requests.setdefault(kind, _Requests(1))
            began = requests.open.pop(label, None)
            if began is not None and is_measured:
                requests.times.append(self._clock() - began)
            requests.left -= 1

    def seconds(self) -> float | None:
        """Until everything is done; ``None`` while that cannot be estimated."""
        with self._lock:
            if not self._stages and not self._requests:
                return None
            left = self._seconds(self._clock())
        return None if left == UNKNOWN else left

    def _seconds(self, now: float) -> float:
        renders = self._end_of("model", self._end_of("concept", 0.0, now), now)
        references = renders
        for name, stage in self._stages.items():
            renders += stage.seconds(self._speed_without(stage), now)
            if name == REFERENCES:
                references = renders
        photos = self._end_of("photo", references, now)
        return max(renders, photos, self._end_of("upscale", photos, now), self._end_of("video", photos, now))

    def _end_of(self, kind: str, start: float, now: float) -> float:
        requests = self._requests.get(kind)
        return requests.end(start, now) if requests else start

    def _speed_without(self, stage: _Stage) -> float:
        """Seconds for an effort of 1, over all other stages that were measured."""
        measured = [one for one in self._stages.values() if one.is_measured and one is not stage]
        measured = [one for one in measured if len(one.times) > 1] or measured
        effort = sum(stage.effort for stage in measured)
        return sum(_typical(stage.times) for stage in measured) / effort if effort else UNKNOWN


class Ends:
    """When items that are worked on together have ended. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._first = self._last = 0.0

    def count(self) -> None:
        """One more has ended."""
        self._last = self._clock()
        self._first = self._first if self._count else self._last
        self._count += 1

    def seconds(self, left: int) -> float | None:
        """Until ``left`` more have ended; ``None`` before two have: the first one also starts everything."""
        if left <= 0:
            return 0.0
        if self._count < 2:
            return None
        each = (self._last - self._first) / (self._count - 1)
        return each * (left - 1) + max(0.0, each - (self._clock() - self._last))


def duration(seconds: float) -> str:
    """Like 45 s, 12 min or 3:05 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60}:{minutes % 60:02} h"


def time_left(seconds: float) -> str:
    """An estimate in words, like "about 12 min left"; "almost done" when something takes longer than estimated."""
    return (
        translated("about {time} left", time=duration(seconds))
        if seconds >= 2.0
        else translated("almost done")
    )
