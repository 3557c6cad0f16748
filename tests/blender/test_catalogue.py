# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue with a real Blender that renders, and the emulator as fal."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from photoreal_set.catalogue.blender_child import BlenderChild, Limits
from photoreal_set.command_line import catalogues
from photoreal_set.command_line import main as cli
from photoreal_set.command_line.commands.render_worker import worker_command
from photoreal_set.messages.events import Event, Ready
from tests.blender.products import photo, textured_block
from tests.blender.runs import ROOT, RUN_SECONDS, command, environment
from tests.fal_emulator.process import RunningEmulator
from tests.patience import FOR_EVER_SECONDS, until
from tests.told import events_in

ELSEWHERE = "optix" if sys.platform == "darwin" else "metal"  # A device that does not exist on this system.
SMALL = ("--resolution", "64", "--samples", "2", "--device", "cpu", "--json")
SLOW = ("--resolution", "256", "--samples", "64", "--device", "cpu", "--json")  # Pictures take seconds.


def shop(folder: Path, count: int, **more: str) -> Path:
    folder.mkdir()
    columns = {"angles": "front", **more}
    lines = [",".join(("sku", "source", *columns))]
    for number in range(count):
        side = 1.0 + number / 4
        textured_block(scale=[1.0, side, 1.0]).write(folder / f"{number}.glb")
        lines.append(",".join((f"block-{number}", f"{number}.glb", *columns.values())))
    (folder / "shop.csv").write_text("\n".join(lines) + "\n")
    return folder / "shop.csv"


def run(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        command(*arguments), env=environment(), capture_output=True, text=True, timeout=RUN_SECONDS
    )
    return done.returncode, events_in(done.stdout)


def set_of(out: Path, sku: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((out / sku / "set.json").read_text())
    return record


def test_one_blender_renders_while_earlier_products_wait_for_fal(
    fresh_emulator: RunningEmulator, tmp_path: Path
):
    fresh_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    table = shop(tmp_path / "shop", 3, video="none")
    out = tmp_path / "out"

    def let_fal_work() -> None:
        until(lambda: len(list(out.glob("*/renders/front.png"))) == 3)
        fresh_emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)

    thread = threading.Thread(target=let_fal_work)
    thread.start()
    code, events = run(
        "catalogue", table, "--out", out, "--engine", "fal", "--fal-url", fresh_emulator.url, *SMALL
    )
    thread.join()
    assert code == 0, events[-1]
    first = next(n for n, event in enumerate(events) if event["event"] == "product")
    rendered = {event["sku"] for event in events[:first] if event.get("stage") == "references"}
    assert len(rendered) == 3
    sizes = [set_of(out, f"block-{number}")["model"]["size_m"] for number in range(3)]
    assert [round(size[2] / sizes[0][2], 2) for size in sizes] == [
        1.0,
        1.25,
        1.5,
    ]  # No data of one product is left in the next.
    for number in range(3):
        record = set_of(out, f"block-{number}")
        assert record["state"] == "done" and record["tool"]["blender"]
        assert 0.85 <= record["angles"][0]["fill"] <= 0.91
    renders = [(out / f"block-{number}/renders/front.png").stat().st_mtime_ns for number in range(3)]
    table.write_text(table.read_text().replace("1.glb,front", '1.glb,"front,side"'))
    code, _events = run(
        "catalogue", table, "--out", out, "--engine", "fal", "--fal-url", fresh_emulator.url, *SMALL
    )
    assert code == 0
    assert [(out / f"block-{n}/renders/front.png").stat().st_mtime_ns for n in range(3)] == renders
    assert len(fresh_emulator.ledger()) == 4


def test_no_product_data_remains_in_blender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    table = shop(tmp_path / "shop", 4)
    record = tmp_path / "counts.jsonl"
    counting = [sys.executable, "-m", "tests.blender.counting_worker", str(record)]
    monkeypatch.setattr(catalogues, "worker_command", lambda _external_data: counting)
    monkeypatch.chdir(ROOT)
    arguments = (
        "catalogue",
        table,
        "--out",
        tmp_path / "out",
        "--engine",
        "cycles",
        "--video",
        "none",
        *SMALL,
    )
    assert cli.main([str(item) for item in arguments], io.StringIO()) == 0
    first, *later = [json.loads(line) for line in record.read_text().splitlines()]
    assert first["scenes"] == 1
    assert len(later) >= 2, "after the last product the worker may end before it counts"
    assert later == [first] * len(later)


def test_a_crashed_blender_is_replaced_and_a_killed_run_continues(tmp_path: Path):
    table = shop(tmp_path / "shop", 2, video="none")
    out = tmp_path / "out"
    arguments = ("catalogue", table, "--out", out, "--engine", "cycles", *SLOW)
    process = subprocess.Popen(command(*arguments), env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    killed = False
    first = ""
    texts = []
    for line in process.stdout:
        event = json.loads(line)
        texts.append(event.get("text", ""))
        if event.get("stage") == "references" and not killed:
            killed = True
            os.kill(_blender_of(process.pid), signal.SIGSEGV)
        if event["event"] == "product":
            first = event["sku"]
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert any("SIGSEGV" in text and "once more" in text for text in texts)
    code, events = run("resume", out, "--json")
    assert code == 0, events[-1]
    assert [event["sku"] for event in events if event["event"] == "product"] == [
        "block-1" if first == "block-0" else "block-0"
    ]
    states = [product["state"] for product in json.loads((out / "catalogue.json").read_text())["products"]]
    assert states == ["done", "done"]


FAULTY_WORKER = """
import sys
from command_line.bootstrap import load_package
load_package()
from photoreal_set.messages.progress import JsonReporter
from photoreal_set.studio import render_server
read = render_server.plan_from
def plan_from(folder, service):
    if folder.root.name == "block-0":
        raise ZeroDivisionError("no such case")
    return read(folder, service)
render_server.plan_from = plan_from
render_server.serve(sys.stdin, JsonReporter(sys.stdout))
"""


@pytest.mark.parametrize("kind", ["a fault of ours", "a damaged set"])
def test_a_product_that_cannot_be_rendered_is_reported_and_the_same_blender_continues(
    tmp_path: Path, kind: str
):
    table = shop(tmp_path / "shop", 2, video="none")
    out = tmp_path / "out"
    code, events = run("catalogue", table, "--out", out, "--engine", "cycles", *SMALL)
    assert code == 0, events[-1]
    odd = out / "block-0"
    worker, exit_code, message = [sys.executable, "-c", FAULTY_WORKER], 3, "bug in Photoreal Set"
    if kind == "a damaged set":
        (odd / "set.json").write_text(json.dumps({**set_of(out, "block-0"), "angles": 5}))
        worker, exit_code, message = worker_command(), 1, "set.json"
    told: list[Event] = []
    with BlenderChild(worker, Limits()) as blender:
        failed = blender.render(odd, told.append)
        assert not failed.crash
        assert failed.exit_code == exit_code, failed.error
        assert message in failed.error and "Traceback" not in failed.error
        good = blender.render(out / "block-1", told.append)
        assert (good.error, good.crash, good.exit_code) == ("", "", 0)
    assert not [event for event in told if isinstance(event, Ready)], "it is the same Blender"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for a child in /proc")
def test_no_blender_outlives_its_catalogue(tmp_path: Path):
    table = shop(tmp_path / "shop", 1)
    arguments = ("catalogue", table, "--out", tmp_path / "out", "--engine", "cycles", *SLOW)
    process = subprocess.Popen(command(*arguments), env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("stage") == "references":
            break
    blender = _blender_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    until(lambda: not _lives(blender), "Blender keeps running without its parent")


def _lives(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def _blender_of(parent: int) -> int:
    children = [task.read_text().split() for task in Path(f"/proc/{parent}/task").glob("*/children")]
    return max(int(number) for numbers in children for number in numbers)


def test_studio_errors_are_raised_before_models_are_paid_for(fresh_emulator: RunningEmulator, tmp_path: Path):
    photo(tmp_path / "front.png")
    (tmp_path / "torn.hdr").write_text("no light at all")
    table = tmp_path / "shop.csv"
    fal = ("--engine", "fal", "--fal-url", fresh_emulator.url, "--out", tmp_path / "out", *SMALL)
    table.write_text("sku,source,rig\nlamp,front.png,torn.hdr\nvase,front.png,softbox\n")
    code, events = run("catalogue", table, *fal)
    (fault,) = [event for event in events if event["event"] == "warning"]
    assert code == 1
    assert fault["sku"] == "lamp" and "torn.hdr is damaged or not a picture" in fault["text"]
    code, events = run("catalogue", table, *fal, "--skip-bad-rows", "--device", ELSEWHERE)
    assert code == 1
    assert f"Cycles finds no {ELSEWHERE} device on this machine" in events[-1]["error"]
    assert fresh_emulator.ledger() == []


def test_a_catalogue_counts_what_a_run_of_one_product_pays_and_loses(
    fresh_emulator: RunningEmulator, tmp_path: Path
):
    out = tmp_path / "out"
    fal = ("--fal-url", fresh_emulator.url)
    table = shop(tmp_path / "shop", 1, video="none")
    assert run("catalogue", table, "--out", out, "--engine", "fal", *fal, *SMALL)[0] == 0

    def told() -> tuple[str, float]:
        cli.main(["report", str(out)], io.StringIO())
        (product,) = json.loads((out / "catalogue.json").read_text())["products"]
        return product["state"], product["cost"]

    assert told() == ("done", 0.025)
    assert run("resume", out / "block-0", "--redo", "front", *fal, "--json")[0] == 0
    assert told() == ("done", 0.05)
    fresh_emulator.control(faults=[{"name": "model-error"}])
    assert run("resume", out / "block-0", "--redo", "front", *fal, "--json")[0] == 2
    assert told()[0] == "partial"  # The earlier photo stays
    fresh_emulator.control(faults=[])
    assert run("resume", out / "block-0", "--redo", "front", *fal, "--json")[0] == 0
    code, events = run("resume", out, *fal, "--json")
    assert code == 0 and events[-1]["cost"]["actual"] == told()[1] > 0.05
