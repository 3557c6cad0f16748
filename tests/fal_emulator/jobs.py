# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: accepted, waiting, running, done; what each of them answers, costs and logs."""

import asyncio
import logging
import math
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .inputs import InputError, MediaReader
from .lies import told
from .outputs import Call, Maker, Product, corrupted, data_uri, with_products
from .prices import units
from .schemas import Endpoint, Json, app_of, complaint
from .state import Controls, iso
from .storage import FileStore
from .webhooks import deliver

logger = logging.getLogger(__name__)

LOG_STEPS = 5
MODEL_ERROR_STATUS = {
    "internal_server_error": 500,
    "generation_timeout": 504,
    "downstream_service_error": 400,
    "downstream_service_unavailable": 500,
}
OPTIONAL_MEMBERS = (
    "timings",
    "seed",
    "has_nsfw_concepts",
    "prompt",
    "thumbnail",
    "texture_urls",
    "actual_prompt",
)


class JobState(StrEnum):
    """The ledger's words. The wire knows the first three only: failed and cancelled are COMPLETED there."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FINAL = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


@dataclass(slots=True)
class Outcome:
    """What the result request answers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def error_type(self) -> str:
        return str(self.body.get("error_type", "bad_request")) if self.status >= 400 else ""


@dataclass(slots=True, kw_only=True)
class Job:
    """One accepted submit."""

    endpoint: Endpoint
    input: Any
    base_url: str  # Where the client reached us; the job's URLs start so.
    accepted_at: float
    headers: dict[str, str] = field(default_factory=dict)
    webhook: str = ""
    start_within: float | None = None
    output_lifetime: float | None = None
    is_stored: bool = True
    faults: dict[str, Json] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: JobState = JobState.IN_QUEUE
    started_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None
    units: float = 0.0
    logs: list[Json] = field(default_factory=list)
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
        """How long the job ran; None while it runs, or when it never began."""
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
            "headers": self.headers,
        }


class JobQueue:
    """Runs jobs in order of acceptance, at most so many at once as the settings allow."""

    def __init__(self, controls: Controls, store: FileStore, reader: MediaReader) -> None:
        self.controls = controls
        self.store = store
        self.reader = reader
        self.maker = Maker()
        self.jobs: dict[str, Job] = {}
        self.running: set[str] = set()
        self.ready: list[Job] = []  # Past their queue delay, waiting for a free place.
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(2, "model")
        controls.on_reset.append(self.forget)

    def forget(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.jobs.clear()
        self.running.clear()
        self.ready.clear()

    def close(self) -> None:
        self.forget()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def accept(self, job: Job) -> None:
        job.faults = self.controls.plan.for_job(job.endpoint.id)
        self.jobs[job.request_id] = job
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def waiting(self, endpoint_id: str | None = None) -> list[Job]:
        """Jobs IN_QUEUE, first come first."""
        return [
            job
            for job in self.jobs.values()
            if job.state is JobState.IN_QUEUE and endpoint_id in (None, job.endpoint.id)
        ]

    def position(self, job: Job) -> int:
        """Jobs ahead: strangers, who become fewer while the queue delay passes, and our own."""
        settings = self.controls.settings
        delay = settings.delays["queue"]
        left = 1.0 if delay <= 0 else 1.0 - (self.controls.clock.now() - job.accepted_at) / delay
        strangers = math.ceil(settings.queue_ahead * left) if 0.0 < left <= 1.0 and delay > 0 else 0
        if "never-leaves-queue" in job.faults:
            return max(1, settings.queue_ahead)
        own = 0
        if settings.concurrency is not None and len(self.running) >= settings.concurrency:
            own = next((place for place, other in enumerate(self.waiting()) if other is job), 0)
        return strangers + own

    def cancel(self, job: Job) -> bool:
        """Ask a job to stop; False when it is over already."""
        if job.is_over:
            return False
        if "ignore-cancel" not in job.faults:
            job.is_cancel_wanted = True
            job.wake.set()
        return True

    def fill(self) -> None:
        """Let waiting jobs begin while there is room."""
        limit = self.controls.settings.concurrency
        self.ready.sort(key=lambda job: job.accepted_at)
        while self.ready and (limit is None or len(self.running) < limit):
            job = self.ready.pop(0)
            self.running.add(job.request_id)
            stats = self.controls.stats
            stats.highest_concurrency = max(stats.highest_concurrency, len(self.running))
            job.wake.set()

    def look_again(self) -> None:
        """Clock or settings were changed: every job looks whether its time has come."""
        self.fill()
        for job in self.jobs.values():
            job.wake.set()

    async def _run(self, job: Job) -> None:
        try:
            if await self._wait_for_place(job):
                await self._work(job)
        finally:
            self.running.discard(job.request_id)
            self.fill()
        job.finished.set()
        if job.webhook:
            await deliver(job)

    async def _wait_for_place(self, job: Job) -> bool:
        """Whether the job may begin; False when it ended in the queue."""
        deadline = math.inf if job.start_within is None else job.accepted_at + job.start_within
        delay = math.inf if "never-leaves-queue" in job.faults else self.controls.settings.delays["queue"]
        until = min(job.accepted_at + delay, deadline)
        while not job.is_cancel_wanted and self.controls.clock.now() < until:
            await self._doze(job, until)
        if not job.is_cancel_wanted and self.controls.clock.now() < deadline:
            self.ready.append(job)
            self.fill()
        while (
            not job.is_cancel_wanted
            and job.request_id not in self.running
            and self.controls.clock.now() < deadline
        ):
            await self._doze(job, deadline)
        if job in self.ready:
            self.ready.remove(job)
        if job.is_cancel_wanted:
            self._end(job, JobState.CANCELLED, _cancelled())
            return False
        if job.request_id in self.running:
            return True
        timeout = Outcome(
            504,
            {"detail": "The request timed out before it began", "error_type": "request_timeout"},
            {"X-Fal-Request-Timeout-Type": "user", "X-Fal-Error-Type": "request_timeout"},
        )
        self._end(job, JobState.FAILED, timeout)
        return False

    async def _doze(self, job: Job, until: float) -> None:
        """Sleep until a moment, or until somebody wakes the job."""
        job.wake.clear()
        seconds = min(max(0.0, until - self.controls.clock.now()), 0.5)  # The clock may be moved on.
        try:
            async with asyncio.timeout(seconds):
                await job.wake.wait()
        except TimeoutError:
            return

    async def _work(self, job: Job) -> None:
        job.state, job.started_at = JobState.IN_PROGRESS, self.controls.clock.now()
        job.log("task started", job.started_at)
        work = asyncio.create_task(self._result(job))
        seconds = self.controls.settings.delays[job.endpoint.kind]
        try:
            for step in range(1, LOG_STEPS + 1):
                until = job.started_at + seconds * step / LOG_STEPS
                while not job.is_cancel_wanted and self.controls.clock.now() < until:
                    await self._doze(job, until)
                job.log(f"task {100 * step // LOG_STEPS}%", self.controls.clock.now())
            while not job.is_cancel_wanted and (not work.done() or "never-finishes" in job.faults):
                await self._wait_for_work(job, work)
            if job.is_cancel_wanted:
                self._end(job, JobState.CANCELLED, _cancelled())
                return
            outcome = _outcome_of(work)
        finally:
            work.cancel()
        self._end(job, JobState.COMPLETED if outcome.status < 400 else JobState.FAILED, outcome)

    async def _wait_for_work(self, job: Job, work: asyncio.Task[Outcome]) -> None:
        job.wake.clear()
        wake = asyncio.create_task(job.wake.wait())
        try:
            await asyncio.wait({wake} if work.done() else {wake, work}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wake.cancel()

    async def _result(self, job: Job) -> Outcome:
        if outcome := _faulty_outcome(job):
            if "model-error" in job.faults:
                job.units = float(job.faults["model-error"]["units"])
            return outcome
        endpoint = job.endpoint
        if entries := endpoint.complaints(job.input):
            return _model_error(entries)
        inputs = endpoint.completed(job.input)
        try:
            media = await self.reader.read(endpoint, inputs)
        except InputError as error:
            return _model_error(error.entries)
        call = Call(endpoint, inputs, media, "nsfw-black" in job.faults)
        loop = asyncio.get_running_loop()
        making = await loop.run_in_executor(self._threads, self.maker.make, call)
        is_inline = bool(inputs.get("sync_mode"))
        job.is_stored = job.is_stored and not is_inline
        placed: dict[int, Json] = {}  # One file that stands in two places of an output has one address.

        def place(product: Product) -> Json:
            if id(product) not in placed:
                placed[id(product)] = self._placed(job, product, is_inline)
            return placed[id(product)]

        output = with_products(making.output, place)
        if "missing-optional-members" in job.faults:
            output = {name: value for name, value in output.items() if name not in OPTIONAL_MEMBERS}
        if "other-output" in job.faults:
            output = {f"new_{name}": value for name, value in output.items()}
        job.units = units(endpoint, inputs, making.measure)
        return Outcome(200, output)

    def _placed(self, job: Job, product: Product, is_inline: bool) -> Json:
        """The File or Image object of an output file, with the file where its URL says."""
        if "corrupt-output" in job.faults:
            product = corrupted(product)
        product = told(product, job.faults)
        if is_inline:
            url = data_uri(product)
        else:
            stored = self.store.add(
                product.data, product.name, product.content_type, job.output_lifetime, job.endpoint.id
            )
            host = self.controls.settings.output_host
            base = f"http://{host}" if host else job.base_url
            url = f"{base}/cdn/{stored.path}"
        if "outside-output" in job.faults:
            url = f"https://192.0.2.1/files/{product.name}"
        if "missing-optional-members" in job.faults:
            return {"url": url}
        found: Json = {
            "url": url,
            "content_type": product.content_type,
            "file_name": product.name,
            "file_size": len(product.data),
        }
        if product.size is not None and _has_image_members(job.endpoint):
            found |= {"width": product.size[0], "height": product.size[1]}
        return found

    def _end(self, job: Job, state: JobState, outcome: Outcome) -> None:
        job.state, job.outcome, job.ended_at = state, outcome, self.controls.clock.now()
        if outcome.status >= 500 or state is JobState.CANCELLED:
            job.units = 0.0


def _has_image_members(endpoint: Endpoint) -> bool:
    """Whether the main file is an Image (with its size) or a plain File."""
    main: Json = endpoint.outputs.get("images") or endpoint.outputs.get("image") or {}
    return str(main.get("items", main).get("$ref", "")).endswith("/Image")


def _model_error(entries: list[Json], status: int = 422) -> Outcome:
    return Outcome(status, {"detail": entries}, {"X-Fal-Retryable": "false" if status == 422 else "true"})


def _outcome_of(work: asyncio.Task[Outcome]) -> Outcome:
    """The result of the model call; a mistake of the emulator itself is loud and looks like a crash."""
    if (error := work.exception()) is None:
        return work.result()
    logger.error("the emulator failed to make an output", exc_info=error)
    return _model_error([complaint(["body"], "internal_server_error", repr(error))], 500)


def _cancelled() -> Outcome:
    body = {"detail": "The request was cancelled", "error_type": "client_cancelled"}
    return Outcome(499, body, {"X-Fal-Error-Type": "client_cancelled"})


def _model_error_fault(parameters: Json) -> Outcome:
    word = str(parameters["type"])
    entry = complaint(["body"], word, "The model refused or failed")
    return _model_error([entry], MODEL_ERROR_STATUS.get(word, int(parameters["status"])))


def _model_crash_fault(_parameters: Json) -> Outcome:
    return _model_error([complaint(["body"], "internal_server_error", "The model crashed")], 500)


def _runner_error_fault(parameters: Json) -> Outcome:
    word = str(parameters["type"])
    body = {"detail": "The runner failed", "error_type": word}
    return Outcome(int(parameters["status"]), body, {"X-Fal-Error-Type": word})


def _result_timeout_fault(parameters: Json) -> Outcome:
    headers = {"X-Fal-Error-Type": "request_timeout"}
    if parameters["user"]:
        headers["X-Fal-Request-Timeout-Type"] = "user"
    return Outcome(504, {"detail": "The request timed out", "error_type": "request_timeout"}, headers)


_OUTCOMES: dict[str, Callable[[Json], Outcome]] = {
    "model-error": _model_error_fault,
    "model-crash": _model_crash_fault,
    "runner-error": _runner_error_fault,
    "result-timeout": _result_timeout_fault,
}


def _faulty_outcome(job: Job) -> Outcome | None:
    """The failure that a fault has in store for this job."""
    return next((make(job.faults[name]) for name, make in _OUTCOMES.items() if name in job.faults), None)
