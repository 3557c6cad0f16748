# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos by fal.ai of several variants in a catalogue: priced, requested, paid once and reported like those of a set."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from command_line.bootstrap import load_package
from tests.catalogue_desk import FAULTS, SMALL, Desk, Run
from tests.fal_emulator.process import FAST, RunningEmulator
from tests.painted_mug import painted_mug
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until
from tests.told import manifest_in

load_package()

from photoreal_set.imaging.review_part import set_id  # noqa: E402  The package has to be loaded first.

pytestmark = pytest.mark.slow

# A photo costs 0.025 US dollars.
FAL = ("--engine", "fal", "--video", "none", "--fidelity", "off")
OTHERS = ("variants/Blue", "variants/Dark")


@pytest.fixture
def desk(emulator: RunningEmulator, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "shop", emulator)


def mugs(desk: Desk, count: int, **more: object) -> list[dict[str, object]]:
    """Rows of a mug in three variants with two angles, which makes six photos each."""
    rows: list[dict[str, object]] = []
    for number in range(count):
        mug = painted_mug(("Red", "Blue"))
        mug.document["extras"] = {"number": number}
        mug.write(desk.folder / f"mug-{number}.glb")
        row = {"sku": f"mug-{number}", "source": f"mug-{number}.glb", "angles": "front,side"}
        rows.append({**row, "variants": "Red,Blue", "colors": "Handle=#102030 as Dark", **more})
    return rows


def requests_in(desk: Desk, folder: str = "**") -> list[Path]:
    """The requests whose acceptance is recorded, of all variants or in one set folder."""
    return list(desk.out.glob(f"{folder}/.journal/*/submitted.*.json"))


def photos_in(root: Path, folder: str = "") -> list[dict[str, Any]]:
    return [entry.get("photo", {}) for entry in manifest_in(root / folder)["angles"]]


def estimate_in(run: Run) -> tuple[float, float]:
    (estimate,) = [event for event in run.events if event["event"] == "estimate"]
    return estimate["min"], estimate["max"]


def test_the_photos_of_all_variants_are_priced_before_and_count_under_every_ceiling(desk: Desk):
    rows = mugs(desk, 2)
    rows[1] |= {"variants": "Red", "colors": "", "max_cost": "0.04"}
    desk.table(*rows)
    low = desk.make(*FAL, "--dry-run")
    assert low.exit_code == 4 and any("mug-1): max_cost: it costs $0.05" in text for text in low.texts())
    rows[1]["max_cost"] = ""
    rows[0]["max_cost"] = "0.14"
    desk.table(*rows)
    low = desk.make(*FAL, "--dry-run")
    assert low.exit_code == 4 and any("mug-0): max_cost: it costs $0.15" in text for text in low.texts())
    rows[0]["max_cost"] = "0.15"
    desk.table(*rows)
    dry = desk.make(*FAL, "--dry-run", "--max-cost", "0.2")
    assert (dry.exit_code, estimate_in(dry)) == (0, (0.2, 0.2))
    assert desk.make(*FAL, "--dry-run", "--max-cost", "0.19").exit_code == 4
    run = desk.run("estimate", desk.file, *SMALL, *FAL)
    (price,) = [event for event in run.events if event["event"] == "price"]
    assert price["requests"] == 8 and "Dark: side photo" in price["labels"]
    assert desk.emulator.ledger() == [] and not desk.out.exists()


def test_every_variant_is_photographed_and_appears_in_the_results(desk: Desk):
    desk.table(*mugs(desk, 2))
    run = desk.make(*FAL)
    assert run.exit_code == 0, run.events[-1]
    sent = {entry["request_id"] for entry in desk.emulator.settled_ledger()}
    assert len(sent) == 12
    labels = {event["label"] for event in run.events if event["event"] == "job" and event["sku"] == "mug-1"}
    assert {"front photo", "Blue: side photo", "Dark: front photo"} <= labels
    root, shown = desk.out / "mug-0", set()
    for folder in ("", *OTHERS):
        record = manifest_in(root / folder)
        assert (record["state"], record["cost"]["actual"]) == ("done", 0.05 if folder else 0.15)
        assert record["plan"]["fal"] == desk.emulator.url
        shown |= {photo["request_id"] for photo in photos_in(root, folder)}
    assert len(shown) == 6 and shown < sent
    assert [entry.get("state") for entry in manifest_in(root)["variants"]] == [None, "done", "done"]
    product = desk.products()["mug-0"]
    photos = [
        f"{folder}photos/{name}.png"
        for folder in ("", *(f"{one}/" for one in OTHERS))
        for name in ("front", "side")
    ]
    assert (product["photos"], product["cost"]) == (photos, 0.15)
    with (desk.out / "catalogue.csv").open(encoding="utf-8-sig", newline="") as stream:
        row = next(csv.DictReader(stream))
    assert (row["photos"], row["hero"], row["cost_usd"]) == ("6", "mug-0/photos/front.png", "0.15")
    page = (desk.out / "index.html").read_text(encoding="utf-8")
    assert "overview/mug-0.variants/Dark.jpg" in page and "href='mug-0/index.html#variants'" in page
    assert (desk.out / "overview/mug-0.variants/Dark.jpg").is_file()
    _nothing_is_sent_again(desk)


def _nothing_is_sent_again(desk: Desk) -> None:
    """Not by the same command, nor to restore a photo of a variant."""
    again = desk.make(*FAL)
    assert again.exit_code == 0 and not [event for event in again.events if event["event"] == "product"]
    photo = desk.out / "mug-0/variants/Blue/photos/front.png"
    before = photo.read_bytes()
    photo.unlink()
    assert desk.report() == 2 and desk.states() == {"mug-0": "waiting", "mug-1": "done"}
    assert desk.run("resume", desk.out).exit_code == 0
    assert photo.read_bytes() == before
    assert len(desk.emulator.settled_ledger()) == 12


def test_a_killed_run_continues_and_each_photo_of_each_variant_is_requested_once(desk: Desk):
    desk.table(*mugs(desk, 3))
    desk.emulator.control(delays={**FAST, "photo": FOR_EVER_SECONDS})
    goals = (4, 10)  # In the middle of the first product, and of the second.
    desk.kill_at(goals, lambda: len(requests_in(desk)), *FAL, decides=False)
    assert requests_in(desk, "mug-0/variants/*")
    desk.emulator.control(delays=FAST, advance=FOR_EVER_SECONDS)
    desk.decide_as_user()  # About one that was being sent when the process was killed.
    run = desk.run("resume", desk.out)
    assert run.exit_code == 0, [product["error"] for product in desk.products().values()]
    counts = desk.ledger_by_input()
    assert len(counts) == 18 and set(counts.values()) == {1}
    assert all(len(product["photos"]) == 6 for product in desk.products().values())
    assert json.loads((desk.out / "catalogue.json").read_text())["cost"]["actual"] == 0.45


def test_a_run_killed_three_times_with_faults_pays_each_photo_once(desk: Desk):
    desk.table(*mugs(desk, 3))
    desk.emulator.control(delays={**FAST, "photo": 0.2}, faults=FAULTS)
    desk.kill_at((3, 8, 14), lambda: len(desk.emulator.ledger()), *FAL, STUB_BLENDER_SECONDS="0.2")
    run = desk.finish()
    assert run.exit_code == 0, [product["error"] for product in desk.products().values()]
    assert set(desk.ledger_by_input().values()) == {1}
    assert len(desk.emulator.ledger()) == len(desk.journal_keys()) == 18


def test_a_ceiling_stops_between_variants_and_a_higher_one_continues(desk: Desk):
    rows = mugs(desk, 2)
    # A product that was begun is not refused as a whole, but each of its requests.
    desk.table(rows[0], {**rows[1], "variants": "Red", "colors": "", "angles": "front"})
    assert desk.make(*FAL, "--max-cost", "0.2").exit_code == 0
    desk.table(*rows)
    assert desk.make(*FAL, "--max-cost", "0.2").exit_code == 4
    assert len(desk.emulator.settled_ledger()) == 8, "as many as the ceiling allows"
    assert desk.states() == {"mug-0": "done", "mug-1": "partial"}
    assert desk.run("resume", desk.out, "--max-cost", "0.2").exit_code == 4
    assert desk.run("resume", desk.out, "--max-cost", "0.3").exit_code == 0
    assert len(desk.emulator.settled_ledger()) == 12


def test_the_ceiling_of_a_row_is_over_its_variants(desk: Desk):
    rows = mugs(desk, 2)
    desk.table({**rows[0], "variants": "Red", "colors": "", "max_cost": "0.1"}, rows[1])
    assert desk.make(*FAL).exit_code == 0
    rows[0]["max_cost"] = "0.1"  # Two photos exist, and four are added.
    desk.table(*rows)
    assert desk.make(*FAL).exit_code == 4
    paid = [product["cost"] for product in desk.products().values()]
    assert (desk.states(), paid) == ({"mug-0": "partial", "mug-1": "done"}, [0.1, 0.15])
    assert "product's ceiling of $0.10" in desk.products()["mug-0"]["error"]


def test_what_a_killed_run_has_sent_counts_under_the_ceiling_of_its_row(desk: Desk):
    desk.table(*mugs(desk, 1, max_cost="0.15"))
    desk.emulator.control(delays={**FAST, "photo": FOR_EVER_SECONDS})
    process = desk.start("catalogue", desk.file, "--out", desk.out, *SMALL, *FAL)
    until(lambda: len(requests_in(desk)) == 6)
    process.kill()
    process.communicate()
    desk.emulator.control(delays=FAST, advance=FOR_EVER_SECONDS)
    desk.table(*mugs(desk, 1, max_cost="0.15", angles="front,side,three-quarter"))
    assert desk.make(*FAL).exit_code == 4, "nothing is left for the third angle"
    assert len(desk.emulator.settled_ledger()) == 6
    assert len(desk.products()["mug-0"]["photos"]) == 6, "what is paid is fetched"


def test_the_tasks_of_a_farm_render_and_photograph_their_variants(desk: Desk):
    desk.table(*mugs(desk, 4))
    (event,) = [one for one in desk.make(*FAL, "--freeze").events if one["event"] == "frozen"]
    task = ("resume", desk.out, "--sha256", event["sha256"], "--as-task")
    for shard in ("0/2", "1/2"):
        assert desk.run(*task, "--stage", "render", "--shard", shard).exit_code == 0
    assert len(list(desk.out.glob("*/variants/*/renders/front.png"))) == 8
    assert desk.emulator.ledger() == []
    assert desk.run(*task, "--stage", "cloud", "--shard", "0/2").exit_code == 0
    assert len(desk.emulator.settled_ledger()) == 12
    assert desk.report() == 2 and Counter(desk.states().values()) == {"done": 2, "waiting": 2}
    assert desk.run(*task, "--stage", "cloud", "--shard", "1/2").exit_code == 0
    assert desk.report() == 0
    assert set(desk.ledger_by_input().values()) == {1} and len(desk.emulator.settled_ledger()) == 24
    blue = desk.out / "mug-3/variants/Blue"
    cancel = desk.run("cancel", blue)
    assert cancel.exit_code == 1 and f"`cancel {desk.out / 'mug-3'}`" in cancel.error
    assert not (blue / ".journal/cancelled").exists()
    assert desk.run("cancel", desk.out / "mug-3").exit_code == 0


def test_a_variant_that_cannot_be_rendered_is_named_and_the_others_are_photographed(desk: Desk):
    rows = mugs(desk, 1)
    rows[0]["colors"] = "Handle=#102030 as Broken"
    desk.table(*rows)
    assert desk.make(*FAL).exit_code == 2
    product = desk.products()["mug-0"]
    assert (product["state"], product["error"]) == ("partial", "Broken: It cannot be rendered.")
    assert len(product["photos"]) == len(desk.emulator.settled_ledger()) == 4


def test_a_photo_that_fails_is_named_with_its_variant(desk: Desk):
    desk.table(*mugs(desk, 1))
    desk.emulator.control(faults=[{"name": "model-error", "nth": 6}])
    assert desk.make(*FAL).exit_code == 2
    product = desk.products()["mug-0"]
    assert product["state"] == "partial" and len(product["photos"]) == 5
    name = product["error"].partition(": ")[0]
    assert name in ("Blue", "Dark", "side photo", "front photo"), product["error"]


def test_a_rejected_photo_of_a_variant_is_requested_again_by_the_catalogue(desk: Desk):
    desk.table(*mugs(desk, 2))
    assert desk.make(*FAL).exit_code == 0
    blue = manifest_in(desk.out / "mug-1/variants/Blue")
    (front,) = [entry["photo"] for entry in blue["angles"] if entry["name"] == "front"]
    moment = "2026-01-02T03:04:00.000Z"
    decision = {"name": "front", "photo": front["sha256"], "decision": "reject", "when": moment}
    reviewed = {"set": set_id(blue), "product": "mug", "folder": "", "decisions": [decision]}
    record = {"schema": 1, "kind": "photoreal-set-decisions", "reviewer": "Ana", "sets": [reviewed]}
    file = desk.folder / "decisions.json"
    file.write_text(json.dumps(record), encoding="utf-8")
    assert desk.run("resume", desk.out, "--decisions", file, "--max-cost", "0.3").exit_code == 4
    assert len(desk.emulator.settled_ledger()) == 12
    run = desk.run("resume", desk.out, "--decisions", file, "--max-cost", "0.325")
    assert run.exit_code == 0, run.texts()
    assert [event["sku"] for event in run.events if event["event"] == "product"] == ["mug-1"]
    assert len(desk.emulator.settled_ledger()) == 13
    assert {photo["take"] for photo in photos_in(desk.out / "mug-1", "variants/Blue")} == {1, 2}


def test_cancelling_a_catalogue_cancels_the_requests_of_all_variants(desk: Desk):
    desk.table(*mugs(desk, 2))
    desk.emulator.control(delays={**FAST, "photo": FOR_EVER_SECONDS})
    process = desk.start("catalogue", desk.file, "--out", desk.out, *SMALL, *FAL)
    try:
        until(lambda: len(requests_in(desk)) == 12)
        run = desk.run("cancel", desk.out)
        process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert run.exit_code == 0 and process.returncode in (2, 130), "it may end before it has noticed"
    assert {entry["state"] for entry in desk.emulator.ledger()} == {"CANCELLED"}
    assert any(text.startswith("mug-1, Dark, ") for text in run.texts("note"))
