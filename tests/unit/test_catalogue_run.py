# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue from start to end, with the emulator as fal and a substitute for Blender."""

import csv
import json
import os
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from photoreal_set.catalogue.lock_file import NAME
from photoreal_set.catalogue.states import row_lock
from photoreal_set.files.lock import FileLock
from photoreal_set.photo_set.cancel_mark import leave_mark
from tests.blender.runs import tree
from tests.catalogue_desk import FAULTS, SMALL, Desk, Run, light_map
from tests.fal_emulator.process import FAST, RunningEmulator
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(emulator: RunningEmulator, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "shop", emulator)


def products(desk: Desk, count: int, **more: object) -> list[dict[str, object]]:
    return [
        {"sku": f"lamp-{number}", "source": desk.model(f"{number}.glb", number), "angles": "front", **more}
        for number in range(count)
    ]


def test_every_row_becomes_a_set(desk: Desk):
    rows = products(desk, 3)
    rows.append(
        {"sku": "mug", "source": f"{desk.photo('a.png')};{desk.photo('b.png', 9)}", "angles": "front,side"}
    )
    rows.append({"sku": "clock", "text": "a walnut desk clock", "angles": "front", "video": "none"})
    desk.table(*rows)
    run = desk.make("--engine", "fal")
    assert run.exit_code == 0
    assert set(desk.states().values()) == {"done"}
    kinds = Counter(entry["endpoint"].split("/")[1] for entry in desk.emulator.ledger())
    assert kinds == {"flux-kontext": 6, "kling-video": 4, "meshy": 2}
    for sku, product in desk.products().items():
        files = [*product["photos"], *product["videos"]]
        assert files and all((desk.out / sku / path).is_file() for path in files)
    assert (desk.out / "overview" / "mug.jpg").is_file()
    cost = json.loads((desk.out / "catalogue.json").read_text(encoding="utf-8"))["cost"]
    assert run.events[-1]["cost"] == {**cost, "is_emulated": True} and cost["actual"] > 2.0, (
        "the end says what all has cost"
    )


def test_the_same_command_again_pays_and_renders_nothing(desk: Desk):
    desk.table(*products(desk, 3))
    desk.make("--engine", "fal")
    ledger = len(desk.emulator.ledger())
    run = desk.make("--engine", "fal")
    assert run.exit_code == 0
    assert len(desk.emulator.ledger()) == ledger
    assert not [event for event in run.events if event["event"] == "product"]


@pytest.mark.parametrize("damage", [None, b"", b'{"schema": 1, "rows"'])
def test_a_catalogue_with_a_lost_lock_continues_with_the_same_command(desk: Desk, damage: bytes | None):
    desk.table(*products(desk, 2, video="none"))
    assert desk.make("--engine", "fal").exit_code == 0
    sent = len(desk.emulator.ledger())
    lock = desk.out / NAME
    lock.unlink() if damage is None else lock.write_bytes(damage)
    again = desk.make("--engine", "fal")
    assert again.exit_code == 0 and len(desk.emulator.ledger()) == sent
    assert not [event for event in again.events if event["event"] == "product"], "what is done is kept"


def test_a_changed_row_redoes_only_what_changed(desk: Desk):
    rows = products(desk, 3, prompt="on slate", video="none")
    desk.table(*rows)
    desk.make("--engine", "fal")
    renders = (desk.out / "lamp-1/renders/front.png").stat().st_mtime_ns
    rows[1]["prompt"] = "on marble"
    desk.table(*rows)
    run = desk.make("--engine", "fal")
    assert run.exit_code == 0
    assert [event["sku"] for event in run.events if event["event"] == "product"] == ["lamp-1"]
    assert len(desk.emulator.ledger()) == 4
    assert (desk.out / "lamp-1/model/product.glb").is_file()
    assert renders  # The stand-in renders again; Blender keeps what has the same digest.


def test_a_changed_file_produces_a_new_model(desk: Desk):
    desk.table(*products(desk, 2, video="none"))
    desk.make("--engine", "fal")
    before = (desk.out / "lamp-1/model/product.glb").read_bytes()
    desk.model("1.glb", 77)
    run = desk.make("--engine", "fal")
    assert run.exit_code == 0
    assert (desk.out / "lamp-1/model/product.glb").read_bytes() != before
    assert len(desk.emulator.ledger()) == 3


def test_a_file_that_changes_after_the_check_is_not_made(desk: Desk):
    desk.table(*products(desk, 2, video="none"))
    desk.make("--engine", "fal", "--freeze")
    desk.model("1.glb", 77)
    run = desk.run("resume", desk.out)
    assert run.exit_code == 2
    assert desk.states() == {"lamp-0": "done", "lamp-1": "failed"}
    assert "has changed since" in desk.products()["lamp-1"]["error"]
    assert any(text.startswith("lamp-1: ") and "has changed since" in text for text in run.texts())


def test_all_invalid_rows_are_reported_and_nothing_is_spent(desk: Desk):
    rows = products(desk, 2)
    rows += [
        {"sku": "x", "source": "missing.glb"},
        {"sku": "", "source": "0.glb"},
        {"sku": "y", "source": "0.glb", "seed": "many", "look": "fog"},
    ]
    desk.table(*rows)
    run = desk.make("--engine", "fal")
    assert run.exit_code == 1
    assert "3 of 5 rows cannot be used: 3, 4, 5" in run.error
    messages = run.texts()
    assert any("row 3 (line 4, x)" in text and "does not exist" in text for text in messages)
    assert any("row 4 (line 5, no SKU)" in text for text in messages)
    assert any("seed 'many'" in text and "look 'fog'" in text for text in messages)
    assert desk.emulator.ledger() == []
    assert not desk.out.exists()


def test_the_total_price_is_shown_before_anything_is_spent(desk: Desk):
    desk.table(*products(desk, 4))
    run = desk.make("--engine", "fal", "--dry-run")
    (estimate,) = [event for event in run.events if event["event"] == "estimate"]
    assert estimate["min"] == pytest.approx(4 * (0.025 + 0.56))
    assert desk.emulator.ledger() == [] and not desk.out.exists()
    same = desk.run("estimate", desk.file, "--engine", "fal", *SMALL)
    assert next(event for event in same.events if event["event"] == "estimate")["min"] == estimate["min"]


def test_a_misspelled_column_is_named(desk: Desk):
    (product,) = products(desk, 1)
    desk.table({**product, "angels": "front", "price": "20", "Shelf": "4"})
    run = desk.make("--engine", "fal", "--dry-run")
    assert run.exit_code == 0
    named = [text for text in run.texts() if "only copied" in text]
    assert named == ["The column 'angels' is only copied to the results. Did you mean angles?"]


def test_the_price_of_valid_rows_is_shown_with_the_errors_of_the_others(desk: Desk):
    desk.table(*products(desk, 4), {"sku": "x", "source": "missing.glb"})
    run = desk.make("--engine", "fal", "--dry-run")
    assert run.exit_code == 1 and "1 of 5 rows cannot be used: 5" in run.error
    assert any("row 5 (line 6, x)" in text for text in run.texts())
    (estimate,) = [event for event in run.events if event["event"] == "estimate"]
    assert estimate["min"] == pytest.approx(4 * (0.025 + 0.56))
    assert desk.make("--engine", "fal", "--dry-run", "--skip-bad-rows").exit_code == 0


def test_a_product_can_have_separate_angles_and_light(desk: Desk):
    (desk.folder / "own.json").write_text('[{"name": "back", "azimuth": 180, "elevation": 20}]')
    for name in ("dawn", "dusk"):
        (desk.folder / f"{name}.hdr").write_bytes(light_map(100))
    rows = products(desk, 2, video="none")
    rows[0] |= {"angles": "own.json", "rig": "dawn.hdr"}
    rows[1] |= {"rig": "dusk.hdr"}
    desk.table(*rows)
    desk.make("--engine", "fal", "--freeze")
    (desk.folder / "dusk.hdr").write_bytes(light_map(10))
    assert desk.run("resume", desk.out).exit_code == 2
    assert desk.states() == {"lamp-0": "done", "lamp-1": "failed"}
    assert desk.products()["lamp-0"]["photos"] == ["photos/back.png"]
    assert (desk.out / "lamp-0/source/dawn.hdr").read_bytes() == light_map(100)
    assert "dusk.hdr has changed since" in desk.products()["lamp-1"]["error"]
    assert desk.make("--engine", "fal").exit_code == 0


@pytest.mark.parametrize("option", [("--rows", "1-2"), ("--stage", "render"), ("--as-task",)])
def test_one_set_has_no_rows_to_choose_from(desk: Desk, option: tuple[str, ...]):
    desk.table(*products(desk, 1, video="none"))
    desk.make("--engine", "fal")
    run = desk.run("resume", desk.out / "lamp-0", *option)
    assert run.exit_code == 1 and f"{option[0]} is for catalogues" in run.error


def test_a_ceiling_applies_to_all_runs_and_a_higher_one_continues(desk: Desk):
    desk.table(*products(desk, 5, video="none"))
    run = desk.make("--engine", "fal", "--max-cost", "0.06")
    assert run.exit_code == 4
    assert len(desk.emulator.ledger()) == 2
    assert desk.run("resume", desk.out, "--max-cost", "0.06").exit_code == 4
    assert len(desk.emulator.ledger()) == 2
    assert desk.run("resume", desk.out, "--max-cost", "1").exit_code == 0
    assert len(desk.emulator.ledger()) == 5


def test_a_dry_run_is_about_the_named_rows_and_names_those_with_a_ceiling_below_their_price(desk: Desk):
    rows = products(desk, 3, video="none")
    rows[1]["max_cost"] = "0.01"
    desk.table(*rows)
    run = desk.make("--engine", "fal", "--dry-run", "--max-cost", "1")
    assert run.exit_code == 4 and "1 product would not be made: max_cost is too low." in run.error
    (warning,) = run.texts()
    assert "lamp-1" in warning and "$0.01 may be spent" in warning
    assert not desk.out.exists(), "it leaves nothing behind"
    some = desk.make("--engine", "fal", "--dry-run", "--rows", "1,3")
    assert some.exit_code == 0
    assert [event["requests"] for event in some.events if event["event"] == "price"] == [2, 2]
    wrong = desk.make("--engine", "fal", "--dry-run", "--rows", "0")
    assert wrong.exit_code == 1 and "Rows are counted from 1." in wrong.error


def test_the_ceiling_of_one_product_stops_only_that(desk: Desk):
    rows = products(desk, 3, video="none")
    rows[1]["max_cost"] = "0.01"
    desk.table(*rows)
    run = desk.make("--engine", "fal")
    assert run.exit_code == 4
    assert any(text.startswith("lamp-1: ") and "0.01 may be spent" in text for text in run.texts())
    assert desk.states() == {"lamp-0": "done", "lamp-1": "failed", "lamp-2": "done"}


def test_a_product_with_an_unknown_price_is_named(desk: Desk):
    rows = products(desk, 2, video="none")
    rows[1]["endpoint"] = "fal-ai/flux-pro/kontext/max"
    desk.table(*rows)
    desk.emulator.control(prices={rows[1]["endpoint"]: None})
    run = desk.make("--engine", "fal")
    assert run.exit_code == 2
    assert desk.states() == {"lamp-0": "done", "lamp-1": "failed"}
    (said,) = [text for text in run.texts() if text.startswith("lamp-1: ")]
    assert said == f"lamp-1: {desk.products()['lamp-1']['error']}" and "price" in said


def clocks(count: int) -> list[dict[str, object]]:
    """Rows of which each costs a model of 1.20 dollars and a photo of 0.025."""
    row = {"angles": "front", "video": "none"}
    return [{"sku": f"clock-{number}", "text": f"a clock number {number}", **row} for number in range(count)]


def costs(desk: Desk) -> tuple[float, int]:
    """The sum of all rows in dollars, and how many requests have no known cost."""
    cost = json.loads((desk.out / "catalogue.json").read_text(encoding="utf-8"))["cost"]
    return cost["actual"], cost["unpriced"]


def last_progress(run: Run) -> dict[str, Any]:
    """The last progress event of the whole catalogue."""
    assert any(event.get("task") == "products" for event in run.events), "there is a sign of life"
    return [event for event in run.events if event.get("stage") == "products"][-1]


def test_a_product_that_reached_its_ceiling_stops_no_other(desk: Desk):
    rows = clocks(6)
    rows[0]["max_cost"] = "1.23"
    desk.table(rows[0])
    assert desk.make("--engine", "fal").exit_code == 0
    rows[0]["prompt"] = "changed prompt"
    desk.table(*rows)
    run = desk.make("--engine", "fal")
    assert run.exit_code == 4
    assert desk.states() == {"clock-0": "partial", **{f"clock-{number}": "done" for number in range(1, 6)}}
    (said,) = [text for text in run.texts() if text.startswith("clock-0: ")]
    assert "$0.005 is left of the product's ceiling of $1.23" in said
    assert costs(desk) == (7.35, 0)
    told = last_progress(run)
    assert (told["spent"], told["expected"]) == (7.35, 7.5)
    assert "$7.35 of $7.50" in told["label"]
    rows[0] |= {"max_cost": "", "prompt": "third prompt"}
    desk.table(*rows)
    again = desk.make("--engine", "fal")
    assert again.exit_code == 0
    assert "$7.375 of $7.50" in last_progress(again)["label"]
    assert "$7.375" in (desk.out / "index.html").read_text(encoding="utf-8")


def test_paid_work_is_counted_when_a_ceiling_stops_the_others(desk: Desk):
    desk.table(*clocks(3))
    run = desk.make("--engine", "fal", "--max-cost", "3.63")
    assert run.exit_code == 4
    assert costs(desk) == (3.625, 0) and run.events[-1]["cost"]["actual"] == costs(desk)[0]
    assert all((desk.out / f"clock-{number}" / "costs.csv").is_file() for number in range(3))
    again = desk.run("resume", desk.out, "--max-cost", "4")
    assert again.exit_code == 0
    assert costs(desk) == (3.675, 0)
    spent = [event["spent"] for event in again.events if event.get("stage") == "products"]
    assert min(spent) >= 3.625, "what earlier runs have paid counts from the start"


def test_paid_work_is_counted_when_the_second_ctrl_c_leaves_it_at_fal(desk: Desk):
    desk.table(*clocks(2))
    desk.emulator.control(delays={"model": FOR_EVER_SECONDS})
    process = desk.start("catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal")
    until(lambda: at_fal(desk) == 2)
    os.kill(process.pid, signal.SIGINT)
    assert next(line for line in process.stdout if "Stopping" in line)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    desk.report()
    assert costs(desk) == (0.0, 2)
    assert all((desk.out / f"clock-{number}" / "costs.csv").is_file() for number in range(2))


@pytest.mark.parametrize("gone", ["photos/front.png", "model/product.glb"])
def test_a_product_with_missing_files_is_not_done_and_is_restored_for_free(desk: Desk, gone: str):
    desk.table(*clocks(2))
    assert desk.make("--engine", "fal").exit_code == 0
    before = (desk.out / "clock-0" / gone).read_bytes()
    paid = len(desk.emulator.ledger())
    for again in (
        ("resume", desk.out),
        ("catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal"),
    ):
        (desk.out / "clock-0" / gone).unlink()
        assert desk.report() == 2
        assert desk.states() == {"clock-0": "waiting", "clock-1": "done"}
        assert gone in desk.products()["clock-0"]["error"]
        assert desk.run(*again).exit_code == 0
        assert (desk.out / "clock-0" / gone).read_bytes() == before
        assert set(desk.states().values()) == {"done"}
    assert len(desk.emulator.ledger()) == paid


def test_a_product_that_crashes_blender_is_retried_alone_then_recorded_and_the_run_continues(desk: Desk):
    rows = products(desk, 3, video="none")
    for sku in ("crash", "crash-warm", "broken"):
        rows.insert(1, {"sku": sku, "source": desk.model(f"{sku}.glb"), "angles": "front", "video": "none"})
    desk.table(*rows)
    run = desk.make("--engine", "fal")
    assert run.exit_code == 2
    states = desk.states()
    assert states.pop("crash") == states.pop("broken") == "failed"
    assert set(states.values()) == {"done"}
    product = desk.products()["crash"]
    assert len(product["crashes"]) == 2 and "SIGSEGV" in product["error"]
    again = desk.run("resume", desk.out)
    tried = [event["sku"] for event in again.events if event["event"] == "product"]
    assert tried == ["broken"]  # A product that crashed a separate Blender waits for --retry-crashed.
    once_more = desk.run("resume", desk.out, "--retry-crashed")
    assert "crash" in [event["sku"] for event in once_more.events if event["event"] == "product"]


@pytest.mark.parametrize(
    ("sku", "limit", "reason"),
    [("hang", ("--picture-minutes", "0.25"), "no new picture"), ("eat", ("--memory-gb", "0.4"), "memory")],
)
def test_a_product_that_hangs_or_exhausts_memory_is_stopped(
    desk: Desk, sku: str, limit: tuple[str, str], reason: str
):
    rows = products(desk, 1, video="none")
    rows.append({"sku": sku, "source": desk.model(f"{sku}.glb"), "angles": "front", "video": "none"})
    desk.table(*rows)
    run = desk.make("--engine", "fal", *limit)
    assert run.exit_code == 2
    assert desk.states() == {"lamp-0": "done", sku: "failed"}
    assert reason in desk.products()[sku]["error"]


def test_crashes_of_every_product_are_blamed_on_the_machine(desk: Desk):
    desk.table(
        *[{"sku": f"crash-{n}", "source": desk.model(f"{n}.glb", n), "angles": "front"} for n in range(7)]
    )
    run = desk.make("--engine", "fal", "--video", "none")
    assert run.exit_code == 3
    assert "consecutive products" in run.error
    assert all(not product["crashes"] for product in desk.products().values())


def test_a_run_killed_three_times_with_faults_on_each_request_is_accepted_once(desk: Desk):
    rows = products(desk, 8, video="none")
    rows += [
        {"sku": f"mug-{n}", "source": desk.photo(f"{n}.png", n), "angles": "front", "video": "none"}
        for n in range(4)
    ]
    desk.table(*rows)
    desk.emulator.control(delays={**FAST, "photo": 0.2, "model": 0.3}, faults=FAULTS)
    desk.kill_at(
        (2, 5, 9), lambda: len(desk.emulator.ledger()), "--engine", "fal", STUB_BLENDER_SECONDS="0.2"
    )
    run = desk.finish()
    assert run.exit_code == 0, [product["error"] for product in desk.products().values()]
    assert len(desk.emulator.ledger()) == len(desk.journal_keys()) == 16
    assert all(product["photos"] for product in desk.products().values())


def test_a_task_of_a_farm_does_its_rows_and_its_stage(desk: Desk):
    desk.table(*products(desk, 4, video="none"))
    frozen = desk.make("--engine", "fal", "--freeze")
    (event,) = [event for event in frozen.events if event["event"] == "frozen"]
    task = ("resume", desk.out, "--sha256", event["sha256"], "--as-task")
    assert desk.run(*task, "--stage", "render", "--rows", "1-2").exit_code == 0
    assert desk.emulator.ledger() == []
    assert [row for row in range(4) if (desk.out / f"lamp-{row}/renders").is_dir()] == [0, 1]
    assert desk.run(*task, "--stage", "cloud").exit_code == 0
    assert len(desk.emulator.ledger()) == 2
    assert desk.report() == 2
    assert desk.states() == {"lamp-0": "done", "lamp-1": "done", "lamp-2": "waiting", "lamp-3": "waiting"}
    wrong = desk.run("resume", desk.out, "--sha256", "0" * 64, "--as-task")
    assert wrong.exit_code == 1 and "not the catalogue" in wrong.error


def test_a_stage_that_has_done_its_part_says_what_the_products_wait_for(desk: Desk):
    rows = products(desk, 2, video="none")
    rows.append({"sku": "mug", "source": desk.photo("a.png"), "angles": "front", "video": "none"})
    desk.table(*rows)
    run = desk.make("--engine", "fal", "--stage", "cloud")
    assert (run.exit_code, run.events[-1]["state"]) == (0, "partial")
    assert "3 products wait for rendering." in run.texts("note")
    page = (desk.out / "index.html").read_text()
    assert "the 3D model is there, waits for rendering (row 3)" in page and "class='error'" not in page
    assert "to an emulator, so nothing was billed" in page
    links = [link for link in re.findall(r"href='([^']+)'", page) if not link.startswith("data:")]
    assert links == ["mug/index.html"] and (desk.out / links[0]).is_file()
    assert "Blender" not in (desk.out / links[0]).read_text()
    assert desk.run("resume", desk.out, "--rows", "3").exit_code == 0, "the other rows may wait"
    assert desk.report() == 2, "not everything is done"


@pytest.mark.parametrize("rows", [("--rows", "7-9"), ("--shard", "5/10")])
def test_a_task_without_rows_succeeds(desk: Desk, rows: tuple[str, str]):
    desk.table(*products(desk, 3, video="none"))
    desk.make("--engine", "fal", "--freeze")
    run = desk.run("resume", desk.out, "--stage", "cloud", *rows)
    assert run.exit_code == 0
    assert "There are no rows for this task: the last row is 3." in run.texts("note")


def test_two_machines_on_the_same_rows_pay_once(desk: Desk):
    desk.table(*products(desk, 6, video="none"))
    desk.make("--engine", "fal", "--freeze")
    desk.emulator.control(delays={**FAST, "photo": 0.3})
    pair = [desk.start("resume", desk.out, STUB_BLENDER_SECONDS="0.1") for _machine in range(2)]
    for process in pair:
        process.communicate(timeout=PATIENCE_SECONDS)
    assert desk.report() == 0
    assert len(desk.emulator.ledger()) == 6


def test_a_product_locked_by_another_process_is_waited_for(desk: Desk):
    desk.table(*products(desk, 2, video="none"))
    desk.make("--engine", "fal", "--freeze")
    lock = FileLock.taken(row_lock(desk.out / "lamp-0"))
    process = desk.start("resume", desk.out)
    until((desk.out / "lamp-1/photos/front.png").is_file)
    time.sleep(0.5)
    assert process.poll() is None and not (desk.out / "lamp-0/photos").exists()
    lock.release()
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


def test_another_product_renders_while_the_first_waits_for_fal(desk: Desk):
    desk.table(*products(desk, 4, video="none"))
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})

    def let_fal_work() -> None:
        until(lambda: len(list(desk.out.glob("*/renders/front.png"))) == 4)
        desk.emulator.control(delays=FAST, advance=FOR_EVER_SECONDS)

    thread = threading.Thread(target=let_fal_work)
    thread.start()
    run = desk.make("--engine", "fal")
    thread.join()
    done = [event for event in run.events if event["event"] == "job" and event["state"] == "done"]
    first_done = run.events.index(done[0])
    rendered_before = {
        event["sku"] for event in run.events[:first_done] if event.get("stage") == "references"
    }
    assert rendered_before == {f"lamp-{number}" for number in range(4)}


def test_ctrl_c_finishes_paid_work(desk: Desk):
    desk.table(*products(desk, 6, video="none"))
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    gate = desk.folder / "gate"
    process = desk.start(
        *("catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal"), STUB_BLENDER_GATE=str(gate)
    )
    until(desk.emulator.ledger)
    os.kill(process.pid, signal.SIGINT)
    assert next(line for line in process.stdout if "Stopping" in line)
    desk.emulator.control(advance=FOR_EVER_SECONDS)
    gate.touch()
    output, _errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert len(desk.emulator.ledger()) == 1
    assert list(desk.states().values()).count("done") == 1
    assert json.loads(output.splitlines()[-1])["exit"] == 130


def test_the_table_of_results_contains_no_formula(desk: Desk):
    rows = products(desk, 1, video="none", note='=HYPERLINK("http://x")', stock="-3")
    desk.table(*rows)
    desk.make("--engine", "fal")
    with (desk.out / "catalogue.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["note"].startswith("'=") and row["stock"] == "'-3"
    assert row["state"] == "done" and row["cost_usd"] == "0.025"


def test_no_byte_of_the_key_is_written_anywhere(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    secret = "9f2d5e7a-secret-part:0123456789abcdefghij"
    key_file = tmp_path / "key"
    key_file.write_text(secret)
    monkeypatch.setenv("FAL_KEY_FILE", str(key_file))
    desk.table(*products(desk, 2, video="none"))
    run: Run = desk.make("--engine", "fal")
    assert run.exit_code == 0
    parts = [part.encode() for part in (secret, *secret.split(":"))]
    written = [path for path in desk.folder.rglob("*") if path.is_file()]
    assert written
    for path in written:
        data = path.read_bytes()
        assert not [part for part in parts if part in data], path
    assert not [part for part in parts if part in json.dumps(run.events).encode()]


def test_files_added_to_a_watched_folder_are_processed(desk: Desk):
    inbox = desk.folder / "inbox"
    inbox.mkdir()
    start = ("catalogue", "--watch", inbox, "--out", desk.out, *SMALL, "--engine", "fal", "--video", "none")
    process = desk.start(*start, "--angles", "front")
    (desk.folder / desk.model("lamp.glb")).rename(inbox / "lamp.glb")
    photos = desk.out / "lamp/photos/front.png"
    until(photos.is_file)
    (inbox / "lamp.glb").unlink()  # Studios clear their inbox; the product stays.
    (desk.folder / desk.model("vase.glb", 5)).rename(inbox / "vase.glb")
    until((desk.out / "vase/photos/front.png").is_file)
    until(lambda: (desk.out / "catalogue.json").is_file() and len(desk.states()) == 2)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert desk.report() == 0
    assert desk.states() == {"lamp": "done", "vase": "done"}
    assert len(desk.emulator.ledger()) == 2


def test_files_added_during_a_run_are_processed_in_the_same_run(desk: Desk):
    inbox = desk.folder / "inbox"
    inbox.mkdir()
    desk.emulator.control(delays={**FAST, "photo": 1000.0})
    start = ("catalogue", "--watch", inbox, "--out", desk.out, *SMALL, "--engine", "fal", "--video", "none")
    process = desk.start(*start, "--angles", "front")
    (desk.folder / desk.model("lamp.glb")).rename(inbox / "lamp.glb")
    until(lambda: len(desk.emulator.ledger()) == 1)
    (desk.folder / desk.model("vase.glb", 5)).rename(inbox / "vase.glb")
    until(lambda: len(desk.emulator.ledger()) == 2)  # The first one is still at fal.
    desk.emulator.control(delays=FAST, advance=2000.0)
    until(lambda: desk.report() == 0)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert desk.states() == {"lamp": "done", "vase": "done"}
    assert len(desk.emulator.ledger()) == 2


# --- cancelling ---------------------------------------------------------------------------------


def at_fal(desk: Desk) -> int:
    """Requests whose acceptance is recorded."""
    return len(list(desk.out.glob("*/.journal/*/submitted.1.json")))


def fates(run: Run) -> Counter[str]:
    return Counter(event["fate"] for event in run.events if "fate" in event)


def test_requests_left_by_a_killed_run_are_cancelled_and_resume_makes_them(desk: Desk):
    desk.table(*products(desk, 4, video="none"))
    desk.emulator.control(delays={**FAST, "photo": 1000.0}, concurrency=2)
    process = desk.start("catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal")
    until(lambda: at_fal(desk) == 4)
    process.kill()
    process.communicate()
    run = desk.run("cancel", desk.out)
    assert run.exit_code == 0
    assert fates(run) == {"stopped": 2, "never-ran": 2}
    assert {event["sku"] for event in run.events if "fate" in event} == {f"lamp-{n}" for n in range(4)}
    assert run.texts("note")[-1] == (
        "4 requests: 2 cancelled while they were waiting, 2 cancelled while they were running. "
        "Charged or possibly charged: up to $0.05."
    )
    again = desk.run("cancel", desk.out)
    assert again.exit_code == 0 and not fates(again)
    assert again.texts("note") == ["There is nothing left to cancel at fal.ai."]
    assert Counter(entry["state"] for entry in desk.emulator.ledger()) == {"CANCELLED": 4}
    desk.emulator.control(delays=FAST)
    assert desk.run("resume", desk.out).exit_code == 0
    assert len(desk.emulator.ledger()) == 8


def test_a_run_of_a_cancelled_catalogue_starts_nothing_more(desk: Desk):
    # Until the run looks for the mark of ``cancel``, others take the places of those that were cancelled.
    desk.table(*products(desk, 40, video="none"))
    desk.emulator.control(delays={**FAST, "photo": 1000.0}, concurrency=1)
    process = desk.start("catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal")
    until(lambda: at_fal(desk) == 5)  # One runs, four wait; the others are held back.
    run = desk.run("cancel", desk.out)
    assert run.exit_code == 0
    output, _errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "is cancelled" in output
    ledger = desk.emulator.ledger()
    assert {entry["state"] for entry in ledger} == {"CANCELLED"}
    assert fates(run).total() == len(ledger) < 40
    assert desk.run("cancel", desk.out).exit_code == 0
    assert len(desk.emulator.ledger()) == len(ledger)


def test_no_decision_follows_a_link_into_another_catalogue(desk: Desk, tmp_path: Path):
    desk.table(*products(desk, 2, video="none"))
    assert desk.make("--engine", "fal").exit_code == 0
    (desk.out / "lamp-1").rename(elsewhere := tmp_path / "elsewhere")
    (desk.out / "lamp-1").symlink_to(elsewhere)
    before = tree(elsewhere)
    key = desk.journal_keys()[0]
    for command in (("cancel", desk.out), ("resume", desk.out, "--forget", key), ("resume", desk.out)):
        run = desk.run(*command)
        assert (run.exit_code, f"{desk.out / 'lamp-1'} is a link" in run.error) == (1, True), run
    assert tree(elsewhere) == before


def test_cancelling_one_product_ends_it_and_the_others_continue(desk: Desk):
    desk.emulator.control(delays={"photo": FOR_EVER_SECONDS})
    desk.table(*products(desk, 3))
    process = desk.start("catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal")
    try:
        until(lambda: len(list(desk.out.glob("*/.journal/*/submitted.1.json"))) == 3)
        assert desk.run("cancel", desk.out / "lamp-1").exit_code == 0
        desk.emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)
        output, _errors = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 2
    assert output.count("lamp-1 is cancelled") == 1
    assert desk.states() == {"lamp-0": "done", "lamp-1": "waiting", "lamp-2": "done"}
    cancelled = [entry for entry in desk.emulator.ledger() if entry["state"] == "CANCELLED"]
    assert len(cancelled) == 1, "none of its other requests was sent"
    assert desk.run("resume", desk.out).exit_code == 0
    assert set(desk.states().values()) == {"done"}


def test_a_product_cancelled_while_its_model_is_generated_is_photographed_only_by_resume(desk: Desk):
    desk.emulator.control(delays={"model": FOR_EVER_SECONDS})
    rows = [{"sku": f"mug-{number}", "source": desk.photo(f"{number}.png", number)} for number in range(2)]
    desk.table(*({**row, "angles": "front", "video": "none"} for row in rows))
    process = desk.start("catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal")
    try:
        until(lambda: len(list(desk.out.glob("*/.journal/*/submitted.1.json"))) == 2)
        assert desk.run("cancel", desk.out / "mug-1").exit_code == 0
        desk.emulator.control(delays={"model": 0.0}, advance=FOR_EVER_SECONDS)
        process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert desk.states() == {"mug-0": "done", "mug-1": "waiting"}
    kinds = Counter(entry["endpoint"].split("/")[1] for entry in desk.emulator.ledger())
    assert kinds == {"meshy": 2, "flux-kontext": 1}
    assert desk.run("resume", desk.out).exit_code == 0


def test_a_product_cancelled_before_its_turn_is_not_started(desk: Desk, tmp_path: Path):
    desk.table(*products(desk, 12, video="none"))
    gate = tmp_path / "gate"
    process = desk.start(
        "catalogue", desk.file, "--out", desk.out, *SMALL, "--engine", "fal", STUB_BLENDER_GATE=str(gate)
    )
    try:
        until(lambda: list(desk.out.glob("*/photos/front.png")))
        leave_mark(desk.out / "lamp-11")  # As ``cancel`` does in the folder of an earlier run.
        gate.touch()
        output, _errors = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert "lamp-11 is cancelled" in output
    assert not (desk.out / "lamp-11" / "set.json").exists()
    assert Counter(desk.states().values()) == {"done": 11, "waiting": 1}


# --- the account --------------------------------------------------------------------------------


def test_the_bill_and_the_files_of_a_whole_catalogue(desk: Desk):
    desk.emulator.control(permissions=["submit", "requests", "uploads", "assets", "billing", "payloads"])
    desk.table(*products(desk, 3, video="none"))
    assert desk.make("--engine", "fal").exit_code == 0
    run = desk.run("reconcile", desk.out)
    assert run.exit_code == 0
    record = json.loads((desk.out / "charges.json").read_text(encoding="utf-8"))
    assert {sku: sums["charged"] for sku, sums in record["products"].items()} == {
        f"lamp-{number}": "0.025" for number in range(3)
    }
    assert record["total"]["charged"] == "0.075" and record["total"]["missing"] == 0
    run = desk.run("cleanup", desk.out)
    assert run.exit_code == 0
    assert run.texts("note") == ["At fal.ai: 6 files hidden, and the records of 3 requests deleted."]
    assert not any(file["is_public"] for file in desk.emulator.files())
    again = desk.make("--engine", "fal")
    assert again.exit_code == 0 and len(desk.emulator.ledger()) == 3
    assert not [event for event in again.events if event["event"] == "product"], "nothing is made again"
