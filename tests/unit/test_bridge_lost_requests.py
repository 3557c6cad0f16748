# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests whose response was lost, searched in the emulator's request list."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from photoreal_set.fal_bridge import lost_requests
from photoreal_set.fal_bridge.errors import BadKeyError
from photoreal_set.fal_bridge.journal import Journal, Stage
from photoreal_set.fal_bridge.lost_requests import Lookup, NotFound
from photoreal_set.fal_bridge.network.http_clients import safe_client
from photoreal_set.fal_bridge.network.paid_post import Accepted
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.fal_bridge.pace import Pace
from tests.fal_emulator.process import running_emulator
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

ENDPOINT = "fal-ai/flux/schnell"
KEYS = [character * 64 for character in "abc"]


@pytest.fixture(scope="module")
def server():
    with running_emulator() as emulator:
        yield emulator


class Account:
    """One folder's journal, and a way to create requests at the emulator that no journal records."""

    def __init__(self, emulator, folder):
        emulator.control(reset=True)
        self.emulator = emulator
        self.service = Service.emulator(emulator.url)
        self.journal = Journal(folder / ".journal")

    def sent(self, number: int, **inputs: object) -> dict:
        return {"prompt": "a clock", "num_images": 1, **inputs} | ({"seed": number} if number else {})

    def submit(self, sent: dict) -> str:
        answer = httpx.post(
            f"{self.service.queue_url}/{ENDPOINT}",
            json=sent,
            headers={"Authorization": f"Key {self.service.key}"},
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        return answer.json()["request_id"]

    def uncertain(self, key: str, sent: dict, **facts: object):
        intent = {"endpoint": ENDPOINT, "kind": "concept", "label": "concept", "sent": sent, **facts}
        assert self.journal.claim(key, 1, intent)
        self.journal.record(key, 1, Stage.UNCERTAIN, {"error": "UncertainSubmitError", "message": "Lost."})
        return self.journal.read(key)

    @property
    def looks(self) -> int:
        """How often the list was read."""
        return self.emulator.stats()["routes"].get("requests", 0)

    def find(self, entry, lag: float = 0.3) -> Accepted | NotFound:
        async def look() -> Accepted | NotFound:
            trust = httpx.create_ssl_context()
            async with safe_client(
                self.service, trust, patience_seconds=PATIENCE_SECONDS, first_pause=0.02
            ) as client:
                pace = replace(Pace.of(self.service), lookup=lag, first_look=0.05)
                return await Lookup(self.service, client, self.journal, pace).find(entry)

        return asyncio.run(look())


@pytest.fixture
def account(server, tmp_path):
    return Account(server, tmp_path)


def test_the_one_request_with_the_same_inputs_is_ours(account):
    for number in (1, 2, 3):
        account.submit(account.sent(number))
    ours = account.submit(account.sent(4))
    found = account.find(account.uncertain(KEYS[0], account.sent(4)))
    assert isinstance(found, Accepted)
    assert found.request_id == ours
    assert account.service.owns_queue_url(found.status_url)


@pytest.mark.parametrize(
    "other",
    [{"seed": 5}, {"prompt": "a Clock"}, {"num_images": 2}, {"num_images": "1"}, {"extra": None}],
    ids=str,
)
def test_inputs_that_differ_are_not_ours(account, other):
    account.submit(account.sent(0, **other))
    found = account.find(account.uncertain(KEYS[0], account.sent(0)))
    assert "not in fal.ai's list" in found.reason


def test_of_two_equal_requests_the_older_is_used_and_the_other_stays_for_the_next_attempt(account):
    first, second = account.submit(account.sent(1)), account.submit(account.sent(1))
    for key, expected in ((KEYS[0], first), (KEYS[1], second)):
        found = account.find(account.uncertain(key, account.sent(1)))
        assert isinstance(found, Accepted)
        assert found.request_id == expected
        account.journal.record(key, 1, Stage.SUBMITTED, {"request_id": found.request_id})


def test_a_request_that_belongs_to_another_job_is_not_used(account):
    theirs, ours = account.submit(account.sent(1)), account.submit(account.sent(1))
    account.uncertain(KEYS[1], account.sent(1))
    account.journal.record(KEYS[1], 1, Stage.SUBMITTED, {"request_id": theirs})
    found = account.find(account.uncertain(KEYS[0], account.sent(1)))
    assert isinstance(found, Accepted)
    assert found.request_id == ours
    account.journal.record(KEYS[0], 1, Stage.SUBMITTED, {"request_id": ours})
    assert isinstance(account.find(account.uncertain(KEYS[2], account.sent(1))), NotFound)


def test_a_list_that_lags_is_read_again(account):
    account.emulator.control(request_list_delay=FOR_EVER_SECONDS)
    account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    with ThreadPoolExecutor() as pool:
        found = pool.submit(account.find, entry, lag=PATIENCE_SECONDS)
        until(lambda: account.looks)
        assert not found.done()
        account.emulator.control(advance=FOR_EVER_SECONDS)
        assert isinstance(found.result(PATIENCE_SECONDS), Accepted)


def test_an_old_request_is_searched_once(account):
    entry = account.uncertain(KEYS[0], account.sent(1))
    entry.facts[Stage.IN_FLIGHT]["time"] -= 3600.0
    assert isinstance(account.find(entry, lag=300.0), NotFound)
    assert account.looks == 2  # Both lists.


def test_a_long_list_is_read_to_its_end(account, monkeypatch):
    monkeypatch.setattr(lost_requests, "PAGE", 2)
    ours = account.submit(account.sent(1))
    for number in range(2, 8):
        account.submit(account.sent(number))
    found = account.find(account.uncertain(KEYS[0], account.sent(1)))
    assert isinstance(found, Accepted)
    assert found.request_id == ours


def test_a_clock_that_is_hours_off_finds_it_in_the_last_search(account):
    account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    entry.facts[Stage.IN_FLIGHT]["time"] -= 9 * 3600.0
    assert isinstance(account.find(entry), Accepted)


def test_without_the_sent_inputs_nothing_matches(account):
    account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    del entry.facts[Stage.IN_FLIGHT]["sent"]
    assert "are unknown" in account.find(entry).reason


def test_payloads_that_are_not_stored_do_not_match(account):
    httpx.post(
        f"{account.service.queue_url}/{ENDPOINT}",
        json=account.sent(1),
        headers={"Authorization": f"Key {account.service.key}", "X-Fal-Store-IO": "0"},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    )
    assert isinstance(account.find(account.uncertain(KEYS[0], account.sent(1))), NotFound)


def test_a_list_without_running_requests_is_not_trusted_until_they_end(account):
    """fal.ai documents for neither list whether it shows requests that have not ended."""
    account.emulator.control(list_running=False, delays={"image": FOR_EVER_SECONDS})
    ours = account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    found = account.find(entry)
    assert isinstance(found, NotFound)
    assert not found.is_proof
    assert "still running" in found.reason
    account.emulator.control(advance=FOR_EVER_SECONDS)
    until(lambda: isinstance(account.find(entry), Accepted))
    assert account.find(entry).request_id == ours


def test_a_list_is_trusted_when_the_request_would_have_ended_long_ago(account):
    entry = account.uncertain(KEYS[0], account.sent(1))
    entry.facts[Stage.IN_FLIGHT]["time"] = time.time() - 3600.0
    assert account.find(entry).is_proof


def test_the_newest_requests_of_all_endpoints_are_searched(account):
    """The list by endpoint is asked first; here it shows nothing, as when it filters by another time."""
    ours = account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    account.emulator.control(faults=[{"name": "empty-answer", "at": "requests", "endpoint": ENDPOINT}])
    assert account.find(entry).request_id == ours


def test_a_request_id_in_the_response_needs_no_list(account):
    account.emulator.control(list_running=False, delays={"image": FOR_EVER_SECONDS})
    ours = account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    entry.facts[Stage.UNCERTAIN]["request_id"] = ours
    assert account.find(entry).request_id == ours
    assert account.looks == 0


def test_an_id_unknown_to_fal_is_not_followed(account):
    ours = account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    entry.facts[Stage.UNCERTAIN]["request_id"] = "an-id-of-the-gateway"
    assert account.find(entry).request_id == ours


# Lists that cannot be read


def refused(*lists: str) -> list[dict]:
    """Faults that answer 403 to the list by endpoint (``ENDPOINT``), the list of all requests (""), or both."""
    return [{"name": "wrong-scope", "at": "requests", "endpoint": name} for name in lists]


def old(entry):
    entry.facts[Stage.IN_FLIGHT]["time"] = time.time() - 3600.0
    return entry


@pytest.mark.parametrize("list_", [ENDPOINT, ""], ids=["by endpoint", "of all requests"])
def test_one_readable_list_is_enough_to_find_a_request_and_proves_nothing(account, list_):
    ours = account.submit(account.sent(1))
    entry = account.uncertain(KEYS[0], account.sent(1))
    account.emulator.control(faults=refused(list_))
    assert account.find(entry).request_id == ours
    found = account.find(old(account.uncertain(KEYS[1], account.sent(2))))
    assert not found.is_proof
    assert "does not show the list of requests to this key" in found.reason


def test_a_key_that_may_read_neither_list_is_named(account):
    account.emulator.control(faults=refused("*"))
    with pytest.raises(BadKeyError, match="does not show the list of requests to this key") as caught:
        account.find(account.uncertain(KEYS[0], account.sent(1)))
    assert "may read requests" in caught.value.hint


def test_a_list_that_is_too_long_to_read_proves_nothing(account, monkeypatch):
    monkeypatch.setattr(lost_requests, "PAGE", 2)
    monkeypatch.setattr(lost_requests, "MAX_PAGES", 2)
    for number in range(1, 6):
        account.submit(account.sent(number))
    entry = account.uncertain(KEYS[0], account.sent(9))
    entry.facts[Stage.IN_FLIGHT]["time"] = time.time() - 3600.0
    found = account.find(entry)
    assert not found.is_proof
    assert "more than 4 requests" in found.reason


def test_requests_listed_without_their_inputs_prove_nothing(account):
    headers = {"Authorization": f"Key {account.service.key}", "X-Fal-Store-IO": "0"}
    url = f"{account.service.queue_url}/{ENDPOINT}"
    httpx.post(url, json=account.sent(1), headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
    entry = account.uncertain(KEYS[0], account.sent(1))
    account.emulator.control(advance=0.1)
    entry.facts[Stage.IN_FLIGHT]["kind"] = "photo"
    entry.facts[Stage.IN_FLIGHT]["time"] -= 14 * 60.0  # Still near the listed one.
    assert "without their inputs" in account.find(entry).reason
