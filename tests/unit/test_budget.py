# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceilings apply in one process, in several, and across crashes."""

import csv
import io
import json
import os
import subprocess
import sys
from concurrent.futures import Future
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.fal_bridge import errors
from photoreal_set.fal_bridge.bridge import Bridge
from photoreal_set.fal_bridge.cancel import Fate, cancel_all
from photoreal_set.fal_bridge.decisions import Decision, decide
from photoreal_set.fal_bridge.endpoints.registry import REGISTRY
from photoreal_set.fal_bridge.jobs import Generation, Kind
from photoreal_set.fal_bridge.journal import Journal
from photoreal_set.fal_bridge.money import journal_costs
from photoreal_set.fal_bridge.money.budget import Budget, Ceilings
from photoreal_set.fal_bridge.money.ledger import EntryState, Ledger
from photoreal_set.fal_bridge.money.price_list import look_up
from photoreal_set.fal_bridge.money.spending import Spending
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.messages.errors import PhotorealError
from photoreal_set.optics.angles import ANGLES
from photoreal_set.photo_set import estimates
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.folder import SetFolder
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import plan_record
from photoreal_set.photo_set.source import source_from
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

KONTEXT = "fal-ai/flux-kontext/dev"
ROOT = Path(__file__).resolve().parents[2]
CENT = Decimal("0.01")


class Noon(datetime):
    """A fixed date, so that tests also work at midnight."""

    @classmethod
    def now(cls, tz=None):
        return cls(2030, 5, 6, 12, tzinfo=tz)


@pytest.fixture(autouse=True)
def _no_midnight(monkeypatch):
    monkeypatch.setattr("photoreal_set.fal_bridge.money.budget.datetime", Noon)


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "front.png"
    Image.new("RGB", (300, 300), (200, 40, 90)).save(path)
    return path


# The ledger


def test_a_ledger_counts_reserved_money_until_the_bill_is_known(tmp_path):
    ledger = Ledger(tmp_path / "day.jsonl")
    assert ledger.reserve("a", Decimal("0.5"), Decimal(1)) is None
    assert ledger.reserve("b", Decimal("0.6"), Decimal(1)) == Decimal("0.5")
    ledger.mark("a", EntryState.SENT)
    ledger.mark("a", EntryState.SETTLED, Decimal("0.3"))
    ledger.mark("a", EntryState.SETTLED, Decimal("9"))
    ledger.mark("unknown", EntryState.SETTLED, Decimal("9"))
    assert ledger.reserve("b", Decimal("0.7"), Decimal(1)) is None
    ledger.mark("b", EntryState.RELEASED)
    assert Ledger(tmp_path / "day.jsonl").total() == Decimal("0.3")


def test_two_users_of_one_ledger_see_each_other(tmp_path):
    here, there = Ledger(tmp_path / "day.jsonl"), Ledger(tmp_path / "day.jsonl")
    for number in range(10):
        assert (here, there)[number % 2].reserve(str(number), CENT, Decimal("0.1")) is None
    assert here.reserve("x", CENT, Decimal("0.1")) == there.reserve("y", CENT, Decimal("0.1")) == 0


def test_a_truncated_line_counts_as_not_written(tmp_path):
    path = tmp_path / "day.jsonl"
    Ledger(path).reserve("a", Decimal("0.5"), None)
    Ledger(path).mark("a", EntryState.SENT)
    with path.open("ab") as stream:
        stream.write(b'{"id": "a", "state": "released", "am')
    ledger = Ledger(path)
    assert ledger.total() == Decimal("0.5")
    ledger.reserve("b", Decimal("0.2"), None)
    assert Ledger(path).total() == ledger.total() == Decimal("0.7")


CHILD = """
import os, sys
from decimal import Decimal
from pathlib import Path
from command_line.bootstrap import load_package
load_package()
from photoreal_set.fal_bridge.money.ledger import EntryState, Ledger
ledger, mode = Ledger(Path(sys.argv[1])), sys.argv[2]
if mode == "fill":
    for number in range(60):
        name = f"{os.getpid()} {number}"
        if ledger.reserve(name, Decimal("0.01"), Decimal("0.5")) is None:
            ledger.mark(name, EntryState.SENT)
            print("granted")
else:
    ledger.reserve("a", Decimal("0.5"), None)
    if mode == "sent":
        ledger.mark("a", EntryState.SENT)
    print("ready", flush=True)
    sys.stdin.read()
"""


def child(path: Path, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(path), mode]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_together_never_exceed_a_ceiling(tmp_path):
    children = [child(tmp_path / "day.jsonl", "fill") for _child in range(3)]
    granted = sum(one.communicate(timeout=PATIENCE_SECONDS)[0].count("granted") for one in children)
    assert granted == 50
    assert Ledger(tmp_path / "day.jsonl").total() == Decimal("0.5")


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot tell whether a process runs")
@pytest.mark.parametrize(("mode", "counted"), [("reserved", Decimal(0)), ("sent", Decimal("0.5"))])
def test_dead_processes_keep_reserved_only_what_they_may_have_sent(tmp_path, mode, counted):
    with child(tmp_path / "day.jsonl", mode) as hanging:
        assert hanging.stdout.readline() == "ready\n"
        assert Ledger(tmp_path / "day.jsonl").total() == Decimal("0.5")
        hanging.kill()
    assert Ledger(tmp_path / "day.jsonl").total() == counted


def test_every_ceiling_counts_and_a_rejection_reserves_nothing(tmp_path):
    budget = Budget(
        Ceilings(run=Decimal("1"), day=Decimal("0.6"), catalogue=Decimal("0.4")),
        home=tmp_path,
        catalogue=tmp_path / "catalogue",
    )
    assert budget.left() == Decimal("0.4")
    first = budget.reserve("front photo", Decimal("0.3"))
    with pytest.raises(errors.CeilingReachedError, match=r"\$0\.10 is left of the catalogue's") as caught:
        budget.reserve("side photo", Decimal("0.2"))
    assert caught.value.exit_code == 4
    assert Ledger(tmp_path / "spending" / "live" / f"{Noon.now(UTC):%Y-%m-%d}.jsonl").total() == Decimal(
        "0.3"
    )
    budget.mark(first, EntryState.SETTLED, Decimal("0.1"))
    budget.reserve("side photo", Decimal("0.3"))
    other_run = Budget(Ceilings(day=Decimal("0.6")), home=tmp_path)
    with pytest.raises(errors.CeilingReachedError, match="day's"):
        other_run.reserve("film", Decimal("0.3"))


# The engine


class Desk:
    """A set folder, and a run under ceilings."""

    def __init__(self, emulator, picture: Path, folder: Path) -> None:
        self.emulator, self.picture, self.folder = emulator, picture, folder
        self.service = Service.emulator(emulator.url)
        self.budget = Budget(Ceilings(), home=folder / "home", account="emulator")

    def photos(self, count: int, run: str | None = None, **spending: object) -> list[Future]:
        """That many different photos at once, in a separate run."""
        self.budget = Budget(
            Ceilings(run=None if run is None else Decimal(run)), home=self.folder / "home", account="emulator"
        )
        prices = look_up([REGISTRY[KONTEXT]], self.service, self.folder / "home", print)
        with Bridge(
            self.service,
            self.folder / ".journal",
            lambda _job: None,
            spending=Spending(prices, self.budget, **spending),
        ) as bridge:
            futures = [
                bridge.start(
                    Generation(
                        kind=Kind.PHOTO,
                        endpoint=KONTEXT,
                        label=f"photo {seed}",
                        images=(self.picture,),
                        prompt="x",
                        seed=seed,
                    ),
                    self.folder / f"photo{seed}",
                )
                for seed in range(count)
            ]
            for future in futures:
                future.exception(PATIENCE_SECONDS)
        return futures

    def day(self) -> Decimal:
        (file,) = (self.folder / "home" / "spending" / "emulator").iterdir()
        return Ledger(file).total()


@pytest.fixture
def desk(emulator, picture, tmp_path) -> Desk:
    return Desk(emulator, picture, tmp_path)


def test_the_engine_sends_no_more_than_the_ceiling_allows(desk):
    futures = desk.photos(5, "0.06")
    assert len(desk.emulator.ledger()) == 2
    refused = [future.exception() for future in futures if future.exception()]
    assert {type(error) for error in refused} == {errors.CeilingReachedError}
    assert "Raise the ceiling" in str(refused[0])
    assert desk.day() == Decimal("0.05")
    assert all(future.exception() is None for future in desk.photos(5, "0.075"))
    assert len(desk.emulator.ledger()) == 5
    assert desk.day() == Decimal("0.125")


def test_a_recalled_result_keeps_its_price(desk):
    for _run in range(2):
        (future,) = desk.photos(1)
        assert future.result().cost == Decimal("0.025")
    assert desk.day() == Decimal("0.025")


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ({"name": "account-locked"}, "0"),
        ({"name": "model-crash"}, "0"),
        ({"name": "model-error", "units": 1.0}, "0.025"),
        ({"name": "drop-before-accept"}, "0.025"),
        ({"name": "nsfw-black"}, "0.025"),
    ],
)
def test_a_failed_request_counts_as_billed(desk, fault, counted):
    desk.emulator.control(faults=[fault])
    (future,) = desk.photos(1)
    assert future.exception() is not None
    assert desk.day() == Decimal(counted)


def test_an_unknown_price_is_rejected_or_counts_as_assumed(desk):
    desk.emulator.control(prices={KONTEXT: None})
    (future,) = desk.photos(1)
    assert isinstance(future.exception(), errors.UnknownPriceError)
    assert future.exception().field == "allow_unknown_price"
    assert desk.emulator.ledger() == []
    futures = desk.photos(3, "1", assumed=Decimal("0.4"))
    assert [type(future.exception()) for future in futures].count(errors.CeilingReachedError) == 1
    assert [future.result().cost for future in futures if not future.exception()] == [None, None]


def test_a_full_ledger_disk_sends_nothing(desk):
    (desk.folder / "home").mkdir()
    (desk.folder / "home" / "spending").write_text("in the way")
    (future,) = desk.photos(1)
    assert isinstance(future.exception(), errors.JournalError)
    assert desk.emulator.ledger() == []


# The bill of a set


def plan_of(desk: Desk, **changes: object) -> SetPlan:
    return SetPlan(
        source=source_from([desk.picture], ""),
        out=desk.folder / "out",
        angles=tuple(ANGLES.values()),
        engine=Engine.FAL,
        video=Engine.FAL,
        service=desk.service,
        **changes,
    )


def bill(desk: Desk, ceiling: str | None, *, allows_unknown: bool = False) -> estimates.Bill:
    plan = plan_of(desk)
    prices = look_up([plan.endpoint(kind) for kind in plan.endpoint_ids], desk.service, desk.folder, print)
    budget = Budget(Ceilings(run=None if ceiling is None else Decimal(ceiling)))
    return estimates.open_bill(plan, prices, budget, allows_unknown=allows_unknown)


def test_a_set_above_the_ceiling_is_rejected_before_it_starts(desk):
    with pytest.raises(
        errors.CeilingReachedError, match=r"costs \$1\.885 to \$2\.01, and \$1\.80 may be spent"
    ):
        bill(desk, "1.8")
    assert bill(desk, "1.885").spending.assumed is None


def test_existing_results_cost_nothing(desk):
    (desk.folder / "out").mkdir()
    record = {
        "schema": 1,
        "source": {"kind": "photos"},
        "state": "partial",
        "model": {"path": "model/product.glb"},
        "angles": [{"name": "front", "photo": {"state": "done"}}],
        "videos": [{"state": "done", "motion": "turntable"}],
    }
    (desk.folder / "out" / "set.json").write_text(json.dumps(record))
    assert bill(desk, "0.1")
    with pytest.raises(errors.CeilingReachedError):
        bill(desk, "0.09")


def test_a_set_says_what_is_still_to_be_paid_and_nothing_when_that_is_nothing(desk):
    def told() -> str:
        one = bill(desk, None)
        return estimates.price_sentence(one.estimate, one.to_come)

    whole = "The whole set costs $1.885 to $2.01"
    assert told() == f"{whole}."
    plan = plan_of(desk)
    folder = SetFolder.prepare(
        plan.out, product="x", source=plan.source.record(), tool={}, plan=plan_record(plan)
    )
    with folder.change() as record:
        record["model"] = {"path": "model/product.glb"}
        record["angles"] = [{"name": name, "photo": {"state": "done"}} for name in list(ANGLES)[1:]]
        record["videos"] = [{"engine": "fal", "state": "done", "motion": "turntable"}]
    assert told() == f"{whole}; $0.025 to $0.05 is still to be paid."
    with folder.change() as record:
        record["angles"].append({"name": next(iter(ANGLES)), "photo": {"state": "done"}})
    assert told() == ""
    with folder.change() as record:
        record["plan"]["prompt"] = "another one"
    assert told() == f"{whole}.", "another plan may make everything again"


def test_unknown_prices_share_the_remaining_budget(desk):
    desk.emulator.control(prices={KONTEXT: None})
    with pytest.raises(errors.UnknownPriceError):
        bill(desk, "5")
    with pytest.raises(PhotorealError, match="needs a ceiling"):
        bill(desk, None, allows_unknown=True)
    assert bill(desk, "2.76", allows_unknown=True).spending.assumed == Decimal("0.1")


# costs.csv


def test_costs_are_read_from_the_journal(desk):
    desk.emulator.control(faults=[{"name": "model-crash", "count": 1}])
    desk.photos(1)
    desk.photos(2)
    found = journal_costs.costs_in(desk.folder / ".journal", "lamp")
    assert [cost.row["state"] for cost in found].count("failed") == 1
    assert journal_costs.total(found) == Decimal("0.05")
    rows = list(csv.DictReader(io.StringIO(journal_costs.as_csv(found))))
    assert {row["request_id"] for row in rows} == {entry["request_id"] for entry in desk.emulator.ledger()}
    assert {row["basis"] for row in rows} == {"billed"}


def test_the_video_is_called_so_where_people_read_what_it_cost(tmp_path):
    """The journal, whose names do not change, calls it "film"."""
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "intent.1").write_text(json.dumps({"label": "film", "kind": "video"}))
    assert [cost.row["job"] for cost in journal_costs.costs_in(tmp_path, "lamp")] == ["video"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_becomes_a_formula(tmp_path, text):
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "intent.1").write_text(json.dumps({"label": text, "time": 1.0, "price": {}}))
    (cost,) = journal_costs.costs_in(tmp_path, text)
    (row,) = csv.DictReader(io.StringIO(journal_costs.as_csv([cost])))
    assert row["job"] == row["product"]
    assert row["job"].startswith("'")
    assert cost.row["state"] == "uncertain"


# Lost answers, decisions and stops


def journal_of(desk: Desk) -> Journal:
    return Journal(desk.folder / ".journal")


def test_a_recovered_request_is_settled_like_any_other(desk):
    desk.emulator.control(faults=[{"name": "drop-submit-answer", "count": 1}])
    (future,) = desk.photos(1)
    assert future.result().cost == Decimal("0.025")
    assert len(desk.emulator.ledger()) == 1
    assert desk.day() == Decimal("0.025")


def test_a_held_request_keeps_its_reservation_until_the_user_gives_it_up(desk):
    desk.emulator.control(faults=[{"name": "drop-before-accept", "count": 1}])
    (future,) = desk.photos(1)
    assert isinstance(future.exception(), errors.UncertainSubmitError)
    (key,) = journal_of(desk).job_keys()
    home = desk.folder / "home"
    decide(journal_of(desk), key, Decision.FORGET, Budget(Ceilings(), home=home, account="emulator"))
    assert desk.day() == 0
    (cost,) = journal_costs.costs_in(desk.folder / ".journal", "lamp")
    assert (cost.row["state"], cost.amount) == ("forgotten", None)


def test_sending_again_reserves_money_again(desk):
    desk.emulator.control(faults=[{"name": "drop-before-accept", "count": 1}])
    desk.photos(1)
    (key,) = journal_of(desk).job_keys()
    decide(journal_of(desk), key, Decision.RESEND, desk.budget, is_not_in_dashboard=True)
    (future,) = desk.photos(1, "0.02")
    assert isinstance(future.exception(), errors.CeilingReachedError)
    (future,) = desk.photos(1, "0.025")
    assert future.result().cost == Decimal("0.025")
    assert desk.day() == Decimal("0.05")


def test_a_given_up_request_that_turns_up_counts_again(desk):
    desk.emulator.control(faults=[{"name": "drop-submit-answer", "count": 1}], request_list_delay=60.0)
    desk.photos(1)
    (key,) = journal_of(desk).job_keys()
    decide(journal_of(desk), key, Decision.FORGET, desk.budget)
    assert desk.day() == 0
    desk.emulator.control(request_list_delay=0.0)
    decide(journal_of(desk), key, Decision.RESEND, desk.budget, is_not_in_dashboard=True)
    (future,) = desk.photos(1, "0")
    assert future.result().cost == Decimal("0.025")
    assert len(desk.emulator.ledger()) == 1
    assert desk.day() == Decimal("0.025")


def test_a_request_stopped_before_sending_releases_its_reservation(desk, monkeypatch):
    reserve = Spending.reserve

    def reserve_and_stop(spending, *arguments):
        facts = reserve(spending, *arguments)
        stops[0]()
        return facts

    stops = []
    enter = Bridge.__enter__

    def enter_and_note(bridge):
        stops.append(lambda: bridge._engine.send_no_more())
        return enter(bridge)

    monkeypatch.setattr(Spending, "reserve", reserve_and_stop)
    monkeypatch.setattr(Bridge, "__enter__", enter_and_note)
    (future,) = desk.photos(1)
    assert isinstance(future.exception(), errors.StoppedError)
    assert desk.emulator.ledger() == []
    assert desk.day() == 0


def test_a_request_cancelled_before_running_releases_its_reservation(desk):
    desk.emulator.control(delays={"queue": FOR_EVER_SECONDS})
    prices = look_up([REGISTRY[KONTEXT]], desk.service, desk.folder / "home", print)
    wanted = Generation(kind=Kind.PHOTO, endpoint=KONTEXT, label="photo", images=(desk.picture,), prompt="x")
    with Bridge(
        desk.service,
        desk.folder / ".journal",
        lambda _job: None,
        spending=Spending(prices, desk.budget),
    ) as bridge:
        bridge.start(wanted, desk.folder / "photo")
        until(lambda: list((desk.folder / ".journal").glob("*/submitted.1.json")))
    assert desk.day() == Decimal("0.025")
    (result,) = cancel_all(desk.service, journal_of(desk), budget=desk.budget)
    assert result.fate is Fate.NEVER_RAN
    assert desk.day() == 0
    (cost,) = journal_costs.costs_in(desk.folder / ".journal", "lamp")
    assert cost.amount == 0
