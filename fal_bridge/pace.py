# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the bridge polls, and how long it waits."""

from collections.abc import Mapping
from dataclasses import dataclass

from .jobs import USUAL_MAX_SECONDS, Kind
from .network.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Intervals and timeouts, in seconds unless noted."""

    poll: Mapping[Kind, float]
    questions: float = 30.0  # Per second, over all jobs: with many jobs, each is polled less often.
    first_pause: float = 0.3  # Before the first repetition of a safe call; later pauses are longer.
    queue: float = 3600.0  # Without any progress in the queue.
    running: float = 2 * 3600.0
    patience: float = 600.0  # With a network or a service that does not respond.
    submit: float = 120.0  # For the response to the paid request.
    # For a lost request to appear in fal.ai's lists, counted from its sending; None: ``USUAL_MAX_SECONDS``.
    lookup: float | None = None
    first_look: float = 2.0  # Until the second search; later pauses are longer.
    confirm: float = 30.0  # How long a failure that the job's status does not report must persist.
    max_wait: float = 600.0  # For fal.ai to accept requests again after it has asked to wait (429).
    sender: float = 180.0  # For another process to record its request; more than ``submit``.
    close: float = 20.0  # For responses to paid requests when everything else has stopped.

    @classmethod
    def of(cls, service: Service) -> "Pace":
        """The usual pace for fal.ai, or a fast one for an emulator."""
        if service.is_emulator:
            return cls(
                poll=dict.fromkeys(Kind, 0.05),
                questions=1000.0,
                first_pause=0.02,
                patience=20.0,
                lookup=3.0,
                first_look=0.1,
                confirm=0.5,
                max_wait=5.0,
            )
        quick = dict.fromkeys((Kind.PHOTO, Kind.CONCEPT, Kind.UPSCALE), 0.7)
        return cls(poll={**quick, Kind.VIDEO: 2.0, Kind.MODEL: 3.0})

    def between_questions(self, kind: Kind, followed: int) -> float:
        """Seconds between two polls of a job of ``kind`` while ``followed`` jobs are polled."""
        return max(self.poll[kind], self.turn(followed))

    def lookup_seconds(self, kind: Kind | None) -> float:
        """How long, in seconds from its sending, one run searches for a lost request of ``kind``."""
        if self.lookup is not None:
            return self.lookup
        return USUAL_MAX_SECONDS[kind] if kind else max(USUAL_MAX_SECONDS.values())

    def turn(self, followed: int) -> float:
        """Seconds between two polls of each of ``followed`` jobs, so that all of them stay below ``questions``."""
        return followed / self.questions
