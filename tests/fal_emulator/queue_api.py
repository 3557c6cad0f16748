# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue on the wire: submit, status, status stream, result, cancel, and the direct call."""

import asyncio
import json
import re
import uuid
from typing import Any

from aiohttp import web

from .job_queue import JobQueue
from .jobs import Job, JobState
from .schemas import Endpoint, Json, all_endpoints, app_of
from .state import Controls
from .storage import base_of, requested_lifecycle
from .wire import REQUEST_ID_HEADER, json_answer, refusal

STREAM_SECONDS = 0.05
REQUEST_PATH = re.compile(
    r"(?P<app>.+?)/requests/(?P<id>[^/]+)(?:/(?P<verb>status/stream|status|cancel|response))?"
)
VERBS = {
    None: "result",
    "response": "result",
    "status": "status",
    "status/stream": "stream",
    "cancel": "cancel",
}
METHODS = {"result": "GET", "status": "GET", "stream": "GET", "cancel": "PUT"}
KEPT_HEADERS = (
    "X-Fal-Request-Timeout",
    "X-Fal-Runner-Hint",
    "X-Fal-Queue-Priority",
    "X-Fal-Object-Lifecycle-Preference",
    "X-Fal-Store-IO",
    "X-Fal-No-Retry",
    "x-app-fal-disable-fallback",
    "X-Fal-Tags",
    "User-Agent",
)


def verb_and_job(tail: str) -> tuple[str, str, str]:
    """What a path below ``/queue/`` means: verb, endpoint or app, request id ("" for a submit)."""
    tail = tail.rstrip("/")
    match = REQUEST_PATH.fullmatch(tail)
    if match is None:
        return "submit", tail, ""
    return VERBS[match["verb"]], match["app"], match["id"]


def not_found() -> web.Response:
    return json_answer({"status": "NOT_FOUND"}, 404, {REQUEST_ID_HEADER: str(uuid.uuid4())})


class QueueRoutes:
    """The HTTP interface of a ``JobQueue``."""

    def __init__(self, controls: Controls, queue: JobQueue) -> None:
        self.controls = controls
        self.queue = queue

    def find(self, app: str, request_id: str) -> Job | None:
        """The job of a URL; None for unknown ids and for URLs of another app."""
        job = self.queue.jobs.get(request_id)
        return job if job is not None and app_of(app) == job.app else None

    def endpoint(self, endpoint_id: str) -> Endpoint | None:
        if endpoint_id in self.controls.settings.withdrawn:
            return None
        return all_endpoints().get(endpoint_id)

    async def submit(self, request: web.Request, endpoint_id: str) -> web.StreamResponse:
        job = await self._accepted(request, endpoint_id)
        if isinstance(job, web.Response):
            return job
        answer: Json = {
            "status": "IN_QUEUE",
            "request_id": job.request_id,
            **job.urls(),
            "logs": None,
            "metrics": {},
            "queue_position": self.queue.position(job),
        }
        if "missing-optional-members" in job.faults:
            for name in ("status", "logs", "metrics", "queue_position"):
                del answer[name]
        return json_answer(answer, headers={REQUEST_ID_HEADER: job.request_id})

    async def run(self, request: web.Request, endpoint_id: str) -> web.StreamResponse:
        """The direct call without queue: waits for the output; rejected when all slots are in use."""
        limit = self.controls.settings.concurrency
        if limit is not None and len(self.queue.running) >= limit:
            return refusal(
                429,
                "Too many concurrent requests",
                "concurrent_requests_limit",
                {"X-Fal-Needs-Retry": "1"},
            )
        job = await self._accepted(request, endpoint_id)
        if isinstance(job, web.Response):
            return job
        await job.finished.wait()
        return self._outcome(job)

    async def _accepted(self, request: web.Request, endpoint_id: str) -> Job | web.Response:
        endpoint = self.endpoint(endpoint_id)
        if endpoint is None:
            return refusal(404, f'Application "{endpoint_id}" not found')
        start_within = None
        if (text := request.headers.get("X-Fal-Request-Timeout")) is not None:
            try:
                start_within = float(text)
            except ValueError:
                return refusal(400, "X-Fal-Request-Timeout is not a number", "bad_request")
        longest = request.query.get("fal_max_queue_length")
        if longest and longest.isdecimal() and len(self.queue.waiting(endpoint_id)) >= int(longest):
            return refusal(429, "The queue is longer than asked for", "queue_full")
        job = Job(
            endpoint=endpoint,
            input=await _body(request),
            base_url=base_of(request),
            accepted_at=self.controls.clock.now(),
            headers={name: request.headers[name] for name in KEPT_HEADERS if name in request.headers},
            webhook=request.query.get("fal_webhook", ""),
            start_within=start_within,
            lifecycle=requested_lifecycle(request.headers),
            is_stored=request.headers.get("X-Fal-Store-IO") != "0",
        )
        self.queue.accept(job)
        return job

    async def status(self, request: web.Request, job: Job | None) -> web.StreamResponse:
        if job is None:
            return not_found()
        return json_answer(
            self.status_object(job, has_logs=_wants_logs(request)),
            200 if job.is_over else 202,
            {REQUEST_ID_HEADER: job.request_id},
        )

    async def stream(self, request: web.Request, job: Job | None) -> web.StreamResponse:
        """Server-sent events: a status object at every change, the last one COMPLETED."""
        if job is None:
            return not_found()
        answer = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-cache",
                REQUEST_ID_HEADER: job.request_id,
            }
        )
        await answer.prepare(request)
        told = ""
        while True:
            is_over = job.is_over
            text = json.dumps(self.status_object(job, has_logs=_wants_logs(request)))
            if text != told:
                await answer.write(f"data: {text}\n\n".encode())
                told = text
            if is_over:
                return answer
            await asyncio.sleep(STREAM_SECONDS)

    def status_object(self, job: Job, *, has_logs: bool) -> Json:
        found: Json = {
            "status": "COMPLETED" if job.is_over else job.state.value,
            "request_id": job.request_id,
            **job.urls(),
        }
        window = job.logs[-self.controls.settings.log_window :] if has_logs else None
        if job.state is JobState.IN_QUEUE:
            return found | {"queue_position": self.queue.position(job), "logs": None}
        found["logs"] = window
        if "early-completed" in job.faults:
            found["status"] = "COMPLETED"
        if not job.is_over or job.outcome is None:
            return found
        if "missing-optional-members" not in job.faults:
            found["metrics"] = {"inference_time": job.running_seconds}
        if job.outcome.status >= 400:
            found |= {"error": _error_text(job.outcome.body), "error_type": job.outcome.error_type}
        return found

    async def result(self, _request: web.Request, job: Job | None) -> web.StreamResponse:
        if job is None:
            return not_found()
        if not job.is_over:
            answer = refusal(400, "Request is still in progress")
            answer.headers[REQUEST_ID_HEADER] = job.request_id
            return answer
        return self._outcome(job)

    def _outcome(self, job: Job) -> web.Response:
        lifetime = self.controls.settings.result_lifetime
        if "result-expired" in job.faults or self.controls.clock.now() >= (job.ended_at or 0.0) + lifetime:
            return not_found()
        assert job.outcome is not None
        headers = {
            **job.outcome.headers,
            REQUEST_ID_HEADER: job.request_id,
            "X-Fal-Billable-Units": str(job.faults.get("wrong-units", {}).get("units", f"{job.units:.9g}")),
        }
        return json_answer(job.outcome.body, job.outcome.status, headers)

    async def cancel(self, _request: web.Request, job: Job | None) -> web.StreamResponse:
        if job is None:
            return not_found()
        headers = {REQUEST_ID_HEADER: job.request_id}
        if self.queue.cancel(job):
            return json_answer({"status": "CANCELLATION_REQUESTED"}, 202, headers)
        return json_answer({"status": "ALREADY_COMPLETED"}, 400, headers)


async def _body(request: web.Request) -> Any:
    """The JSON of a submit; anything else as text, which the model then rejects."""
    data = await request.read()
    try:
        return json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return data.decode(errors="replace")


def _wants_logs(request: web.Request) -> bool:
    return request.query.get("logs", "").lower() in ("1", "true")


def _error_text(body: Any) -> str:
    detail = body.get("detail", "") if isinstance(body, dict) else ""
    return detail if isinstance(detail, str) else "; ".join(entry["msg"] for entry in detail)
