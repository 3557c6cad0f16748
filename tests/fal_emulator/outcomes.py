# SPDX-License-Identifier: GPL-3.0-or-later
"""What the result of a job is on the wire, in particular when the job fails."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .schemas import Json, complaint

logger = logging.getLogger(__name__)

MODEL_ERROR_STATUS = {
    "internal_server_error": 500,
    "generation_timeout": 504,
    "downstream_service_error": 400,
    "downstream_service_unavailable": 500,
}


@dataclass(slots=True)
class Outcome:
    """The response to a request for the result."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def error_type(self) -> str:
        return str(self.body.get("error_type", "bad_request")) if self.status >= 400 else ""


def model_error(entries: list[Json], status: int = 422) -> Outcome:
    return Outcome(status, {"detail": entries}, {"X-Fal-Retryable": "false" if status == 422 else "true"})


def cancelled() -> Outcome:
    body = {"detail": "The request was cancelled", "error_type": "client_cancelled"}
    return Outcome(499, body, {"X-Fal-Error-Type": "client_cancelled"})


def _model_error_fault(parameters: Json) -> Outcome:
    word = str(parameters["type"])
    entry = complaint(["body"], word, "The model refused or failed")
    return model_error([entry], MODEL_ERROR_STATUS.get(word, int(parameters["status"])))


def _model_crash_fault(_parameters: Json) -> Outcome:
    return model_error([complaint(["body"], "internal_server_error", "The model crashed")], 500)


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


def outcome_of(work: asyncio.Task[Outcome]) -> Outcome:
    """The result of the model call; an error of the emulator itself is logged and looks like a crash."""
    if (error := work.exception()) is None:
        return work.result()
    logger.error("the emulator failed to make an output", exc_info=error)
    return model_error([complaint(["body"], "internal_server_error", repr(error))], 500)


def faulty_outcome(faults: Mapping[str, Json]) -> Outcome | None:
    """The failure that the faults of a job ask for, if any."""
    return next((make(faults[name]) for name, make in _OUTCOMES.items() if name in faults), None)
