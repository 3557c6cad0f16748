# SPDX-License-Identifier: GPL-3.0-or-later
"""One error proves nothing: a request that may have been accepted is searched and followed before it is sent again."""

import json
import time
from typing import Any

import pytest

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.decisions import Decision, decide
from photoreal_set.fal_bridge.endpoints.choosing import DEFAULT_VIDEO_ENDPOINT
from photoreal_set.fal_bridge.jobs import JobState, Kind
from photoreal_set.fal_bridge.journal import Journal, Stage
from photoreal_set.fal_bridge.money import journal_costs
from tests.fal_emulator.process import FAST
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS

pytestmark = pytest.mark.slow


def journal_of(desk) -> Journal:
    return Journal(desk.journal)


def the_key(desk) -> str:
    (key,) = journal_of(desk).job_keys()
    return key


def make_old(desk, key: str, seconds: float) -> None:
    """Change the journal so that the newest attempt of a job was sent that long ago."""
    path = desk.journal / key / f"intent.{journal_of(desk).read(key).attempt}"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "time": time.time() - seconds}))


# The result


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "server-error"},
        {"name": "fal-503"},
        {"name": "gateway-timeout"},
        {"name": "nginx-502"},
        {"name": "endpoint-withdrawn"},
        {"name": "empty-answer"},
        {"name": "proxy-page", "status": 404},
        {"name": "proxy-page", "status": 409},
        {"name": "proxy-page", "status": 403},
        {"name": "rate-limited", "retry_after": 0},
    ],
    ids=lambda fault: f"{fault['name']} {fault.get('status', '')}",
)
def test_a_finished_result_that_fails_once_is_requested_again(desk, fault):
    desk.fault(at="result", count=1, **fault)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1
    assert [cost.row["state"] for cost in journal_costs.costs_in(desk.journal, "")] == ["done"]


def test_a_broken_result_is_unpaid_only_when_fal_confirms_it(desk):
    """The status does not mention the failure, as with endpoints that do not report it there."""
    desk.fault("server-error", at="result")
    error = desk.failure(confirm=0.3)
    assert type(error) is errors.RunnerTroubleError
    assert desk.count("result") >= 3
    assert journal_of(desk).read(the_key(desk)).may_send


def test_an_apparent_failure_that_succeeded_is_not_paid_again(desk):
    desk.fault("server-error", at="result")
    desk.failure(confirm=0.1)
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    ledger = desk.emulator.ledger()
    assert len(ledger) == 1
    # The request appears once, with the attempt that follows it.
    (cost,) = journal_costs.costs_in(desk.journal, "")
    assert (cost.row["request_id"], cost.row["state"]) == (ledger[0]["request_id"], "done")


@pytest.mark.parametrize("status", [403, 404, 409, 429, 503])
def test_a_proxy_error_before_the_result_changes_nothing(desk, status):
    desk.fault("proxy-page", at="result", status=status)
    assert isinstance(desk.failure(patience=0.4), errors.ServiceTroubleError)
    assert journal_of(desk).read(the_key(desk)).stage is Stage.SUBMITTED
    desk.emulator.control(faults=[])
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


# The submit


@pytest.mark.parametrize("names_job", [True, False])
@pytest.mark.parametrize("name", ["server-error", "fal-503"])
def test_a_request_accepted_before_a_server_error_is_followed(desk, name, names_job):
    """By its id, when the response has that of the job; otherwise by the lists."""
    desk.fault(name, accepted=True, names_job=names_job)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1
    assert JobState.UNCERTAIN in desk.states()


def test_a_request_id_from_a_response_is_followed_without_the_list(desk):
    desk.emulator.control(
        faults=[{"name": "fal-503", "accepted": True, "names_job": True}], list_running=False
    )
    assert desk.made(lookup=0.0).path.is_file()
    assert len(desk.emulator.ledger()) == 1
    assert desk.count("requests") == 0


@pytest.mark.parametrize(
    "fault",
    [
        *({"name": "proxy-page", "status": status} for status in (403, 404, 409, 429)),
        {"name": "nginx-502"},
        {"name": "nginx-504"},
        {"name": "html-answer"},
    ],
    ids=lambda fault: f"{fault['name']} {fault.get('status', '')}",
)
def test_a_response_that_is_not_from_fal_leaves_the_request_uncertain(desk, fault):
    """Accepted or not, it is not sent again: one that was accepted is found in the lists."""
    desk.fault(**fault)
    error = desk.failure(lookup=0.2)
    assert isinstance(error, errors.UncertainSubmitError)
    assert error.exit_code == 5
    assert desk.emulator.ledger() == []
    desk.fault(**fault, accepted=True)
    assert desk.made(desk.photo(label="side photo", seed=1), "photos/side").path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_redirected_submit_is_uncertain(desk):
    desk.fault("redirect-outside", at="submit")
    assert isinstance(desk.failure(lookup=0.2), errors.UncertainSubmitError)


def test_an_outage_of_fal_is_resolved_automatically_after_the_maximum_duration(desk):
    """fal.ai itself has answered with an error, and long after that neither list has the request."""
    desk.fault("fal-503")
    error = desk.failure(lookup=0.2)
    assert isinstance(error, errors.UncertainSubmitError)
    desk.emulator.control(faults=[])
    assert isinstance(desk.failure(lookup=0.2), errors.UncertainSubmitError)
    make_old(desk, the_key(desk), 16 * 60.0)
    assert desk.made(lookup=0.2).path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_lost_response_of_any_age_waits_for_the_user(desk):
    desk.fault("drop-before-accept")
    desk.failure(lookup=0.2)
    desk.emulator.control(faults=[])
    make_old(desk, the_key(desk), 3600.0)
    error = desk.failure(lookup=0.2)
    assert isinstance(error, errors.UncertainSubmitError)
    assert "If your fal.ai dashboard does not show it, resend it" in error.hint


@pytest.mark.parametrize("accepted", [True, False])
def test_a_rate_limit_is_waited_out_within_the_run(desk, accepted):
    """One that comes after the acceptance: the request is found before another one is sent."""
    desk.fault("rate-limited", count=1, retry_after=1, accepted=accepted)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_rate_limit_that_names_an_accepted_job_is_followed(desk):
    desk.emulator.control(
        faults=[{"name": "rate-limited", "count": 1, "retry_after": 0, "accepted": True, "names_job": True}],
        list_running=False,
        delays={"photo": 0.5},
    )
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


# Lists that show only finished requests


def test_a_running_request_is_not_sent_again_because_no_list_shows_it(desk):
    desk.emulator.control(
        faults=[{"name": "drop-submit-answer"}], list_running=False, delays={"photo": FOR_EVER_SECONDS}
    )
    error = desk.failure(lookup=0.2)
    assert "may not show requests that are still running" in error.message
    assert "free of charge" in error.hint
    key = the_key(desk)
    desk.emulator.control(faults=[])
    with pytest.raises(errors.WrongRequestError, match="may still be running"):
        decide(journal_of(desk), key, Decision.RESEND)
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_resend_without_readable_lists_needs_a_look_at_the_dashboard(desk):
    desk.emulator.control(faults=[{"name": "drop-before-accept"}])
    desk.failure(lookup=0.2)
    key = the_key(desk)
    make_old(desk, key, 16 * 60.0)
    decide(journal_of(desk), key, Decision.RESEND)
    desk.emulator.control(faults=[{"name": "wrong-scope", "at": "requests"}])
    error = desk.failure(lookup=0.2)
    assert isinstance(error, errors.UncertainSubmitError)
    assert "does not show the list of requests to this key" in error.message
    assert "check your fal.ai dashboard" in error.hint
    assert desk.emulator.ledger() == []
    decide(journal_of(desk), key, Decision.RESEND, is_not_in_dashboard=True)
    assert desk.made(lookup=0.2).path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_resend_is_sent_when_both_lists_show_long_after_that_it_is_not_there(desk):
    desk.emulator.control(faults=[{"name": "drop-before-accept"}])
    desk.failure(lookup=0.2)
    make_old(desk, the_key(desk), 16 * 60.0)
    decide(journal_of(desk), the_key(desk), Decision.RESEND)
    desk.emulator.control(faults=[])
    assert desk.made(lookup=0.2).path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_resent_request_that_turns_up_is_downloaded_and_shown_as_paid(desk):
    desk.emulator.control(
        faults=[{"name": "drop-submit-answer"}], list_running=False, delays={"photo": FOR_EVER_SECONDS}
    )
    desk.failure(lookup=0.2)
    decide(journal_of(desk), the_key(desk), Decision.RESEND, is_not_in_dashboard=True)
    desk.emulator.control(faults=[], delays={"photo": 0.0})
    second = desk.made(lookup=0.2)
    assert len(desk.emulator.ledger()) == 2
    assert len(list(desk.journal.glob("*/done.json"))) == 1
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    desk.emulator.settled_ledger()
    assert desk.made().path == second.path  # The next run: nothing is sent, and the first one is fetched.
    assert len(list(desk.journal.glob("*/done.json"))) == 2
    assert len(desk.emulator.ledger()) == 2
    rows = [cost.row for cost in journal_costs.costs_in(desk.journal, "")]
    assert sorted(row["state"] for row in rows) == ["done", "done"]
    assert {row["request_id"] for row in rows} == {entry["request_id"] for entry in desk.emulator.ledger()}


def test_a_given_up_request_that_turns_up_is_downloaded(desk):
    desk.emulator.control(
        faults=[{"name": "drop-submit-answer"}], list_running=False, delays={"photo": FOR_EVER_SECONDS}
    )
    desk.failure(lookup=0.2)
    decide(journal_of(desk), the_key(desk), Decision.FORGET)
    assert isinstance(desk.failure(lookup=0.2), errors.ForgottenError)
    desk.emulator.control(faults=[], advance=FOR_EVER_SECONDS)
    desk.emulator.settled_ledger()
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


# Open requests of the same purpose, under another key


def video(desk, seconds: int) -> Any:
    return desk.photo(kind=Kind.VIDEO, endpoint=DEFAULT_VIDEO_ENDPOINT, label="film", seconds=seconds)


def test_an_open_request_is_finished_before_another_for_the_same_purpose(desk):
    desk.emulator.control(delays={"video": FOR_EVER_SECONDS})
    with desk.bridge() as bridge:
        bridge.start(video(desk, 3), desk.folder / "video/turntable")
        desk.wait_for(JobState.RUNNING)
    desk.emulator.control(advance=FOR_EVER_SECONDS, delays=FAST)
    second = desk.made(video(desk, 5), "video/turntable")
    videos = sorted(path.name for path in (desk.folder / "video").iterdir())
    assert videos == ["turntable.2.mp4", "turntable.mp4"]
    assert second.path.name == "turntable.2.mp4"
    assert len(desk.emulator.ledger()) == 2


def test_nothing_is_sent_while_a_request_for_the_same_purpose_is_held(desk):
    desk.fault("drop-before-accept")
    assert isinstance(desk.failure(video(desk, 3), lookup=0.2), errors.UncertainSubmitError)
    desk.emulator.control(faults=[])
    error = desk.failure(video(desk, 5), lookup=0.2)
    assert isinstance(error, errors.UncertainSubmitError)
    assert desk.emulator.ledger() == []
    decide(journal_of(desk), the_key(desk), Decision.FORGET)
    assert desk.made(video(desk, 5), "video/turntable").path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_other_purposes_do_not_wait(desk):
    desk.fault("drop-before-accept")
    desk.failure(lookup=0.2)
    desk.emulator.control(faults=[])
    assert desk.made(desk.photo(label="side photo", seed=1), "photos/side").path.is_file()


def test_a_lost_result_does_not_block_another_take(desk):
    desk.fault("result-expired")
    assert isinstance(desk.failure(confirm=0.1), errors.ExpiredResultError)
    desk.emulator.control(faults=[])
    assert desk.made(desk.photo(take=2, seed=2)).path.is_file()
    assert len(desk.emulator.ledger()) == 2


def test_open_requests_can_be_finished_separately(desk):
    desk.emulator.control(delays={"video": FOR_EVER_SECONDS})
    with desk.bridge() as bridge:
        bridge.start(video(desk, 3), desk.folder / "video/turntable")
        desk.wait_for(JobState.RUNNING)
    desk.emulator.control(advance=FOR_EVER_SECONDS, delays=FAST)
    with desk.bridge() as bridge:
        bridge.settle("film", desk.folder / "video/turntable").result(PATIENCE_SECONDS)
    assert (desk.folder / "video/turntable.mp4").is_file()
    assert len(desk.emulator.ledger()) == 1


# What was billed


@pytest.mark.parametrize("units", ["-3", "nan", "inf", "1e300", "9999999", "many", "", "0x10"])
def test_implausible_units_are_rejected_and_named(desk, units):
    desk.fault("wrong-units", units=units)
    assert desk.made().units is None
    (cost,) = journal_costs.costs_in(desk.journal, "")
    assert cost.refused_units == units
    assert cost.basis != "billed"
    assert json.loads((desk.journal / the_key(desk) / "done.json").read_text())["units"] is None
