# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of an endpoint change with its published schema: what is paid is not paid again for that."""

import json
from dataclasses import replace
from typing import Any

import pytest

from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.decisions import Decision, decide
from photoreal_set.fal_bridge.endpoints.choosing import DEFAULT_PHOTO_ENDPOINT
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.errors import ForgottenError, UncertainSubmitError
from photoreal_set.fal_bridge.jobs import Generation, JobResult
from photoreal_set.fal_bridge.journal import Journal, Stage
from photoreal_set.fal_bridge.network.service import Service
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow


def bridge(desk, **intent: Any) -> Bridge:
    """A run in which the photo endpoint is sent ``intent`` besides what it was sent before."""
    row = REGISTRY[DEFAULT_PHOTO_ENDPOINT]
    known = {**REGISTRY, row.id: replace(row, intent={**row.intent, **intent})}
    service = Service.emulator(desk.emulator.url)
    return Bridge(service, desk.journal, desk.news.append, pace=desk.pace, endpoints=known)


def made(desk, wanted: Generation, **intent: Any) -> JobResult:
    with bridge(desk, **intent) as run:
        return run.start(wanted, desk.folder / "photos/front").result(PATIENCE_SECONDS)


def test_other_defaults_of_an_endpoint_are_no_reason_to_pay_again(desk):
    first = made(desk, desk.photo(seed=3))
    assert made(desk, desk.photo(seed=3), guidance_scale=4.0) == first
    assert len(desk.emulator.ledger()) == 1


def test_an_input_that_the_schema_no_longer_has_is_no_reason_to_pay_again(desk):
    first = made(desk, desk.photo(seed=3, negative_prompt="text"))
    row = replace(REGISTRY[DEFAULT_PHOTO_ENDPOINT], seed_field="")
    known = {**REGISTRY, row.id: row}
    service = Service.emulator(desk.emulator.url)
    with Bridge(service, desk.journal, desk.news.append, pace=desk.pace, endpoints=known) as run:
        wanted = desk.photo(seed=3, negative_prompt="text")
        result = run.start(wanted, desk.folder / "photos/front").result(PATIENCE_SECONDS)
    assert result == first
    assert len(desk.emulator.ledger()) == 1


@pytest.mark.parametrize(
    "changes",
    [{"seed": 4}, {"prompt": "at sunset"}, {"options": {"guidance_scale": 4.0}}, {"take": 2}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_the_user_changes_is_another_request(desk, changes: dict[str, Any]):
    made(desk, desk.photo(seed=3))
    made(desk, desk.photo(**{"seed": 3, **changes}), num_inference_steps=30)
    assert len(desk.emulator.ledger()) == 2


def test_an_option_that_the_user_takes_back_is_another_request(desk):
    made(desk, desk.photo(options={"guidance_scale": 4.0}))
    made(desk, desk.photo(), num_inference_steps=30)
    assert len(desk.emulator.ledger()) == 2


def test_a_request_that_is_running_is_followed(desk):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    with bridge(desk) as run:
        run.start(desk.photo(), desk.folder / "photos/front")
        until(lambda: [entry["state"] for entry in desk.emulator.ledger()] == ["IN_PROGRESS"])
    desk.emulator.control(advance=FOR_EVER_SECONDS, delays={"photo": 0.0})
    result = made(desk, desk.photo(), guidance_scale=4.0)
    assert [entry["request_id"] for entry in desk.emulator.ledger()] == [result.request_id]


def test_other_requests_for_the_same_purpose_are_fetched_too(desk):
    first = made(desk, desk.photo(seed=3))
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    with bridge(desk) as run:
        run.start(desk.photo(seed=4), desk.folder / "photos/front")
        until(lambda: "IN_PROGRESS" in [entry["state"] for entry in desk.emulator.ledger()])
    desk.emulator.control(advance=FOR_EVER_SECONDS, delays={"photo": 0.0})
    assert made(desk, desk.photo(seed=3), guidance_scale=4.0) == first
    known = Journal(desk.journal)
    assert [known.read(key).stage for key in known.job_keys()] == [Stage.DONE, Stage.DONE]


def test_a_request_that_was_given_up_is_not_sent_with_other_defaults(desk):
    desk.fault("drop-before-accept", count=1)
    assert isinstance(desk.failure(lookup=0.1), UncertainSubmitError)
    (key,) = Journal(desk.journal).job_keys()
    decide(Journal(desk.journal), key, Decision.FORGET)
    with pytest.raises(ForgottenError):
        made(desk, desk.photo(), guidance_scale=4.0)
    assert desk.emulator.ledger() == []


def test_a_journal_of_an_older_version_names_no_wish(desk):
    made(desk, desk.photo())
    (path,) = desk.journal.glob("*/intent.1")
    facts = json.loads(path.read_text())
    del facts["wish"]
    path.write_text(json.dumps(facts))
    made(desk, desk.photo(), guidance_scale=4.0)
    assert len(desk.emulator.ledger()) == 2
