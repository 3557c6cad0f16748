# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with an ACL, billing events, stored payloads, and what a key may do, at the emulator."""

import json

import httpx
import pytest

from tests.emulator_desk import AUTH, PLAINLY, SCHNELL, fetched, made

HEADER = "X-Fal-Object-Lifecycle-Preference"
DAY = 86400.0


def picture(wire: httpx.Client, **wishes: object) -> str:
    """The URL of a result that was asked for with these lifecycle wishes."""
    wire.headers[HEADER] = json.dumps(wishes)
    try:
        return made(wire, SCHNELL, prompt="a clock")["images"][0]["url"]
    finally:
        del wire.headers[HEADER]


@pytest.mark.parametrize(("acl", "status"), [("allow", 200), ("forbid", 403), ("hide", 404)])
def test_the_acl_of_a_result_decides_who_can_read_it(wire, acl, status):
    url = picture(wire, initial_acl={"default": acl})
    assert fetched(url).status_code == status
    signed = wire.post("/v1/storage/files/sign", params={"url": url}, json={"expiration_seconds": 60}).json()
    assert fetched(signed["signed_url"]).status_code == 200


def test_a_signed_url_and_a_file_expire(wire, emulator):
    url = picture(wire, initial_acl={"default": "forbid"}, expiration_duration_seconds=DAY)
    signed = wire.post("/v1/storage/files/sign", params={"url": url}, json={"expiration_seconds": 60}).json()
    emulator.control(advance=61)
    assert fetched(signed["signed_url"]).status_code == 403
    emulator.control(advance=DAY)
    assert (
        wire.post("/v1/storage/files/sign", params={"url": url}, json={"expiration_seconds": 60}).status_code
        == 404
    )
    assert [file["is_public"] for file in emulator.files()] == [False]


def test_a_file_is_hidden_by_its_acl(wire):
    url = picture(wire)
    assert wire.get("/v1/storage/files/acl", params={"url": url}).json()["default"] == "allow"
    assert wire.put("/v1/storage/files/acl", params={"url": url}, json={"default": "hide"}).status_code == 200
    assert fetched(url).status_code == 404


def test_billing_events_are_exact_and_paged(wire, emulator):
    emulator.control(permissions=["submit", "billing"], percent_discount=10)
    for _ in range(3):
        made(wire, SCHNELL, prompt="a clock")
    ids = [entry["request_id"] for entry in emulator.ledger()]
    found, cursor = [], None
    while True:
        query = {"limit": 2, "request_id": ",".join(ids)} | ({"cursor": cursor} if cursor else {})
        page = wire.get("/v1/models/billing-events", params=query).json()
        found += page["billing_events"]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert [event["request_id"] for event in found] == ids
    for event in found:
        assert event["cost_total"] == pytest.approx(event["cost_subtotal"] * 0.9)
        assert event["cost_estimate_nano_usd"] == round(event["cost_total"] * 1e9)


def test_a_span_of_more_than_90_days_is_refused(wire, emulator):
    emulator.control(permissions=["billing"])
    query = {"start": "2026-01-01", "end": "2026-06-01"}
    assert wire.get("/v1/models/billing-events", params=query).status_code == 400


def test_deleted_payloads_take_the_output_files_with_them(wire, emulator):
    url = picture(wire)
    (entry,) = emulator.ledger()
    path = f"/v1/models/requests/{entry['request_id']}/payloads"
    assert wire.delete(path).status_code == 403
    emulator.control(permissions=["payloads"])
    assert wire.delete(path).json()["cdn_delete_results"] == [{"link": url, "exception": None}]
    assert fetched(url).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("POST", f"/queue/{SCHNELL}", "submit"),
        ("GET", f"/v1/models/requests/by-endpoint?endpoint_id={SCHNELL}", "requests"),
        ("GET", "/v1/models/requests/search", "requests"),
        ("GET", "/v1/models/billing-events", "billing"),
        ("POST", "/rest/storage/auth/token", "uploads"),
        ("POST", "/v1/storage/files/sign", "assets"),
        ("PUT", "/v1/storage/files/acl", "assets"),
    ],
)
def test_each_call_needs_its_permission(emulator, method, path, permission):
    others = ["submit", "requests", "uploads", "assets", "billing", "payloads"]
    others.remove(permission)
    for permissions, is_refused in ((others, True), ([permission], False)):
        emulator.control(permissions=permissions)
        answer = httpx.request(method, emulator.url + path, headers=AUTH, json={}, **PLAINLY)
        assert (answer.status_code == 403) is is_refused
