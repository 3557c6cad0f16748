# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the cloud stage share: starting requests of one set, keeping results, waiting for all of them."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TypeVar

from ..fal_bridge.bridge import Bridge, Connection
from ..fal_bridge.errors import CeilingReachedError, ProductCeilingError, StoppedError, UncertainSubmitError
from ..fal_bridge.jobs import Generation, Job, JobResult, JobState
from ..fal_bridge.journal import Entry, Journal, Stage
from ..fal_bridge.money.spending import Spending
from ..fal_bridge.network.lifecycle import Lifecycle
from ..files.writing import sha256_of
from ..messages import events
from ..messages.errors import MachineError, PhotorealError, machine_error
from .activity import Activity
from .folder import Record
from .labels import label_of_variant
from .readiness import both
from .results import SetResults
from .takes import Shelf

T = TypeVar("T")

_ENDED = {JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LEFT}

log = logging.getLogger(__name__)


def bridge_for(
    results: SetResults, spending: Spending | None, connection: Connection | None = None
) -> Bridge:
    """A bridge for the requests of one set, which reports them to the set's reporter.

    Raises InputError when the set's journal is not complete.
    """
    results.check_journal()
    plan = results.plan
    assert plan.service is not None, "a plan that uses fal is checked to have it"
    return Bridge(
        plan.service,
        results.folder.journal,
        lambda job: _tell_job(results, job),
        connection=connection,
        lifecycle=Lifecycle(seconds=None if plan.keep_uploads else plan.expiration, is_private=plan.private),
        webhook=plan.webhook,
        endpoints=plan.endpoints,
        spending=spending,
        inline_bytes=plan.inline_bytes,
    )


def _tell_job(results: SetResults, job: Job) -> None:
    if job.state not in (JobState.PREPARED, JobState.DONE):  # Otherwise an earlier run has finished it.
        results.has_worked.set()
    label, redo = job.label, job.redo or None
    if results.variant:
        label = label_of_variant(results.variant.name, label)
        redo = None  # `resume --redo` is for the first variant.
    _follow(results.activity, job, label)
    results.reporter.tell(
        events.Job(
            label=label,
            state=job.state.value,
            endpoint=job.endpoint,
            request_id=job.request_id,
            queue_position=job.queue_position,
            message=job.message,
            error=job.error,
            redo=redo,
            key=job.key if job.state is JobState.UNCERTAIN else None,
            eta_seconds=results.activity.eta_seconds,
        )
    )


def _follow(activity: Activity, job: Job, label: str) -> None:
    """Measure how long requests of this kind take. ``label`` tells it from all others of the run."""
    if job.state is JobState.PREPARED:
        return  # It may wait here for a long time: until there is room, or its picture is rendered.
    if job.state in _ENDED:
        activity.request(label, is_open=False)
        activity.remaining.end_request(job.kind, label, is_measured=job.state is JobState.DONE)
    else:
        activity.request(label, is_open=True)
        activity.remaining.begin_request(job.kind, label)


class CloudJobs:
    """The requests of one set.

    ``keeper``: keeps results instead of the bridge's thread; for callers that keep the results of many sets.
    """

    def __init__(self, results: SetResults, bridge: Bridge, keeper: Executor | None = None) -> None:
        self._results = results
        self._bridge = bridge
        self._keeper = keeper
        self._waiting: list[Future[None]] = []
        self._ceilings: list[CeilingReachedError] = []

    @property
    def is_at_ceiling(self) -> bool:
        """Whether something was not sent because a ceiling was reached."""
        return bool(self._ceilings)

    @property
    def is_at_common_ceiling(self) -> bool:
        """Whether one of these ceilings is over more than this product."""
        return not all(isinstance(error, ProductCeilingError) for error in self._ceilings)

    def generate(self, generation: Generation, target: Path) -> Future[JobResult]:
        """Start a request whose result goes to ``target``, a path without suffix."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._results.stop.is_asked:  # This may follow from a job that ``cancel`` has ended.
            self._bridge.send_no_more()
        return self._bridge.start(generation, target)

    def run(
        self,
        generation: Generation,
        target: Path,
        keep: Callable[[JobResult], None],
        lose: Callable[[PhotorealError, Record], None],
        *,
        after: Future[None] | None = None,
    ) -> None:
        """Start a request; later ``keep`` gets its result, or ``lose`` the error and what ``set.json`` says of it.

        ``after``: the result is kept only when this future is set too.
        """

        def lose_with_facts(error: PhotorealError) -> None:
            lose(error, {**failure(error), "endpoint": generation.endpoint})

        future = self.generate(generation, target)
        self.when_ready(future if after is None else both(future, after), keep, lose_with_facts)

    def settle(self, label: str, target: Path) -> Future[None]:
        """Fetch what earlier runs have paid under ``label``; ready once none of it is open any more."""
        return self._bridge.settle(label, target)

    def when_ready(
        self,
        future: Future[T],
        keep: Callable[[T], None],
        lose: Callable[[PhotorealError], None],
    ) -> None:
        """Call ``keep`` or ``lose`` with the outcome of ``future``, on the bridge's thread."""
        settled = self.add_waiting()

        def settle(done: Future[T]) -> None:
            try:
                keep(done.result())
            except PhotorealError as error:
                if isinstance(error, CeilingReachedError):
                    self._ceilings.append(error)
                lose(error)
            except OSError as error:
                log.exception("A result could not be kept")
                lose(machine_error(error))
            except Exception as error:
                log.exception("A result could not be kept")
                hint = "Run the same command again."
                lose(MachineError(f"The result could not be kept ({error}).", hint=hint))
            finally:
                settled.set_result(None)

        if self._keeper:
            keeper = self._keeper
            future.add_done_callback(lambda done: keeper.submit(settle, done))
        else:
            future.add_done_callback(settle)

    def add_waiting(self) -> Future[None]:
        """One more thing that ``wait`` waits for, until the future is set."""
        settled: Future[None] = Future()
        self._waiting.append(settled)
        return settled

    def wait(self) -> None:
        """Wait until everything has settled, including what is started meanwhile."""
        while self._waiting:  # Settling may add to it: the hero's photo starts the video.
            self._waiting[0].result()
            self._waiting.pop(0)

    def strays(self, label: str, shelf: Shelf, name: str) -> Iterator[tuple[Entry, Path]]:
        """Finished requests with this label that the set does not list, and their files."""
        for entry, path in self.finished(label):
            request_id = str(entry.facts[Stage.DONE].get("request_id", ""))
            if not self._results.takes.knows(shelf, name, request_id):
                yield entry, path

    def finished(self, label: str) -> Iterator[tuple[Entry, Path]]:
        """Finished requests with this label whose files are as they were received."""
        journal = Journal(self._results.folder.journal)
        for entry in journal.done_jobs(label):
            done = entry.facts[Stage.DONE]
            path = journal.file_of(done)
            if path is not None and path.is_file() and sha256_of(path) == done.get("sha256"):
                yield entry, path


def paid_by_result(result: JobResult) -> Record:
    """Where a file came from and its price in US dollars; the price is null when it is not known."""
    price = None if result.cost is None else float(result.cost)
    return {"endpoint": result.endpoint, "request_id": result.request_id, "price": price}


def paid_by_entry(entry: Entry) -> Record:
    """The same for a finished request that only the journal knows."""
    done = entry.facts[Stage.DONE]
    cost = done.get("cost")
    return {
        "endpoint": entry.endpoint,
        "request_id": str(done["request_id"]),
        "price": float(cost) if cost is not None else None,
    }


def failure(error: PhotorealError) -> Record:
    """What ``set.json`` says of a request that has brought no result: its state and why."""
    if isinstance(error, UncertainSubmitError):
        state = "uncertain"
    else:
        state = "waiting" if isinstance(error, StoppedError) else "failed"
    return {"state": state, "error": str(error)}
