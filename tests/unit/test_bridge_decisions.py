# SPDX-License-Identifier: GPL-3.0-or-later
"""A person decides about uncertain requests."""

import os

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


def uncertain(journal: Journal, key: str = KEY) -> None:
    journal.record(key, 1, Stage.UNCERTAIN, {"error": "UncertainSubmitError", "message": "Lost."})


def test_a_resend_allows_one_more_attempt(journal):
    uncertain(journal)
    assert not journal.read(KEY).may_send
    assert "front photo (a1a1a1a1a1a1) may be sent once more" in decide(journal, "a1", Decision.RESEND)
    assert journal.read(KEY).may_send
    assert journal.claim(KEY, 2, {})
    assert not journal.claim(KEY, 2, {})
    assert not journal.claim(KEY, 3, {})


def test_what_is_forgotten_is_not_sent_unless_the_person_thinks_again(journal):
    uncertain(journal)
    assert "given up" in decide(journal, KEY, Decision.FORGET)
    assert not journal.read(KEY).may_send
    assert not journal.claim(KEY, 2, {})
    decide(journal, KEY, Decision.RESEND)
    assert journal.claim(KEY, 2, {})


@pytest.mark.parametrize("decision", Decision)
def test_an_accepted_request_outweighs_the_decision(journal, decision):
    uncertain(journal)
    decide(journal, KEY, decision)
    journal.record(KEY, 1, Stage.SUBMITTED, {"request_id": "late"})
    entry = journal.read(KEY)
    assert (entry.stage, entry.may_send) == (Stage.SUBMITTED, False)
    with pytest.raises(errors.WrongRequestError, match="not uncertain"):
        decide(journal, KEY, decision)


def test_only_an_uncertain_request_is_decided_about(journal):
    with pytest.raises(errors.WrongRequestError, match="being sent right now"):
        decide(journal, KEY, Decision.RESEND)
    journal.record(KEY, 1, Stage.SUBMITTED, {"request_id": "r"})
    for decision in Decision:
        with pytest.raises(errors.WrongRequestError, match="not uncertain"):
            decide(journal, KEY, decision)


def test_a_sender_that_is_gone_leaves_a_decision(journal):
    path = journal.folder / KEY / "intent.1"
    text = path.read_text()
    path.write_text(text.replace(f'"process":{os.getpid()}', '"process":0').replace('"time":1', '"time":0.1'))
    decide(journal, KEY, Decision.FORGET)
    assert journal.read(KEY).stage is Stage.FORGOTTEN


def test_a_key_is_named_by_an_unambiguous_beginning(journal):
    journal.claim(OTHER, 1, {"label": "film"})
    assert journal.find("A2") == OTHER
    for wrong, words in (("a", "2 jobs"), ("b", "No job"), ("", "No job"), ("../a1", "No job")):
        with pytest.raises(errors.WrongRequestError, match=words):
            journal.find(wrong)


@pytest.mark.parametrize("stage", [Stage.FREE, Stage.IN_FLIGHT, Stage.SUBMITTED, Stage.ENDED, Stage.DONE])
def test_a_decision_follows_from_nothing_else(tmp_path, stage):
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
    for step in path:
        journal.record(KEY, 1, step, {})
    if stage in (Stage.FREE, Stage.IN_FLIGHT):
        with pytest.raises(ValueError, match=r"cannot become|attempt"):
            journal.record(KEY, 1, Stage.RELEASED, {})
    else:
        journal.record(KEY, 1, Stage.RELEASED, {})  # Known already to have a fate: nothing changes.
        assert journal.read(KEY).stage is stage


def test_an_answer_that_comes_after_the_next_attempt_is_kept_and_changes_nothing(journal):
    uncertain(journal)
    decide(journal, KEY, Decision.RESEND)
    assert journal.claim(KEY, 2, {})
    journal.record(KEY, 1, Stage.SUBMITTED, {"request_id": "late"})
    journal.record(KEY, 1, Stage.ENDED, {"may_send_again": True})
    entry = journal.read(KEY)
    assert (entry.stage, entry.attempt) == (Stage.IN_FLIGHT, 2)
    assert "late" in journal.claimed_requests()


def test_a_wrong_key_names_those_that_wait(journal):
    with pytest.raises(errors.WrongRequestError, match="There is none for --resend"):
        decide(journal, "ffff", Decision.RESEND)
    uncertain(journal)
    journal.claim(OTHER, 1, {"label": "film"})
    journal.record(OTHER, 1, Stage.SUBMITTED, {"request_id": "r"})
    for key in ("ffff", OTHER):  # Unknown, and nothing to decide.
        with pytest.raises(errors.WrongRequestError) as caught:
            decide(journal, key, Decision.RESEND)
        assert str(caught.value).endswith("For --resend: front photo (a1a1a1a1a1a1).")
    decide(journal, KEY, Decision.FORGET)
    with pytest.raises(errors.WrongRequestError, match="For --resend: front photo"):
        decide(journal, "ffff", Decision.RESEND)
    with pytest.raises(errors.WrongRequestError, match="There is none for --forget"):
        decide(journal, "ffff", Decision.FORGET)
