# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with models and pictures reaches the results of a catalogue, and its exit code where that is wanted."""

import csv
import json

import pytest

from photoreal_set.catalogue.results import COLUMNS
from tests.catalogue_desk import Desk
from tests.told import manifest_in

FREE = ("--engine", "cycles", "--video", "none", "--angles", "front")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("findings") / "shop")
    names = ("good", "worn", "grey", "clipped")
    desk.table(
        *({"sku": name, "source": desk.model(f"{name}.glb", n), "shelf": n} for n, name in enumerate(names))
    )
    assert desk.make(*FREE).exit_code == 0
    return desk


def test_the_record_has_the_findings_of_each_product(desk: Desk):
    products = desk.products()
    assert {sku: product["severity"] for sku, product in products.items()} == {
        "good": "",
        "worn": "warning",
        "grey": "error",
        "clipped": "error",
    }
    kinds = [(item["severity"], item["kind"], item["where"]) for item in products["grey"]["findings"]]
    assert kinds == [("error", "texture_missing", "Wood"), ("note", "negative_scale", "Lid")]
    assert [item["kind"] for item in products["clipped"]["findings"]] == ["product_clipped"]
    assert {product["state"] for product in products.values()} == {"done"}
    record = json.loads((desk.out / "catalogue.json").read_text(encoding="utf-8"))
    assert record["severities"] == {"note": 0, "warning": 1, "error": 2}


def test_the_table_has_them_in_its_last_columns(desk: Desk):
    with (desk.out / "catalogue.csv").open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == [*COLUMNS, "shelf", "severity", "findings", "verdicts", "rejected", "consistency"]
    cells = {row[2]: row[-5:-3] for row in rows}
    assert cells["good"] == ["", ""]
    assert cells["grey"] == [
        "error",
        "error: Material Wood: its texture <wood.png> is missing. | note: Lid is mirrored.",
    ]


def test_the_page_lists_errors_first_then_warnings(desk: Desk):
    page = (desk.out / "index.html").read_text(encoding="utf-8")
    done = page.index("data-severity='none'")
    warnings = page.index("data-severity='warning'")
    assert page.count("data-severity='error'") == 2
    assert page.index("error: Material Wood: its texture &lt;wood.png&gt; is missing.") < warnings
    assert page.index("error: front: the product reaches the border") < warnings
    assert warnings < page.index("warning: Lid: it has holes.") < done
    assert "Lid is mirrored" not in page, "notes are on the page of the product"


def test_the_set_of_a_product_says_the_same(desk: Desk):
    assert [item["kind"] for item in manifest_in(desk.out / "clipped")["findings"]] == ["product_clipped"]
    page = (desk.out / "clipped" / "index.html").read_text(encoding="utf-8")
    assert page.index("1 error in the findings") < page.index("Angles") < page.index("reaches the border")
    assert "in the findings" not in (desk.out / "good" / "index.html").read_text(encoding="utf-8")


def test_errors_are_a_failure_where_that_is_wanted(desk: Desk):
    assert desk.run("resume", desk.out).exit_code == 0
    strict = desk.run("resume", desk.out, "--strict")
    assert strict.exit_code == 2 and strict.events[-1]["exit"] == 2
    assert set(desk.states().values()) == {"done"}, "there is nothing to make again"
    assert desk.run("resume", desk.out, "--strict", "--rows", "1").exit_code == 2, (
        "the whole catalogue counts"
    )


def test_a_set_with_an_error_fails_where_that_is_wanted(desk: Desk):
    assert desk.report() == 0
    for folder, code in (
        (desk.out, 2),
        (desk.out / "grey", 2),
        (desk.out / "worn", 0),
        (desk.out / "good", 0),
    ):
        assert desk.report_on(folder, "--strict") == code


def test_a_status_that_an_earlier_version_wrote_has_no_findings(desk: Desk):
    path = desk.out / "grey" / ".journal" / "row.json"
    status = json.loads(path.read_text(encoding="utf-8"))
    kept = path.read_bytes()
    del status["findings"]
    path.write_text(json.dumps(status))
    try:
        assert desk.report() == 0
        assert desk.products()["grey"]["severity"] == "" and desk.states()["grey"] == "done"
    finally:
        path.write_bytes(kept)
        desk.report()
