# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks: passed on with the paid request, signed by the emulator as fal does, distinguished from forgeries."""

import json
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.fal_bridge.network.webhooks import checked_webhook, verify
from tests.desk import Desk
from tests.fal_emulator.process import FAST, running_emulator
from tests.fal_emulator.webhooks import key_set, signed_headers
from tests.patience import PATIENCE_SECONDS

BODY = b'{"request_id": "r-1", "status": "OK"}'
NOW = 1_790_000_000


@pytest.fixture(scope="module")
def server():
    with running_emulator(delays=FAST) as emulator:
        yield emulator


@pytest.fixture
def receiver():
    """A user's web server on loopback: its URL and the requests it received."""
    came = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.put((dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words):
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{web.server_port}/done?shop=1&x=ä", came
    web.shutdown()
    web.server_close()


def needs_cryptography() -> None:
    pytest.importorskip("cryptography", reason="needs the package cryptography")


def test_a_result_is_sent_to_the_webhook_with_a_valid_signature(server, receiver, tmp_path):
    needs_cryptography()
    url, came = receiver
    desk = Desk(tmp_path, server)
    service = Service.emulator(server.url)
    with Bridge(service, desk.journal, desk.news.append, pace=desk.pace, webhook=url) as bridge:
        result = bridge.start(desk.photo(), desk.folder / "front").result(PATIENCE_SECONDS)
    headers, body = came.get(timeout=PATIENCE_SECONDS)
    address = f"{service.rest_url}/.well-known/jwks.json"
    keys = httpx.get(address, trust_env=False, timeout=PATIENCE_SECONDS).json()["keys"]
    assert verify(headers, body, keys, time.time()).request_id == result.request_id
    assert json.loads(body)["status"] == "OK"
    assert server.ledger()[-1]["webhook"] == url


def test_a_webhook_does_not_create_another_job(server, receiver, tmp_path):
    desk = Desk(tmp_path, server)
    first = desk.made()
    service = Service.emulator(server.url)
    with Bridge(service, desk.journal, desk.news.append, pace=desk.pace, webhook=receiver[0]) as bridge:
        again = bridge.start(desk.photo(), desk.folder / "photos" / "front").result(PATIENCE_SECONDS)
    assert again.key == first.key


def test_header_names_are_case_insensitive():
    needs_cryptography()
    headers = {name.upper(): value for name, value in signed_headers("r-1", BODY, NOW).items()}
    delivery = verify(headers, BODY, key_set()["keys"], NOW + 299)
    assert (delivery.request_id, delivery.user_id) == ("r-1", "emulated-user")


@pytest.mark.parametrize(
    "change",
    [
        {"X-Fal-Webhook-Request-Id": "r-2"},
        {"X-Fal-Webhook-User-Id": "somebody"},
        {"X-Fal-Webhook-Timestamp": str(NOW + 1)},
        {"X-Fal-Webhook-Timestamp": "now"},
        {"X-Fal-Webhook-Signature": "00" * 64},
        {"X-Fal-Webhook-Signature": "not hex"},
        {"X-Fal-Webhook-Signature": ""},
    ],
    ids=str,
)
def test_a_changed_header_is_rejected(change):
    needs_cryptography()
    with pytest.raises(errors.ForeignWebhookError) as caught:
        verify({**signed_headers("r-1", BODY, NOW), **change}, BODY, key_set()["keys"], NOW)
    assert "401" in caught.value.hint


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp", "Signature"])
def test_a_missing_header_is_rejected(name):
    headers = signed_headers("r-1", BODY, NOW)
    del headers[f"X-Fal-Webhook-{name}"]
    with pytest.raises(errors.ForeignWebhookError, match="header"):
        verify(headers, BODY, key_set()["keys"], NOW)


def test_a_changed_body_an_old_delivery_and_foreign_keys_are_rejected():
    needs_cryptography()
    headers, keys = signed_headers("r-1", BODY, NOW), key_set()["keys"]
    for body, known, now in (
        (BODY + b" ", keys, NOW),
        (BODY, keys, NOW + 301),
        (BODY, keys, NOW - 301),
        (BODY, keys[:1], NOW),
        (BODY, [], NOW),
        (BODY, [{}, {"x": "AA"}, {"x": "*"}], NOW),
    ):
        with pytest.raises(errors.ForeignWebhookError):
            verify(headers, body, known, now)


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(errors.MissingPackageError, match="cryptography") as caught:
        verify(signed_headers("r-1", BODY, NOW), BODY, key_set()["keys"], NOW)
    assert "pip install cryptography" in caught.value.hint


@pytest.mark.parametrize("url", ["http://shop.example/hook", "https://localhost/hook", "ftp://a.b/", "x", ""])
def test_a_webhook_that_fal_cannot_reach_is_rejected_before_anything_is_paid(url):
    with pytest.raises(errors.WrongRequestError):
        checked_webhook(url, Service.live("identifier:secret"))
    assert checked_webhook("https://shop.example/hook", Service.live("identifier:secret"))


def test_an_emulator_sends_to_this_machine_only():
    service = Service.emulator("http://127.0.0.1:1")
    with pytest.raises(errors.WrongRequestError):
        checked_webhook("https://shop.example/hook", service)
