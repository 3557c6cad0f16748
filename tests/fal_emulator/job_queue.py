# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue: jobs wait, run a few at a time, and end with an outcome."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor

from .inputs import InputError, MediaReader
from .jobs import Job, JobState
from .lies import with_lies
from .outcomes import Outcome, cancelled, faulty_outcome, model_error, outcome_of
from .outputs import Call, Maker, Product, corrupted, data_uri, with_products
from .prices import units
from .schemas import Endpoint, Json
from .state import Controls
from .storage import FileStore, Lifecycle
from .webhooks import deliver

LOG_STEPS = 5
OPTIONAL_MEMBERS = (
    "timings",
    "seed",
    "has_nsfw_concepts",
    "prompt",
    "thumbnail",
    "texture_urls",
    "actual_prompt",
)


class JobQueue:
    """Runs jobs in order of acceptance, up to the maximum number of running jobs in the settings."""

    def __init__(self, controls: Controls, store: FileStore, reader: MediaReader) -> None:
        self.controls = controls
        self.store = store
        self.reader = reader
        self.maker = Maker()
        self.jobs: dict[str, Job] = {}
        self.running: set[str] = set()
        self.ready: list[Job] = []  # After their queue delay, waiting for a free slot.
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
        """The jobs IN_QUEUE, in order of acceptance."""
        return [
            job
            for job in self.jobs.values()
            if job.state is JobState.IN_QUEUE and endpoint_id in (None, job.endpoint.id)
        ]

    def position(self, job: Job) -> int:
        """The number of jobs ahead: those of other accounts, which decreases during the queue delay, and our own."""
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
        """Ask a job to stop; False when it has already ended."""
        if job.is_over:
            return False
        if "ignore-cancel" not in job.faults:
            job.is_cancel_wanted = True
            job.wake.set()
        return True

    def fill(self) -> None:
        """Start waiting jobs while there are free slots."""
        limit = self.controls.settings.concurrency
        self.ready.sort(key=lambda job: job.accepted_at)
        while self.ready and (limit is None or len(self.running) < limit):
            job = self.ready.pop(0)
            self.running.add(job.request_id)
            stats = self.controls.stats
            stats.highest_concurrency = max(stats.highest_concurrency, len(self.running))
            job.wake.set()

    def look_again(self) -> None:
        """Clock or settings have changed: every job checks whether it can continue."""
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
            self._end(job, JobState.CANCELLED, cancelled())
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
        """Sleep until a time, or until the job is woken."""
        job.wake.clear()
        seconds = min(max(0.0, until - self.controls.clock.now()), 0.5)  # The clock may be advanced.
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
                self._end(job, JobState.CANCELLED, cancelled())
                return
            outcome = outcome_of(work)
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
        if outcome := faulty_outcome(job.faults):
            if "model-error" in job.faults:
                job.units = float(job.faults["model-error"]["units"])
            return outcome
        endpoint = job.endpoint
        if entries := endpoint.complaints(job.input):
            return model_error(entries)
        inputs = endpoint.completed(job.input)
        try:
            media = await self.reader.read(endpoint, inputs)
        except InputError as error:
            return model_error(error.entries)
        planted = job.faults.get("planted-defect", {})
        call = Call(
            endpoint,
            inputs,
            media,
            "nsfw-black" in job.faults,
            str(planted.get("defect", "")),
            float(planted.get("amount", 0.0)),
        )
        loop = asyncio.get_running_loop()
        making = await loop.run_in_executor(self._threads, self.maker.make, call)
        is_inline = bool(inputs.get("sync_mode"))
        job.is_stored = job.is_stored and not is_inline
        placed: dict[int, Json] = {}  # A file that appears twice in an output has one URL.

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
        """The File or Image object of an output file, with the file at its URL."""
        if "corrupt-output" in job.faults:
            product = corrupted(product)
        product = with_lies(product, job.faults)
        if is_inline:
            url = data_uri(product)
        else:
            lifecycle = job.lifecycle
            if "ignore-acl" in job.faults:
                lifecycle = Lifecycle(lifecycle.seconds)
            stored = self.store.add(
                product.data, product.name, product.content_type, lifecycle, job.endpoint.id
            )
            stored.fixed_acl_status = int(job.faults.get("fixed-acl", {}).get("status", 0))
            host = self.controls.settings.output_host
            base = f"http://{host}" if host else job.base_url
            url = f"{base}/cdn/{stored.path}"
            job.files.append(stored.path)
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
