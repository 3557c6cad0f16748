# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue whose photos have planted defects, killed twice: none is accepted silently, none is paid twice."""

import csv
import json
from typing import Any

import pytest

from tests.catalogue_desk import Desk
from tests.patience import until

pytestmark = pytest.mark.slow

PRODUCTS, ANGLES = 6, ("front", "three-quarter")
PHOTO = "fal-ai/flux-kontext/dev"
PRICE, CEILING = 0.025, 0.6
WRONG = ("missing", "recoloured", "scrambled")
OPTIONS = ("--engine", "fal", "--video", "none", "--angles", ",".join(ANGLES), "--max-cost", CEILING)


def planted(defect: str, rate: float, **more: object) -> dict[str, Any]:
    return {"name": "planted-defect", "defect": defect, "rate": rate, "endpoint": PHOTO, **more}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, server) -> Desk:
    """A finished catalogue: two runs were killed, the third came to its end."""
    emulator = server
    emulator.control(reset=True)
    desk = Desk(tmp_path_factory.mktemp("gate"), emulator)
    desk.table(
        *(
            {"sku": f"printed-{number}", "source": desk.model(f"{number}.glb", number)}
            for number in range(PRODUCTS)
        )
    )
    emulator.control(
        delays={"photo": 0.2},
        faults=[
            planted("recoloured", 0.2),
            planted("missing", 0.2),
            planted("shift", 0.15),
            planted("scrambled", 0.1, amount=0.45),
        ],
    )
    first = len(emulator.ledger())
    small = ("--resolution", "64", "--samples", "2", "--device", "cpu")
    for accepted in (3, 9):
        process = desk.start("catalogue", desk.file, "--out", desk.out, *small, *OPTIONS)
        until(lambda wanted=accepted: len(emulator.ledger()) - first >= wanted)
        process.kill()
        process.wait()
        process.stdout.close()
    desk.decide_as_user()
    desk.make(*OPTIONS)
    emulator.control(faults=[], delays={"photo": 0.0})
    return desk


@pytest.fixture(scope="module")
def ledger(desk: Desk) -> dict[str, dict[str, Any]]:
    return {entry["request_id"]: entry for entry in desk.emulator.settled_ledger()}


def photos_of(desk: Desk) -> list[dict[str, Any]]:
    records = [json.loads(path.read_text(encoding="utf-8")) for path in desk.out.glob("*/set.json")]
    return [entry["photo"] for record in records for entry in record["angles"]]


def test_no_wrong_photo_is_accepted_silently(desk: Desk, ledger: dict[str, dict[str, Any]]):
    photos = photos_of(desk)
    assert len(photos) == PRODUCTS * len(ANGLES)
    for photo in photos:
        if ledger[photo["request_id"]]["defect"] in WRONG:
            assert photo["fidelity"]["rejected"] or photo["fidelity"]["verdict"] == "look", photo
        else:
            assert not photo["fidelity"]["rejected"], photo
    assert any(entry["defect"] in WRONG for entry in ledger.values())


def test_each_request_is_paid_once_within_the_ceiling(desk: Desk, ledger: dict[str, dict[str, Any]]):
    assert set(desk.ledger_by_input().values()) == {1}
    spent = sum(product["cost"] for product in desk.records())
    assert spent == pytest.approx(PRICE * len(ledger))
    assert spent <= CEILING


def test_retries_are_for_rejected_photos_only(desk: Desk, ledger: dict[str, dict[str, Any]]):
    retried = 0
    for path in desk.out.glob("*/set.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        for entry in record["angles"]:
            takes = record["takes"]["photos"][entry["name"]]["list"]
            retried += len(entry.get("retries", []))
            assert len(takes) == 1 + len(entry.get("retries", []))
            if len(takes) > 1:
                assert takes[0]["fidelity"]["verdict"] in ("retry", "reject")
    assert 0 < retried == len(ledger) - PRODUCTS * len(ANGLES)


def test_results_hold_rejected_photos_back_and_name_them(desk: Desk):
    with (desk.out / "catalogue.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["sku"]: row for row in csv.DictReader(stream)}
    for sku, product in desk.products().items():
        folder = desk.out / product["set"]
        record = json.loads((folder / "set.json").read_text(encoding="utf-8"))
        held = {
            entry["photo"]["path"] for entry in record["angles"] if entry["photo"]["fidelity"]["rejected"]
        }
        assert set(product["rejected"]) == held
        assert not held & set(product["photos"])
        assert len(held) + len(product["photos"]) == len(ANGLES)
        assert product["state"] == ("partial" if held else "done")
        assert set(product["verdicts"]) == set(ANGLES)
        assert rows[sku]["rejected"] == str(len(held))
        assert ("rejected" in product["error"]) == bool(held)


def test_the_exit_code_says_whether_a_photo_is_rejected(desk: Desk):
    is_rejected = any(photo["fidelity"]["rejected"] for photo in photos_of(desk))
    assert desk.report() == (2 if is_rejected else 0)
