# SPDX-License-Identifier: GPL-3.0-or-later
"""Every known failure at fal.ai or in the network, row by row, against the emulator.

A row says which fault, which error, and what the next run does: the job is sent ``AGAIN`` (it was free), it is
``KEPT`` (followed or fetched, not sent), or it is ``OVER`` (the same sentence again, nothing is sent).
"""

import os
import shutil
import ssl
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.endpoints import choosing as endpoints
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.jobs import JobState
from photoreal_set.fal_bridge.network import downloads
from photoreal_set.fal_bridge.network.service import Service
from tests.fal_emulator.process import FAST
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until
from tests.relay import running_relay

pytestmark = pytest.mark.slow

AGAIN, KEPT, OVER = "again", "kept", "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    row: str
    fault: dict[str, Any]
    error: type[errors.BridgeError]
    says: str
    then: str
    accepted: int = 1  # Submits that the emulator accepted in the failing run.
    pace: dict[str, float] = field(default_factory=dict)
    units: float | None = None


def _at(*places: str, name: str, **more: object) -> list[dict[str, Any]]:
    return [{"name": name, "at": place, **more} for place in places]


REFUSED = [
    Failure(
        row="key unknown, at submit",
        fault={"name": "bad-key"},
        error=errors.BadKeyError,
        says="does not accept the key",
        then=AGAIN,
        accepted=0,
    ),
    *(
        Failure(
            row=f"account locked: {reason}",
            fault={"name": "account-locked", "reason": reason},
            error=errors.AccountLockedError,
            says=reason,
            then=AGAIN,
            accepted=0,
        )
        for reason in ("Exhausted balance", "Payment method missing", "User budget exceeded", "Admin lock")
    ),
    Failure(
        row="endpoint withdrawn, at submit",
        fault={"name": "endpoint-withdrawn"},
        error=errors.UnknownEndpointError,
        says="does not know fal-ai/flux-kontext/dev",
        then=AGAIN,
        accepted=0,
    ),
    Failure(
        row="rate limit, or a queue longer than asked for",
        fault={"name": "rate-limited"},
        error=errors.RateLimitedError,
        says="does not accept more requests",
        then=AGAIN,
        accepted=0,
        pace={"max_wait": 0.5},
    ),
]

MODEL_WORDS = {
    "image_too_small": errors.InputRefusedError,
    "image_too_large": errors.InputRefusedError,
    "image_load_error": errors.InputRefusedError,
    "file_too_large": errors.InputRefusedError,
    "face_detection_error": errors.InputRefusedError,
    "unsupported_image_format": errors.InputRefusedError,
    "video_duration_too_long": errors.InputRefusedError,
    "greater_than": errors.InputRefusedError,
    "one_of": errors.InputRefusedError,
    "feature_not_supported": errors.InputRefusedError,
    "missing": errors.InputRefusedError,
    "no_media_generated": errors.InputRefusedError,
    "content_policy_violation": errors.ContentPolicyError,
}
FREE_MODEL_WORDS = (
    "internal_server_error",
    "generation_timeout",
    "downstream_service_error",
    "downstream_service_unavailable",
)
RUNNER_WORDS = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "internal_error": 500,
}

ENDED = [
    *(
        Failure(
            row=f"model: {word}",
            fault={"name": "model-error", "type": word},
            error=error,
            says="rejects",
            then=OVER,
        )
        for word, error in MODEL_WORDS.items()
    ),
    *(
        Failure(
            row=f"model: {word}",
            fault={"name": "model-error", "type": word, "count": 1},
            error=errors.RunnerTroubleError,
            says="failed at fal.ai",
            then=AGAIN,
        )
        for word in FREE_MODEL_WORDS
    ),
    *(
        Failure(
            row=f"platform: {word}",
            fault={"name": "runner-error", "type": word, "status": status, "count": 1},
            error=errors.RunnerTroubleError,
            says=f"({status})",
            then=AGAIN,
        )
        for word, status in RUNNER_WORDS.items()
    ),
    Failure(
        row="own start deadline passed",
        fault={"name": "result-timeout", "user": True, "count": 1},
        error=errors.RunnerTroubleError,
        says="(504)",
        then=AGAIN,
    ),
    Failure(
        row="job cancelled elsewhere",
        fault={"name": "runner-error", "type": "client_cancelled", "status": 499, "count": 1},
        error=errors.JobCancelledError,
        says="was cancelled",
        then=AGAIN,
    ),
    Failure(
        row="input file not fetchable, or its address expired in the queue",
        fault={"name": "model-error", "type": "file_download_error", "count": 1},
        error=errors.InputRefusedError,
        says="rejects",
        then=AGAIN,
    ),
    Failure(
        row="refused and charged all the same",
        fault={"name": "model-error", "type": "image_too_small", "units": 1.0},
        error=errors.InputRefusedError,
        says="rejects",
        then=OVER,
        units=1.0,
    ),
    Failure(
        row="picture held back as unsafe",
        fault={"name": "nsfw-black"},
        error=errors.UnsafePictureError,
        says="unsafe",
        then=OVER,
    ),
]

LATER = [
    Failure(
        row="queue never moves",
        fault={"name": "never-leaves-queue"},
        error=errors.QueueDeadlineError,
        says="in the queue (3 ahead)",
        then=OVER,
        pace={"queue": 0.3},
    ),
    Failure(
        row="job never ends",
        fault={"name": "never-finishes"},
        error=errors.QueueDeadlineError,
        says="it is running",
        then=OVER,
        pace={"running": 0.3},
    ),
    Failure(
        row="key refused, at status",
        fault={"name": "bad-key", "at": "status"},
        error=errors.BadKeyError,
        says="does not accept the key",
        then=KEPT,
    ),
    Failure(
        row="key refused, at result",
        fault={"name": "bad-key", "at": "result"},
        error=errors.BadKeyError,
        says="does not accept the key",
        then=KEPT,
    ),
    *(
        Failure(
            row=f"{name}, at {place}",
            fault={"name": name, "at": place},
            error=errors.ServiceTroubleError,
            says=says,
            then=KEPT,
            pace={"patience": 0.4},
        )
        for place in ("status", "result")
        for name, says in (
            ("nginx-502", "502"),
            ("nginx-503", "503"),
            ("nginx-504", "504"),
            ("malformed-json", "cannot be understood"),
            ("deep-answer", "cannot be understood"),
            ("html-answer", "cannot be understood"),
            ("deep-answer", "cannot be understood"),
            (
                "empty-answer",
                "no file where one is expected" if place == "result" else "cannot be understood",
            ),
            ("rate-limited", "429"),
        )
        if (name, place) != ("empty-answer", "result")
    ),
    *(
        Failure(
            row=f"{name}, at {place}",
            fault={"name": name, "at": place},
            error=errors.NetworkDownError,
            says="cannot be reached",
            then=KEPT,
            pace={"patience": 0.4},
        )
        for place in ("status", "result")
        for name in ("drop-before-accept", "gzip-bomb")
    ),
    Failure(
        row="redirect, at status",
        fault={"name": "redirect-outside", "at": "status"},
        error=errors.ServiceTroubleError,
        says="cannot be understood",
        then=KEPT,
        pace={"patience": 0.4},
    ),
    Failure(
        row="redirect, at result",
        fault={"name": "redirect-outside", "at": "result"},
        error=errors.ServiceTroubleError,
        says="cannot be understood",
        then=KEPT,
        pace={"patience": 0.4},
    ),
    Failure(
        row="result expired",
        fault={"name": "result-expired"},
        error=errors.ExpiredResultError,
        says="no longer has the result",
        then=OVER,
    ),
    *(
        Failure(
            row=f"file gone: {name}",
            fault={"name": name, "endpoint": "fal-ai/*"},
            error=errors.ExpiredResultError,
            says="no longer has the file",
            then=KEPT,
        )
        for name in ("file-missing", "file-forbidden")
    ),
    *(
        Failure(
            row=f"download: {name}",
            fault={"name": name, "endpoint": "fal-ai/*", "at": "download", **more},
            error=errors.DownloadFailedError,
            says=says,
            then=KEPT,
        )
        for name, more, says in (
            ("truncated-file", {}, "missing"),
            ("html-answer", {}, "other than JPEG or PNG or WEBP"),
            ("gzip-bomb", {"megabytes": 8}, "compressed (gzip)"),
            ("nginx-502", {}, "error 502"),
            ("drop-before-accept", {}, ""),
            ("redirect-outside", {}, "is not trusted"),
        )
    ),
    Failure(
        row="output in another shape",
        fault={"name": "other-output"},
        error=errors.UnknownResultError,
        says="no file where one is expected",
        then=OVER,
    ),
]


@pytest.mark.parametrize("failure", REFUSED + ENDED + LATER, ids=lambda failure: failure.row)
def test_a_failure_has_a_message_and_a_hint(desk, failure):
    desk.fault(**failure.fault)
    error = desk.failure(**failure.pace)
    assert type(error) is failure.error
    assert failure.says in error.message
    assert error.hint.endswith(".")
    assert desk.states()[-1] is JobState.FAILED
    ledger = desk.emulator.ledger()
    assert len(ledger) == failure.accepted
    if failure.units is not None:
        assert [entry["units"] for entry in ledger] == [failure.units]
    desk.emulator.control(faults=[])
    if failure.then == OVER:
        assert type(desk.failure(**failure.pace)) is failure.error
    else:
        assert desk.made().path.is_file()
    sent_again = 1 if failure.then == AGAIN else 0
    assert len(desk.emulator.ledger()) == failure.accepted + sent_again


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"name": "wrong-scope"}, "does not show the list of requests to this key"),
        ({"name": "bad-key"}, "does not show the list of requests to this key"),
        ({"name": "server-error"}, "error 500"),
        ({"name": "rate-limited"}, "error 429"),
        ({"name": "malformed-json"}, "error 200"),
        ({"name": "deep-answer"}, "error 200"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_an_unreadable_request_list_leaves_the_job_held(desk, fault, says):
    desk.emulator.control(faults=[{"name": "drop-submit-answer"}, {**fault, "at": "requests"}])
    error = desk.failure(lookup=0.3, patience=0.4)
    assert isinstance(error, errors.UncertainSubmitError)
    assert says in error.message
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (_at("token", "initiate", name="bad-key"), errors.BadKeyError),
        (_at("upload", name="server-error"), errors.UploadFailedError),
        (_at("upload", "initiate", name="malformed-json"), errors.UploadFailedError),
        (_at("upload", "initiate", name="deep-answer"), errors.UploadFailedError),
    ],
    ids=["key refused", "server error", "malformed", "deep"],
)
def test_an_upload_that_fails_costs_nothing(desk, faults, error):
    desk.emulator.control(faults=faults)
    found = desk.failure()
    assert type(found) is error
    assert found.hint
    assert desk.emulator.ledger() == []
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()


def test_a_wrong_input_is_named_by_its_field(desk, monkeypatch):
    row = REGISTRY[endpoints.DEFAULT_PHOTO_ENDPOINT]
    wrong = replace(row, intent={**row.intent, "num_inference_steps": 9999})
    monkeypatch.setitem(REGISTRY, row.id, wrong)
    error = desk.failure()
    assert isinstance(error, errors.InputRefusedError)
    assert "num_inference_steps" in error.message


def test_an_upload_that_expired_in_the_queue_is_uploaded_again(desk):
    desk.made(desk.photo(seed=1))
    desk.emulator.control(advance=2 * 86400.0)  # The upload is expired at fal, but not by our clock.
    assert isinstance(desk.failure(desk.photo(seed=2)), errors.InputRefusedError)
    assert desk.made(desk.photo(seed=2)).path.is_file()
    assert desk.count("upload") == 2


def test_a_request_that_fal_no_longer_knows_says_so(desk):
    desk.fault("never-leaves-queue")
    desk.failure(queue=0.2)
    desk.emulator.control(reset=True, delays=FAST)
    error = desk.failure(patience=4.0)
    assert isinstance(error, errors.ExpiredResultError)
    assert "no longer knows request" in error.message
    assert desk.emulator.ledger() == []


def test_a_result_requested_too_early_is_requested_again(desk):
    desk.emulator.control(delays={"photo": 0.6}, faults=[{"name": "early-completed"}])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_optional_members_may_be_missing(desk):
    desk.fault("missing-optional-members")
    assert desk.made().seed is None


def test_a_concurrency_of_two_is_shown_as_a_queue(desk):
    desk.emulator.control(concurrency=2, delays={"photo": FOR_EVER_SECONDS})
    with desk.bridge() as bridge:
        futures = [
            bridge.start(desk.photo(seed=seed, label=f"photo {seed}"), desk.folder / f"photos/{seed}")
            for seed in range(6)
        ]
        until(lambda: any(job.queue_position == 3 for job in list(desk.news)))
        desk.emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)
        assert all(future.result(PATIENCE_SECONDS).path.is_file() for future in futures)
    assert desk.emulator.stats()["highest_concurrency"] == 2


def test_many_jobs_do_not_ask_more_often_than_few(desk):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    with desk.bridge(questions=20.0) as bridge:
        for seed in range(40):
            bridge.start(desk.photo(seed=seed, label=f"photo {seed}"), desk.folder / f"photos/{seed}")
        until(lambda: len(desk.emulator.ledger()) == 40)
        began = time.monotonic()
        before = desk.count("status")
        until(lambda: desk.count("status") >= before + 60)
        asked, elapsed = desk.count("status") - before, time.monotonic() - began
        turn = 0.7 * 40 / 20.0  # The minimum until a job's turn comes again.
        assert asked <= 40 * (elapsed / turn + 2)


def test_a_trickling_response_times_out(desk, monkeypatch):
    monkeypatch.setattr("photoreal_set.fal_bridge.network.http_clients.WHOLE_ANSWER_SECONDS", 0.3)
    desk.fault("slow-loris", at="status", seconds=0.1)
    assert isinstance(desk.failure(patience=0.8), errors.NetworkDownError)
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_an_oversized_result_is_not_fully_written(desk, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_FILE_BYTES", 1_000)
    assert "larger than 1000 bytes" in desk.failure().message
    assert not list(desk.folder.rglob("*.part"))


# The connection to fal.ai


def test_an_ipv6_only_machine_can_connect(desk):
    port = int(desk.emulator.url.rsplit(":", 1)[1])
    with ExitStack() as stack:
        try:
            way = stack.enter_context(running_relay(port, host="::1"))
        except OSError as error:
            pytest.skip(f"this machine has no IPv6: {error}")
        service = Service.emulator(f"http://[::1]:{way.port}")
        bridge = stack.enter_context(Bridge(service, desk.journal, desk.news.append, pace=desk.pace))
        assert bridge.start(desk.photo(), desk.folder / "front").result(PATIENCE_SECONDS).path.is_file()


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def test_the_emulator_is_reached_without_a_proxy(desk, monkeypatch):
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert desk.made().path.is_file()


def test_a_proxy_is_used_for_fal_and_its_rejection_costs_nothing(desk, monkeypatch):
    for name in (*PROXIES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with running_relay(None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        wanted = desk.photo(
            kind=endpoints.Kind.MODEL, endpoint=endpoints.default_model_endpoint(0), images=()
        )
        service = Service.live("identifier:secret")
        with Bridge(service, desk.journal, desk.news.append, pace=desk.pace) as bridge:
            error = bridge.start(wanted, desk.folder / "model").exception(PATIENCE_SECONDS)
    assert isinstance(error, errors.NetworkDownError)
    assert "Nothing was sent" in error.hint
    assert proxy.first_lines == ["CONNECT queue.fal.run:443 HTTP/1.1"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_company_certificate_is_trusted_when_it_is_named(desk, tmp_path, monkeypatch):
    """Over TLS, except for files: the emulator's files have plain HTTP URLs, unlike the real service."""
    certificate, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    wanted = desk.photo(kind=endpoints.Kind.MODEL, endpoint=endpoints.default_model_endpoint(0), images=())
    monkeypatch.setenv("NO_PROXY", "*")

    def outcome(service: Service) -> BaseException | None:
        with Bridge(service, desk.journal, desk.news.append, pace=desk.pace) as bridge:
            return bridge.start(wanted, desk.folder / "model").exception(PATIENCE_SECONDS)

    with running_relay(int(desk.emulator.url.rsplit(":", 1)[1]), tls=tls) as way:
        root = f"https://127.0.0.1:{way.port}"
        service = replace(
            Service.live("identifier:secret"), queue_url=f"{root}/queue", platform_url=f"{root}/v1"
        )
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        refused = outcome(service)
        assert isinstance(refused, errors.NetworkDownError)
        assert desk.emulator.ledger() == []
        monkeypatch.setenv("SSL_CERT_FILE", os.fspath(certificate))
        assert isinstance(outcome(service), errors.DownloadFailedError)
    assert len(desk.emulator.ledger()) == 1
