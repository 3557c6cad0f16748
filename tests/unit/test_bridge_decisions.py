# SPDX-License-Identifier: GPL-3.0-or-later
"""The user decides about uncertain requests."""

import json
import os
import time

import pytest

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.decisions import Decision, decide
from photoreal_set.fal_bridge.journal import Journal, Stage

KEY, OTHER = "a1" * 32, "a2" * 32


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / ".journal")
    assert journal.claim(KEY, 1, {"label": "front photo", "endpoint": "e"})
    return journal


def resend(journal: Journal, beginning: str = KEY) -> str:
    return decide(journal, beginning, Decision.RESEND, is_not_in_dashboard=True)


def uncertain(journal: Journal, key: str = KEY) -> None:
    journal.record(key, 1, Stage.UNCERTAIN, {"error": "UncertainSubmitError", "message": "Lost."})


def test_a_resend_allows_one_more_attempt(journal):
    uncertain(journal)
    assert not journal.read(KEY).may_send
    assert "front photo (a1a1a1a1a1a1) may be sent again" in resend(journal, "a1")
    assert journal.read(KEY).may_send
    assert journal.claim(KEY, 2, {})
    assert not journal.claim(KEY, 2, {})
    assert not journal.claim(KEY, 3, {})


def test_a_forgotten_request_is_not_sent_until_the_user_changes_the_decision(journal):
    uncertain(journal)
    assert "given up" in decide(journal, KEY, Decision.FORGET)
    assert not journal.read(KEY).may_send
    assert not journal.claim(KEY, 2, {})
    resend(journal)
    assert journal.claim(KEY, 2, {})


@pytest.mark.parametrize("decision", Decision)
def test_an_accepted_request_overrides_the_decision(journal, decision):
    uncertain(journal)
    decide(journal, KEY, decision, is_not_in_dashboard=True)
    journal.record(KEY, 1, Stage.SUBMITTED, {"request_id": "late"})
    entry = journal.read(KEY)
    assert (entry.stage, entry.may_send) == (Stage.SUBMITTED, False)
    with pytest.raises(errors.WrongRequestError, match="not uncertain"):
        decide(journal, KEY, decision)


def test_only_an_uncertain_request_needs_a_decision(journal):
    with pytest.raises(errors.WrongRequestError, match="being sent right now"):
        decide(journal, KEY, Decision.RESEND)
    journal.record(KEY, 1, Stage.SUBMITTED, {"request_id": "r"})
    for decision in Decision:
        with pytest.raises(errors.WrongRequestError, match="not uncertain"):
            decide(journal, KEY, decision)


def test_a_request_of_a_dead_sender_can_be_decided(journal):
    path = journal.folder / KEY / "intent.1"
    text = path.read_text()
    path.write_text(text.replace(f'"process":{os.getpid()}', '"process":0').replace('"time":1', '"time":0.1'))
    decide(journal, KEY, Decision.FORGET)
    assert journal.read(KEY).stage is Stage.FORGOTTEN


def test_a_key_can_be_given_by_an_unambiguous_prefix(journal):
    journal.claim(OTHER, 1, {"label": "film"})
    assert journal.find("A2") == OTHER
    for wrong, message in (
        ("a", "2 requests"),
        ("b", "No request"),
        ("", "No request"),
        ("../a1", "No request"),
    ):
        with pytest.raises(errors.WrongRequestError, match=message):
            journal.find(wrong)


@pytest.mark.parametrize("stage", [Stage.FREE, Stage.IN_FLIGHT, Stage.SUBMITTED, Stage.ENDED, Stage.DONE])
def test_a_decision_is_illegal_at_any_other_stage(tmp_path, stage):
    journal = Journal(tmp_path)
    path = {
        Stage.FREE: [],
        Stage.IN_FLIGHT: [],
        Stage.SUBMITTED: [Stage.SUBMITTED],
        Stage.ENDED: [Stage.ENDED],
        Stage.DONE: [Stage.SUBMITTED, Stage.ANSWERED, Stage.DONE],
    }[stage]
    if stage is not Stage.FREE:
        journal.claim(KEY, 1, {})
    facts = {
        "request_id": "r",
        "output": {},
        "units": None,
        "path": "a.png",
        "sha256": "0" * 64,
        "seed": None,
    }
    for step in path:
        journal.record(KEY, 1, step, facts)
    if stage in (Stage.FREE, Stage.IN_FLIGHT):
        with pytest.raises(ValueError, match=r"cannot become|attempt"):
            journal.record(KEY, 1, Stage.RELEASED, {})
    else:
        journal.record(KEY, 1, Stage.RELEASED, {})  # Its outcome is already known: nothing changes.
        assert journal.read(KEY).stage is stage


def test_an_answer_that_arrives_after_the_next_attempt_is_kept_and_changes_nothing(journal):
    uncertain(journal)
    resend(journal)
    assert journal.claim(KEY, 2, {"label": "front photo"})
    journal.record(KEY, 1, Stage.SUBMITTED, {"request_id": "late"})
    journal.record(KEY, 1, Stage.ENDED, {"may_send_again": True})
    entry = journal.read(KEY)
    assert (entry.stage, entry.attempt) == (Stage.IN_FLIGHT, 2)
    assert "late" in journal.claimed_requests()
    left = journal.left_behind("front photo")  # So it is followed as a separate job.
    assert [(one.key, one.attempt, one.stage) for one in left] == [(KEY, 1, Stage.SUBMITTED)]


def test_a_wrong_key_lists_the_uncertain_requests(journal):
    with pytest.raises(errors.WrongRequestError, match="There is no request to resend"):
        decide(journal, "ffff", Decision.RESEND)
    uncertain(journal)
    journal.claim(OTHER, 1, {"label": "film"})
    journal.record(OTHER, 1, Stage.SUBMITTED, {"request_id": "r"})
    for key in ("ffff", OTHER):  # Unknown, and nothing to decide.
        with pytest.raises(errors.WrongRequestError) as caught:
            decide(journal, key, Decision.RESEND)
        assert str(caught.value).endswith("To resend: front photo (a1a1a1a1a1a1).")
    decide(journal, KEY, Decision.FORGET)
    with pytest.raises(errors.WrongRequestError, match="To resend: front photo"):
        decide(journal, "ffff", Decision.RESEND)
    with pytest.raises(errors.WrongRequestError, match="There is no request to forget"):
        decide(journal, "ffff", Decision.FORGET)


def test_a_request_that_may_still_run_is_not_sent_again(journal):
    """A request that is not listed may be running: fal.ai may list only finished requests."""
    uncertain(journal)
    with pytest.raises(errors.WrongRequestError, match="may still be running") as caught:
        decide(journal, KEY, Decision.RESEND)
    assert caught.value.field == "not_in_dashboard"
    assert journal.read(KEY).stage is Stage.UNCERTAIN
    decide(journal, KEY, Decision.RESEND, is_not_in_dashboard=True)
    assert journal.read(KEY).may_send


@pytest.mark.parametrize(("kind", "minutes"), [("photo", 15), ("video", 45), ("model", 45), ("", 45)])
def test_a_request_past_its_maximum_duration_may_be_sent_again(tmp_path, kind, minutes):
    journal = Journal(tmp_path)
    for key, age in ((KEY, minutes * 60 - 30), (OTHER, minutes * 60 + 1)):
        journal.claim(key, 1, {"label": "front photo", "endpoint": "e", "kind": kind})
        path = journal.folder / key / "intent.1"
        facts = json.loads(path.read_text())
        path.write_text(json.dumps({**facts, "time": time.time() - age}))
        uncertain(journal, key)
    with pytest.raises(errors.WrongRequestError, match="may still be running"):
        decide(journal, KEY, Decision.RESEND)
    decide(journal, OTHER, Decision.RESEND)
    assert journal.read(OTHER).may_send
