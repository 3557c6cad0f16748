# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits, clocks and faults of the emulator."""

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from tests.emulator_desk import AUTH, PLAINLY, SCHNELL, fetched, finished, made, picture, submit
from tests.fal_emulator.faults import KINDS, parse_fault
from tests.fal_emulator.process import ROOT
from tests.fal_emulator.signatures import SigningKey
from tests.fal_emulator.wire import WAYS
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow


def test_jobs_beyond_the_concurrency_wait(wire, emulator):
    emulator.control(concurrency=2, delays={"image": FOR_EVER_SECONDS})
    jobs = [submit(wire, SCHNELL, prompt=str(index), image_size="square") for index in range(4)]
    found = [wire.get(job["status_url"]).json() for job in jobs]
    assert [item["status"] for item in found] == ["IN_PROGRESS"] * 2 + ["IN_QUEUE"] * 2
    assert [item["queue_position"] for item in found[2:]] == [0, 1]
    assert wire.post(f"/run/{SCHNELL}", json={"prompt": "x"}).status_code == 429
    emulator.control(delays={"image": 0.0}, advance=FOR_EVER_SECONDS)
    for job in jobs:
        assert finished(wire, job).status_code == 200
    assert emulator.stats()["highest_concurrency"] == 2


def test_a_start_deadline_passes(wire, emulator):
    emulator.control(faults=[{"name": "never-leaves-queue"}])
    job = wire.post(
        f"/queue/{SCHNELL}", json={"prompt": "x"}, headers={"X-Fal-Request-Timeout": "0.2"}
    ).json()
    answer = finished(wire, job)
    assert (answer.status_code, answer.headers["X-Fal-Request-Timeout-Type"]) == (504, "user")
    assert answer.headers["X-Fal-Billable-Units"] == "0"


def test_a_result_and_a_token_expire(wire, emulator):
    job = submit(wire, SCHNELL, prompt="x", image_size="square")
    assert finished(wire, job).status_code == 200
    token = wire.post("/rest/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()
    assert token["expires_at"].endswith("+00:00")
    emulator.control(result_lifetime=100, advance=3601)
    assert wire.get(job["response_url"]).status_code == 404
    late = wire.post(
        "/cdn/files/upload",
        content=b"x",
        headers={"Authorization": f"{token['token_type']} {token['token']}"},
    )
    assert late.status_code == 401


@pytest.mark.parametrize(
    "fault, status",
    [
        ("rate-limited", 429),
        ("nginx-503", 503),
        ("fal-503", 503),
        ("user-timeout", 504),
        ("account-locked", 403),
    ],
)
def test_a_refused_submit_accepts_nothing(wire, emulator, fault, status):
    emulator.control(faults=[{"name": fault, "nth": [2], "endpoint": "fal-ai/flux/*"}])
    submit(wire, SCHNELL, prompt="first")
    answer = wire.post(f"/queue/{SCHNELL}", json={"prompt": "second"})
    assert answer.status_code == status
    assert ("x-fal-request-id" in answer.headers) is (fault != "nginx-503")
    assert len(emulator.ledger()) == 1


@pytest.mark.parametrize("fault", ["reset-submit-answer", "malformed-json", "deep-answer", "empty-answer"])
def test_an_unreadable_response_comes_after_acceptance(wire, emulator, fault):
    emulator.control(faults=[{"name": fault}])
    with pytest.raises((httpx.TransportError, ValueError, KeyError, RecursionError)):
        submit(wire, SCHNELL, prompt="x")["request_id"]
    assert len(emulator.ledger()) == 1


def test_job_faults_show_at_the_result(wire, emulator):
    emulator.control(faults=[{"name": "model-error", "type": "content_policy_violation", "count": 1}])
    answer = finished(wire, submit(wire, SCHNELL, prompt="x"))
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "content_policy_violation")
    emulator.control(faults=[{"name": "runner-error"}])
    answer = finished(wire, submit(wire, SCHNELL, prompt="x"))
    assert (answer.status_code, answer.headers["X-Fal-Error-Type"]) == (503, "runner_disconnected")
    emulator.control(faults=[{"name": "nsfw-black"}])
    result = made(wire, SCHNELL, prompt="x", image_size="square")
    assert result["has_nsfw_concepts"] == [True]
    assert picture(result["images"][0]["url"]).getextrema() == ((0, 0),) * 3
    emulator.control(faults=[{"name": "missing-optional-members"}])
    result = made(wire, SCHNELL, prompt="x", image_size="square")
    assert set(result) == {"images"}
    assert set(result["images"][0]) == {"url"}


def test_download_faults(client, emulator):
    data = bytes(1000)
    url = client.upload(data, "application/octet-stream")
    emulator.control(faults=[{"name": "short-body"}])
    with pytest.raises(httpx.RemoteProtocolError):
        fetched(url)
    emulator.control(faults=[{"name": "truncated-file"}])
    assert len(fetched(url).content) == 500
    emulator.control(faults=[{"name": "file-missing", "count": 1}])
    assert fetched(url).status_code == 404
    assert fetched(url).content == data
    emulator.control(faults=[{"name": "gzip-bomb", "megabytes": 4}])
    assert len(fetched(url).content) == 4 << 20
    emulator.control(faults=[{"name": "redirect-loopback"}])
    assert fetched(url, follow_redirects=True).content == data
    emulator.control(faults=[{"name": "slow-loris", "seconds": 0.01, "crumb": 400}])
    assert fetched(url).content == data


@pytest.mark.parametrize(
    "fault, status, expected",
    [
        ("nginx-502", 502, "nginx"),
        ("nginx-504", 504, "nginx"),
        ("gateway-timeout", 504, "request_timeout"),
        ("server-error", 500, "internal_error"),
        ("bad-key", 401, "No user found"),
        ("wrong-scope", 403, "authorization_error"),
        ("endpoint-withdrawn", 404, "not found"),
        ("html-answer", 200, "<!DOCTYPE html>"),
        ("redirect-outside", 307, ""),
        ("slow-answer", 202, "request_id"),
    ],
)
def test_a_fault_can_hit_any_point(wire, emulator, fault, status, expected):
    emulator.control(delays={"queue": FOR_EVER_SECONDS})
    job = submit(wire, SCHNELL, prompt="x")
    extra = {"seconds": 0.1} if fault == "slow-answer" else {}
    emulator.control(faults=[{"name": fault, "at": "status", "count": 1, **extra}])
    answer = wire.get(job["status_url"])
    assert answer.status_code == status
    assert expected in answer.text
    assert wire.get(job["status_url"]).status_code == 202


@pytest.mark.parametrize(
    "fault, status, expected",
    [
        ("model-crash", 500, "internal_server_error"),
        ("result-timeout", 504, "request_timeout"),
        ("result-expired", 404, "NOT_FOUND"),
    ],
)
def test_a_job_that_fails_for_good(wire, emulator, fault, status, expected):
    emulator.control(faults=[{"name": fault}])
    answer = finished(wire, submit(wire, SCHNELL, prompt="x", image_size="square"))
    assert answer.status_code == status
    assert expected in answer.text


def test_output_files_can_be_wrong(wire, emulator):
    inputs = {"prompt": "x", "image_size": "square"}
    emulator.control(faults=[{"name": "corrupt-output"}])
    url = made(wire, SCHNELL, **inputs)["images"][0]["url"]
    assert fetched(url).content.startswith(b"\xff\xd8\xff")
    with pytest.raises(OSError, match=r"cannot identify|truncated|broken"):
        picture(url)
    emulator.control(faults=[{"name": "outside-output"}])
    assert "127.0.0.1" not in made(wire, SCHNELL, **inputs)["images"][0]["url"]
    emulator.control(faults=[])
    url = made(wire, SCHNELL, **inputs)["images"][0]["url"]
    for fault, header in (("wrong-media-type", "text/plain"), ("no-length", "image/jpeg")):
        emulator.control(faults=[{"name": fault}])
        answer = fetched(url)
        assert answer.headers["Content-Type"].startswith(header)
        assert ("Content-Length" in answer.headers) is (fault != "no-length")
    emulator.control(faults=[{"name": "file-forbidden"}])
    assert fetched(url).status_code == 403


def test_a_job_may_ignore_cancel_or_never_finish(wire, emulator):
    emulator.control(faults=[{"name": "ignore-cancel"}], delays={"queue": FOR_EVER_SECONDS})
    job = submit(wire, SCHNELL, prompt="x", image_size="square")
    assert wire.put(job["cancel_url"]).status_code == 202
    emulator.control(advance=FOR_EVER_SECONDS)
    assert finished(wire, job).status_code == 200
    emulator.control(faults=[{"name": "never-finishes"}], delays={"queue": 0})
    job = submit(wire, SCHNELL, prompt="x", image_size="square")
    time.sleep(0.3)
    assert wire.get(job["status_url"]).json()["status"] == "IN_PROGRESS"
    assert wire.put(job["cancel_url"]).json() == {"status": "CANCELLATION_REQUESTED"}
    assert finished(wire, job).status_code == 499


def test_the_request_list_can_be_late_or_silent(wire, emulator):
    emulator.control(
        faults=[
            {"name": "late-request-list", "seconds": FOR_EVER_SECONDS, "nth": 1},
            {"name": "unlisted", "nth": 2},
        ]
    )
    for expected in ("late", "never", "at once"):
        submit(wire, SCHNELL, prompt=expected)

    def listed() -> set[str]:
        query = {"endpoint_id": SCHNELL, "expand": "payloads"}
        items = wire.get("/v1/models/requests/by-endpoint", params=query).json()["items"]
        return {item["json_input"]["prompt"] for item in items}

    assert listed() == {"at once"}
    emulator.control(advance=FOR_EVER_SECONDS)
    assert listed() == {"late", "at once"}


def test_a_skewed_clock_shows_in_the_token(wire, emulator):
    emulator.control(faults=[{"name": "clock-skew", "seconds": -7200}])
    token = wire.post("/rest/storage/auth/token", json={}).json()
    assert datetime.fromisoformat(token["expires_at"]) < datetime.now(UTC)


class WebhookReceiver(BaseHTTPRequestHandler):
    """Records what is posted to it."""

    received: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: pytest shows what matters."""


def test_webhooks_are_signed_and_may_come_twice(wire, emulator):
    WebhookReceiver.received.clear()
    emulator.control(faults=[{"name": "duplicate-webhooks", "times": 2}])
    with HTTPServer(("127.0.0.1", 0), WebhookReceiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        target = f"http://127.0.0.1:{receiver.server_port}/hook"
        job = wire.post(f"/queue/{SCHNELL}", params={"fal_webhook": target}, json={}).json()
        until(lambda: len(WebhookReceiver.received) >= 2)
        receiver.shutdown()
    (headers, body), (_, again), *_ = WebhookReceiver.received
    message = json.loads(body)
    assert body == again
    assert (message["request_id"], message["status"]) == (job["request_id"], "ERROR")
    assert message["payload"]["detail"][0]["type"] == "missing"
    assert headers["X-Fal-Webhook-Request-Id"] == job["request_id"]
    assert len(bytes.fromhex(headers["X-Fal-Webhook-Signature"])) == 64
    assert len(wire.get("/rest/.well-known/jwks.json").json()["keys"]) == 2


def test_signatures_agree_with_rfc_8032():
    key = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_every_fault_has_a_point_and_a_kind():
    assert {name for name, kind in KINDS.items() if kind.is_movable} == set(WAYS)
    fault = parse_fault("rate-limited:at=status,nth=1+3,rate=0.5,retry_after=2")
    assert (fault.at, fault.nth, fault.rate, fault.parameters["retry_after"]) == ("status", (1, 3), 0.5, 2)


def test_an_invalid_control_message_changes_nothing(emulator):
    for message in ({"nonsense": 1}, {"faults": [{"name": "no-such"}]}, {"delays": {"coffee": 1}}):
        with pytest.raises(ValueError, match=r"unknown|no fault"):
            emulator.control(concurrency=1, **message)
    assert emulator.control()["concurrency"] is None


def test_the_command_prints_one_line_and_stops_on_sigterm():
    command = [
        sys.executable,
        "-m",
        "tests.fal_emulator",
        "--port",
        "0",
        "--delay",
        "all=0",
        "--fault",
        "fal-503",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line
    with httpx.Client(base_url=line.split()[-1], headers=AUTH, **PLAINLY) as wire:
        assert wire.post(f"/queue/{SCHNELL}", json={}).status_code == 503
    process.terminate()
    rest, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, rest) == (0, "")


def test_the_emulator_does_not_import_the_product():
    folder = Path(ROOT, "tests", "fal_emulator")
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "photoreal_set" not in text
        assert "fal_bridge" not in text
