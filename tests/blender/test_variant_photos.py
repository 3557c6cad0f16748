# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos by fal.ai of several variants in one command: each is paid once, under one ceiling, and every command sees it."""

import csv
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.runs import RUN_SECONDS, command, environment, sha256
from tests.fal_emulator.process import RunningEmulator, running_emulator
from tests.fal_emulator.state import PERMISSIONS
from tests.painted_mug import painted_mug
from tests.patience import FOR_EVER_SECONDS
from tests.told import events_in, manifest_in

PHOTO = "fal-ai/flux-kontext/dev"
FOLDERS = ("", "variants/Blue", "variants/Dark")
OPTIONS = ("--engine", "fal", "--video", "none", "--angles", "front,side", "--fidelity", "off")
SMALL = ("--resolution", "64", "--samples", "2", "--device", "cpu")
COLORS = ("--variant", "Red,Blue", "--color", "Handle=#102030 as Dark")


def told(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
    """A command: its exit code and its events."""
    done = subprocess.run(
        command(*arguments, "--json"), env=environment(), capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert not done.stderr or done.returncode, done.stderr
    return done.returncode, events_in(done.stdout)


@pytest.fixture(scope="module")
def own_emulator() -> Iterator[RunningEmulator]:
    with running_emulator(permissions=list(PERMISSIONS)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def killed(
    tmp_path_factory: pytest.TempPathFactory, own_emulator: RunningEmulator
) -> tuple[Path, tuple[Any, ...]]:
    """A run that was killed when the second of three variants had sent its photos, and none had come; its arguments."""
    folder = tmp_path_factory.mktemp("variants")
    mug = painted_mug(("Red", "Blue")).write(folder / "mug.glb")
    out = folder / "set"
    arguments = (mug, "--out", out, *SMALL, *OPTIONS, *COLORS, "--fal-url", own_emulator.url)
    code, _events = told("set", *arguments, "--max-cost", "0.14")
    assert code == 4, "the photos of all variants count before anything is sent"
    assert own_emulator.ledger() == []
    own_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    with subprocess.Popen(
        command("set", *arguments, "--max-cost", "0.15", "--json"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        queued = set()
        for line in process.stdout:
            event = json.loads(line)
            if event.get("state") == "queued" and event["label"].startswith("Blue: "):
                queued.add(event["label"])
            if len(queued) == 2:
                process.send_signal(signal.SIGKILL)
                break
        assert process.wait() == -signal.SIGKILL, "it was killed before it ended"
    return out, arguments


@pytest.fixture(scope="module")
def done(killed: tuple[Path, tuple[Any, ...]], own_emulator: RunningEmulator) -> Path:
    """The same set after the same command again."""
    out, arguments = killed
    assert len(own_emulator.ledger()) in (4, 5, 6), "the third variant may have begun before the kill came"
    own_emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)
    code, events = told("set", *arguments, "--max-cost", "0.15")
    assert code == 0, events
    return out


def test_the_price_of_all_variants_is_known_before(killed: tuple[Path, tuple[Any, ...]]):
    mug = killed[0].parent / "mug.glb"
    url = killed[1][killed[1].index("--fal-url") + 1]
    code, events = told("estimate", mug, *SMALL, *OPTIONS, *COLORS, "--fal-url", url)
    price = next(event for event in events if event["event"] == "price")
    assert (code, price["requests"], price["min"], price["max"]) == (0, 6, 0.15, 0.15)
    assert price["labels"][2:4] == ["Blue: front photo", "Blue: side photo"]


def test_a_killed_run_continues_and_pays_each_photo_once(done: Path, own_emulator: RunningEmulator):
    assert [entry["endpoint"] for entry in own_emulator.ledger()] == [PHOTO] * 6
    record = manifest_in(done)
    assert record["state"] == "done"
    assert [entry.get("state") for entry in record["variants"]] == [None, "done", "done"]
    ids, sent = set(), {entry["request_id"] for entry in own_emulator.ledger()}
    for folder in FOLDERS:
        own = manifest_in(done / folder)
        assert own["state"] == "done"
        for angle in own["angles"]:
            photo = angle["photo"]
            assert (photo["engine"], photo["state"]) == ("fal", "done")
            assert sha256(done / folder / photo["path"]) == photo["sha256"]
            ids.add(photo["request_id"])
    assert ids == sent
    masks = {sha256(done / folder / "masks/front.png") for folder in FOLDERS}
    assert len(masks) == 1
    shown = [one["kind"] for entry in record["variants"][1:] for one in entry["angles"]]
    assert shown == ["photo"] * 4


def test_the_costs_of_the_set_are_those_of_all_variants(done: Path):
    record = manifest_in(done)
    assert record["cost"]["estimate"] == {"min": 0.15, "max": 0.15}
    assert record["cost"]["actual"] == 0.15
    rows = list(csv.DictReader((done / "costs.csv").read_text().splitlines()))
    assert sum(line["price"] for line in record["cost"]["requests"]) == pytest.approx(0.15)
    assert sorted({row["product"] for row in rows}) == ["mug", "mug, Blue", "mug, Dark"]
    for folder in FOLDERS[1:]:
        own = manifest_in(done / folder)["cost"]
        assert (own["estimate"], own["actual"]) == ({"min": 0.05, "max": 0.05}, 0.05)


def test_reconcile_and_cleanup_see_the_requests_of_all_variants(done: Path, own_emulator: RunningEmulator):
    at_fal = manifest_in(done)["at_fal"]
    assert {"front photo", "Blue: front photo", "Dark: side photo"} <= {
        label for files in at_fal for label in files["labels"]
    }
    url = ("--fal-url", own_emulator.url)
    _code, events = told(
        "reconcile", done, *url
    )  # The bill is dated by the emulator's clock, which is ahead.
    charges = [event for event in events if event["event"] == "charge"]
    assert {charge["request_id"] for charge in charges} == {
        one["request_id"] for one in own_emulator.ledger()
    }
    assert manifest_in(done)["cost"]["missing"] == sum(charge.get("charged") is None for charge in charges)
    code, events = told("cancel", done, *url)
    assert code == 0
    code, events = told("cleanup", done, *url)
    assert code == 0, events
    assert "records of 6 requests deleted" in " ".join(event.get("text", "") for event in events)
    for folder in FOLDERS:
        assert manifest_in(done / folder)["at_fal"] == []


def test_another_run_sends_nothing(
    done: Path, killed: tuple[Path, tuple[Any, ...]], own_emulator: RunningEmulator
):
    code, events = told("resume", done, "--fal-url", own_emulator.url, "--max-cost", "0")
    assert code == 0, events
    assert "Everything exists already: nothing was rendered or sent." in [
        event.get("text") for event in events
    ]
    code, events = told("resume", done / "variants/Blue", "--fal-url", own_emulator.url, "--max-cost", "0")
    assert code == 0, events
    assert len(own_emulator.ledger()) == 6
