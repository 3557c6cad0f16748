# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancelling at the provider: requested, observed, and with correct information about charges."""

import io
import threading

import pytest

from photoreal_set.command_line import main as cli
from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.cancel import Fate, cancel_all
from photoreal_set.fal_bridge.journal import Journal, Stage
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import plan_record
from photoreal_set.photo_set.source import source_from
from tests.desk import Desk
from tests.fal_emulator.process import FAST
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until
from tests.told import events_in

pytestmark = pytest.mark.slow


def left_behind(desk: Desk, state: str = "IN_PROGRESS", **control: object) -> None:
    """A job that was sent by a run that has ended."""
    desk.emulator.control(**{"delays": {"photo": FOR_EVER_SECONDS}, **control})
    with desk.bridge() as bridge:
        bridge.start(desk.photo(), desk.folder / "photos" / "front")
        until(lambda: [entry["state"] for entry in desk.emulator.ledger()] == [state])
        until(lambda: list(desk.journal.glob("*/submitted.1.json")))


def fates(desk: Desk, watch_seconds: float = PATIENCE_SECONDS) -> list[Fate]:
    results = cancel_all(
        Service.emulator(desk.emulator.url), Journal(desk.journal), watch_seconds=watch_seconds
    )
    return [result.fate for result in results]


def stage(desk: Desk) -> Stage:
    (key,) = Journal(desk.journal).job_keys()
    return Journal(desk.journal).read(key).stage


def test_a_cancelled_waiting_job_never_runs_and_is_sent_again_by_resume(desk):
    left_behind(desk, "IN_QUEUE", delays={"queue": FOR_EVER_SECONDS})
    assert fates(desk) == [Fate.NEVER_RAN]
    assert [entry["state"] for entry in desk.emulator.ledger()] == ["CANCELLED"]
    assert stage(desk) is Stage.ENDED
    desk.emulator.control(delays=FAST)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 2


def test_a_cancelled_running_job_may_still_be_charged(desk):
    left_behind(desk)
    assert fates(desk) == [Fate.STOPPED]
    assert fates(desk) == []


def test_a_job_that_continues_is_not_reported_as_cancelled(desk):
    left_behind(desk, faults=[{"name": "ignore-cancel"}])
    assert fates(desk, watch_seconds=0.5) == [Fate.STILL_THERE]
    assert stage(desk) is Stage.SUBMITTED
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_a_late_cancel_loses_nothing(desk):
    left_behind(desk)
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    until(lambda: desk.emulator.ledger()[0]["state"] == "COMPLETED")
    assert fates(desk) == [Fate.FINISHED]
    assert desk.made().path.is_file()
    assert len(desk.emulator.ledger()) == 1


def test_cancelling_a_failed_job_reports_the_failure(desk):
    left_behind(desk, faults=[{"name": "model-crash"}])
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    until(lambda: desk.emulator.ledger()[0]["state"] == "FAILED")
    assert fates(desk) == [Fate.FAILED]


def test_a_job_unknown_to_fal_is_reported_as_gone(desk):
    left_behind(desk)
    desk.emulator.control(reset=True)
    assert fates(desk) == [Fate.UNKNOWN]


def test_a_job_without_a_request_id_cannot_be_cancelled(desk):
    desk.emulator.control(faults=[{"name": "drop-before-accept"}])
    desk.failure(lookup=0.2)
    assert fates(desk) == [Fate.UNCERTAIN]
    assert stage(desk) is Stage.UNCERTAIN


def test_a_network_error_is_reported_and_an_invalid_key_raises(desk, monkeypatch):
    left_behind(desk)
    monkeypatch.setattr("photoreal_set.fal_bridge.cancel.PATIENCE_SECONDS", 0.3)
    desk.fault("nginx-502", at="cancel")
    assert fates(desk) == [Fate.UNREACHABLE]
    desk.fault("bad-key", at="cancel")
    with pytest.raises(errors.BadKeyError):
        fates(desk)
    desk.emulator.control(faults=[])
    assert fates(desk) == [Fate.STOPPED]


def test_a_process_that_follows_the_job_sees_the_cancellation(desk):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    found = []
    thread = threading.Thread(target=lambda: found.append(desk.failure()))
    thread.start()
    until(lambda: list(desk.journal.glob("*/submitted.1.json")))
    assert fates(desk) == [Fate.STOPPED]
    thread.join(PATIENCE_SECONDS)
    assert isinstance(found[0], errors.JobCancelledError)


def test_the_command_reports_line_by_line(desk):
    left_behind(desk)
    plan = SetPlan(
        source=source_from([], "a clock"),
        out=desk.folder / "set",
        angles=(ANGLES["front"],),
        engine=Engine.FAL,
        service=Service.emulator(desk.emulator.url),
    )
    folder = SetFolder.prepare(
        plan.out, product="clock", source=plan.source.record(), tool={}, plan=plan_record(plan)
    )
    desk.journal.rename(folder.journal)
    for message, code in (("may still be charged", 0), ("nothing left to cancel", 0)):
        output = io.StringIO()
        assert cli.main(["cancel", str(folder.root), "--json"], output) == code
        lines = events_in(output.getvalue())
        assert message in lines[0]["text"]
        assert lines[-1]["event"] == "finished"
