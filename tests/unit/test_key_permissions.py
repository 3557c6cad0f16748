# SPDX-License-Identifier: GPL-3.0-or-later
"""``doctor --test-key`` names what a key may do, free of charge; a run names the permission that is missing."""

import io

import pytest

from photoreal_set.command_line import main as cli
from photoreal_set.fal_bridge import errors
from tests.told import events_in

pytestmark = pytest.mark.slow

ALL = ["submit", "requests", "uploads", "assets", "billing", "payloads"]
CHECKS = {
    "submit": ["key-submit"],
    "uploads": ["key-uploads"],
    "requests": ["key-requests"],
    "assets": ["key-assets", "key-hiding"],
    "billing": ["key-billing"],
    "payloads": ["key-payloads"],
}


def checked_key(emulator) -> tuple[int, dict[str, dict]]:
    """The exit code, and the checks by name."""
    stream = io.StringIO()
    code = cli.main(["doctor", "--test-key", "--fal-url", emulator.url, "--json"], stream)
    checks = {event["name"]: event for event in events_in(stream.getvalue()) if event["event"] == "check"}
    assert emulator.ledger() == []
    assert not any(file["acl"] == "hide" for file in emulator.files())
    return code, checks


def test_a_key_that_may_do_everything(emulator):
    emulator.control(permissions=ALL)
    code, checks = checked_key(emulator)
    assert code == 0
    assert checks.keys() == {"key", *(name for names in CHECKS.values() for name in names)}
    assert all(check["good"] for check in checks.values())


@pytest.mark.parametrize("missing", ALL)
def test_a_missing_permission_is_named(emulator, missing):
    emulator.control(permissions=[name for name in ALL if name != missing])
    code, checks = checked_key(emulator)
    assert {name for name, check in checks.items() if not check["good"]} == set(CHECKS[missing])
    assert all("The key may not" in checks[name]["text"] for name in CHECKS[missing])
    assert code == (3 if missing in ("submit", "uploads", "requests") else 0)


def test_a_key_that_is_not_known(emulator):
    emulator.control(faults=[{"name": "bad-key"}])
    code, checks = checked_key(emulator)
    assert code == 3
    assert "does not accept the key" in checks["key"]["text"]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"name": "account-locked"}, "fal.ai has locked the account: User is locked"),
        ({"name": "proxy-page"}, "is not known (127.0.0.1 responds with error 403)"),
        ({"name": "server-error"}, "is not known (127.0.0.1 responds with error 500)"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_an_answer_about_something_else_is_not_called_a_missing_permission(emulator, fault, text):
    emulator.control(permissions=ALL, faults=[fault])
    _code, checks = checked_key(emulator)
    assert not checks["key-submit"]["good"]
    assert text in checks["key-submit"]["text"]


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("submit", "does not allow fal-ai/flux-kontext/dev with this key"),
        ("uploads", "may not upload pictures"),
    ],
)
def test_a_request_without_permission_is_not_paid_and_names_it(desk, missing, text):
    desk.emulator.control(permissions=[name for name in ALL if name != missing])
    error = desk.failure()
    assert isinstance(error, errors.MissingPermissionError)
    assert text in error.message
    assert "The test of the key" in error.hint
    assert desk.emulator.ledger() == []
    desk.emulator.control(permissions=ALL)
    assert desk.made().path.is_file()
