# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted (Generation), its progress (Job) and its outcome (JobResult). One table has the legal moves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..messages.labels import shown_label


class Kind(StrEnum):
    """What a job generates. The values are stored in journals."""

    MODEL = "model"
    PHOTO = "photo"
    VIDEO = "video"
    CONCEPT = "concept"  # A picture from text, which a model is then made from.
    UPSCALE = "upscale"


class Role(StrEnum):
    """What a file of a request is for, besides the main picture and the last frame."""

    VIDEO = "video"  # The video that is re-photographed.
    REFERENCE = "reference"  # Photos that show material, colour and surface.
    MIDDLE = "middle"  # Key frames between the first and the last, in order.
    MASK = "mask"  # Which part of the picture changes.
    GUIDE = "guide"  # Exact depth or edges.
    LEFT = "left"  # Views of the product from a named side.
    BACK = "back"
    RIGHT = "right"


SIDES = (Role.LEFT, Role.BACK, Role.RIGHT)  # After the front, in the order in which the camera goes round.

# A request has usually ended after this time, including the wait in fal.ai's queue. Until then, a list of requests
# without it proves nothing, because the list may contain only ended ones. fal.ai publishes no such numbers: these are
# a few times what its model pages and users report (photos under a minute, Meshy 5 to 10 minutes, Kling up to 7), and
# below the one hour that fal.ai allows for one attempt of an app.
USUAL_MAX_SECONDS: Mapping[Kind, float] = {
    Kind.PHOTO: 15 * 60.0,
    Kind.CONCEPT: 15 * 60.0,
    Kind.UPSCALE: 15 * 60.0,
    Kind.VIDEO: 45 * 60.0,
    Kind.MODEL: 45 * 60.0,
}

# What a set has only one of, and its name in ``resume --redo``.
SET_WIDE: Mapping[Kind, str] = {Kind.CONCEPT: "concept", Kind.MODEL: "model", Kind.VIDEO: "film"}


class JobState(StrEnum):
    """The states that a run reports for a job; see ``NEXT_STATES``."""

    PREPARED = "prepared"
    UPLOADING = "uploading"
    SUBMITTING = "submitting"
    UNCERTAIN = "uncertain"  # Sent, and the response is lost: it may be billed, so it is not sent again.
    QUEUED = "queued"
    RUNNING = "running"
    DOWNLOADING = "downloading"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"  # Not sent, because the run was stopped.
    LEFT = "left"  # Sent, and no longer followed by this run: it continues at fal.ai and can be resumed.


_ENDS = {JobState.FAILED, JobState.CANCELLED}
_ENDS_OF_SENT = {JobState.FAILED, JobState.LEFT}
_KNOWN_TO_THE_JOURNAL = {JobState.UNCERTAIN, JobState.QUEUED, JobState.DOWNLOADING, JobState.DONE}

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    JobState.PREPARED: frozenset({JobState.UPLOADING, JobState.SUBMITTING} | _KNOWN_TO_THE_JOURNAL | _ENDS),
    JobState.UPLOADING: frozenset({JobState.SUBMITTING} | _KNOWN_TO_THE_JOURNAL | _ENDS),
    # No CANCELLED: once the request may be sent, only its response tells the state. PREPARED: fal.ai asked to wait.
    JobState.SUBMITTING: frozenset({JobState.PREPARED, JobState.QUEUED, JobState.UNCERTAIN, JobState.FAILED}),
    # Found at fal.ai, or by another process, which may have finished it.
    # PREPARED: it is now certain that it was not accepted.
    JobState.UNCERTAIN: frozenset(
        {JobState.PREPARED, JobState.QUEUED, JobState.DOWNLOADING, JobState.DONE, JobState.FAILED}
    ),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.DOWNLOADING} | _ENDS_OF_SENT),
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.DOWNLOADING} | _ENDS_OF_SENT),
    JobState.DOWNLOADING: frozenset({JobState.DONE} | _ENDS_OF_SENT),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
    JobState.LEFT: frozenset(),
}


def _nothing(_request_id: str) -> None:
    """The caller keeps nothing but the file as received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What is wanted, in our terms; an ``Endpoint`` turns it into the fields of its API.

    ``stand_in`` gets a request id and gives the file that the caller has made from its result and still has, or None. It
    is used where the file as received is lost, here and at fal.ai.
    """

    kind: Kind
    endpoint: str
    label: str
    images: tuple[Path, ...] = ()
    end_image: Path | None = None
    files: Mapping[Role, tuple[Path, ...]] = field(default_factory=dict)  # By what they are for.
    settings: Mapping[str, Any] = field(default_factory=dict)  # Inputs that follow from what is wanted.
    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = None
    seconds: int = 5
    enlarge: float = 1.0  # The factor for width and height of the result.
    addresses: Mapping[Path, str] = field(default_factory=dict)  # URLs of files that need no upload.
    options: Mapping[str, Any] = field(default_factory=dict)  # Named as in the endpoint's API, and checked.
    can_wait: bool = False  # Nothing depends on it, so others may be sent first.
    take: int = 1  # From 2 on: the same inputs again, as another request.
    # Stored in the journal for the run that fetches the result.
    about: Mapping[str, Any] = field(default_factory=dict)
    stand_in: Callable[[str], Path | None] = _nothing

    @property
    def name(self) -> str:
        """Its name in ``resume --redo``: that of its angle, or one for the whole set."""
        return SET_WIDE.get(self.kind) or self.label.rsplit(" ", 1)[0]

    @property
    def shown_label(self) -> str:
        """Its label in sentences for people."""
        return shown_label(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The current state of one paid request. A change makes a new ``Job``."""

    key: str
    label: str
    kind: Kind
    endpoint: str
    state: JobState = JobState.PREPARED
    request_id: str = ""
    queue_position: int | None = None
    message: str = ""
    error: str = ""
    redo: str = ""  # Its name, when it has failed and another one can be bought.
    started_at: float = 0.0  # Seconds since 1970.

    def moved_to(self, state: JobState, **changes: Any) -> "Job":
        """The job in its next state. Raises ValueError for a move that is not in ``NEXT_STATES``, which is a bug."""
        if state not in NEXT_STATES[self.state]:
            raise ValueError(f"{self.label}: {self.state} cannot become {state}")
        return replace(self, state=state, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """A finished job: the file on disk and where it came from.

    ``is_stand_in``: the file is that of ``Generation.stand_in``, and ``sha256`` that of the file as received.
    """

    key: str
    path: Path
    sha256: str
    endpoint: str
    request_id: str
    seed: int | None
    cost: Decimal | None  # In US dollars; None when neither fal.ai nor the estimate tells.
    units: float | None  # Billed, in the unit of the endpoint's price; None when fal.ai reports none.
    inputs: dict[str, Any]  # As sent, with each file given by its hash.
    about: Mapping[str, Any] = field(default_factory=dict)  # Of its ``Generation``.
    is_stand_in: bool = False
