# SPDX-License-Identifier: GPL-3.0-or-later
"""What fal.ai has charged, from its billing events, against what was recorded."""

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from photoreal_set.command_line import main as cli
from photoreal_set.fal_bridge.money import billing
from photoreal_set.fal_bridge.money.journal_costs import Cost
from photoreal_set.messages.money import exact_dollars
from photoreal_set.photo_set.choices import Engine
from tests.cloud_sets import Sets
from tests.emulator_desk import AUTH, PLAINLY
from tests.told import events_in

pytestmark = pytest.mark.slow

ADMIN = ["submit", "requests", "uploads", "assets", "billing", "payloads"]


@pytest.fixture
def sets(tmp_path: Path, emulator) -> Sets:
    emulator.control(permissions=ADMIN)
    return Sets(tmp_path, emulator)


def reconcile(folder: Path) -> tuple[int, str]:
    """The exit code and the JSON output of the command."""
    stream = io.StringIO()
    return cli.main(["reconcile", str(folder), "--json"], stream), stream.getvalue()


def bill(sets: Sets) -> list[dict]:
    answer = httpx.get(
        f"{sets.emulator.url}/v1/models/billing-events", params={"limit": 100}, headers=AUTH, **PLAINLY
    )
    return answer.json()["billing_events"]


def rows(folder: Path) -> list[dict]:
    with (folder / "charges.csv").open() as stream:
        return list(csv.DictReader(stream))


def nano(amount: str) -> int:
    """US dollars in nano-dollars; raises when there are smaller parts."""
    value = Decimal(amount) * 1_000_000_000
    assert value == value.to_integral_value()
    return int(value)


def test_the_sums_equal_the_billing_events_to_the_nano_dollar(sets):
    sets.emulator.control(percent_discount=7.3)
    plan = replace(sets.plan, video=Engine.FAL, photo_size=256)
    assert sets.run(plan).exit_code == 0
    code, said = reconcile(sets.plan.out)
    assert code == 0
    events = {event["request_id"]: event for event in bill(sets)}
    found = rows(sets.plan.out)
    assert {row["request_id"] for row in found} == events.keys()
    for row in found:
        assert nano(row["charged"]) == events[row["request_id"]]["cost_estimate_nano_usd"]
        assert (sets.plan.out / row["file"]).is_file()
    record = json.loads((sets.plan.out / "charges.json").read_text())
    total = sum(event["cost_estimate_nano_usd"] for event in events.values())
    assert nano(record["total"]["charged"]) == total
    by_endpoint = {name: nano(sums["charged"]) for name, sums in record["endpoints"].items()}
    assert by_endpoint == {
        name: sum(one["cost_estimate_nano_usd"] for one in events.values() if one["endpoint_id"] == name)
        for name in {event["endpoint_id"] for event in events.values()}
    }
    assert sum(by_endpoint.values()) == total
    assert len(record["different"]) == len(
        events
    )  # The discount: the unit prices of the emulator do not have it.
    assert "differs from the recorded amount" in said
    assert sets.record["cost"]["charged"] == pytest.approx(total / 1e9)
    charges = [event for event in events_in(said) if event["event"] == "charge"]
    assert sum(nano(charge["charged"]) for charge in charges) == total


def test_a_request_without_an_event_is_named_and_not_counted(sets):
    sets.emulator.control(faults=[{"name": "unbilled", "nth": [2]}])
    assert sets.run().exit_code == 0
    code, said = reconcile(sets.plan.out)
    assert code == 2
    (event,) = bill(sets)
    record = json.loads((sets.plan.out / "charges.json").read_text())
    (missing,) = record["missing"]
    assert nano(record["total"]["charged"]) == event["cost_estimate_nano_usd"]
    assert record["total"]["missing"] == 1
    assert missing["charged"] == ""
    assert missing["request_id"] in said
    assert "not counted here" in said
    assert sets.record["cost"]["missing"] == 1


def test_an_event_that_contradicts_itself_is_named_and_not_counted(sets):
    sets.emulator.control(faults=[{"name": "odd-bill"}])
    assert sets.run().exit_code == 0
    code, said = reconcile(sets.plan.out)
    assert code == 2
    assert "cannot be understood" in said
    assert {row["charged"] for row in rows(sets.plan.out)} == {""}
    assert {row["events"] for row in rows(sets.plan.out)} == {"unreadable"}


def test_failed_requests_are_part_of_the_bill(sets):
    sets.emulator.control(faults=[{"name": "model-error", "units": 1.0, "nth": [1]}])
    assert sets.run().exit_code == 2
    assert reconcile(sets.plan.out)[0] == 0
    record = json.loads((sets.plan.out / "charges.json").read_text())
    assert nano(record["total"]["failed"]) == 25_000_000
    failed = next(row for row in rows(sets.plan.out) if row["state"] == "failed")
    assert failed["file"] == ""
    assert failed["charged"] == "0.025"


def test_every_page_of_the_bill_is_read(sets, monkeypatch):
    monkeypatch.setattr(billing, "EVENTS_PER_PAGE", 1)
    assert sets.run().exit_code == 0
    assert reconcile(sets.plan.out)[0] == 0
    assert {row["events"] for row in rows(sets.plan.out)} == {"1"}


def test_a_key_that_may_not_read_the_bill_changes_nothing(sets, capsys):
    sets.emulator.control(permissions=["submit", "requests", "uploads", "assets"])
    assert sets.run().exit_code == 0
    assert reconcile(sets.plan.out)[0] == 1
    assert "The key may not read billing events. Use an admin key" in capsys.readouterr().err
    assert not (sets.plan.out / "charges.csv").exists()
    assert "charged" not in sets.record["cost"]


def cost(number: int, time: str, product: str = "lamp") -> Cost:
    row = {
        "request_id": f"r{number}",
        "time": time,
        "product": product,
        "job": "front photo",
        "endpoint": "a/b",
    }
    return Cost(
        amount=Decimal("0.1"), basis="billed", row={**row, "state": "done", "cost": "0.1", "kind": "photo"}
    )


def test_questions_stay_within_the_limits_of_the_api():
    costs = [cost(number, "2026-01-05T10:00:00+00:00") for number in range(120)]
    costs += [cost(200, "2026-03-20T10:00:00+00:00"), cost(201, "2026-08-01T10:00:00+00:00")]
    questions = list(billing._questions(costs))
    assert [len(ids) for ids, _begin, _end in questions] == [50, 50, 20, 1, 1]
    assert all(0 < end - begin <= 90 * 86400 for _ids, begin, end in questions)
    assert sorted(name for ids, _begin, _end in questions for name in ids) == sorted(
        one.row["request_id"] for one in costs
    )


def test_a_request_of_two_folders_is_charged_once_and_sums_are_kept_by_product():
    event = billing.BillingEvent(request_id="r1", total=Decimal("0.123456789"))
    more = billing.BillingEvent(request_id="r2", total=Decimal("0.000000001"))
    time = "2026-01-05T10:00:00+00:00"
    costs = [cost(1, time), cost(1, time, "vase"), cost(2, time, "vase")]
    charges = billing.charges_of(costs, billing.Bill(events={"r1": [event], "r2": [more, more]}))
    sums = billing.sums_by(charges, "product")
    assert {name: one.charged for name, one in sums.items()} == {
        "lamp": Decimal("0.123456789"),
        "vase": Decimal("0.000000002"),
    }
    assert billing.sums_of(charges).charged == Decimal("0.123456791")


def test_amounts_are_written_with_all_their_digits():
    assert exact_dollars(Decimal("0.123456789")) == "$0.123456789"
    assert exact_dollars(Decimal("3")) == "$3.00"
    assert exact_dollars(Decimal("1.20")) == "$1.20"
