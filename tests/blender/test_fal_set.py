# SPDX-License-Identifier: GPL-3.0-or-later
"""The same command with fal: every render becomes a photo, with a video, and each paid job is sent once."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import bpy
import numpy as np
import pytest
from PIL import Image

from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.files.kinds import missing_end
from photoreal_set.messages import events
from photoreal_set.optics.angles import ANGLES as STANDARD
from photoreal_set.optics.sizes import square
from photoreal_set.photo_set.choices import Engine, Fidelity
from photoreal_set.photo_set.pipeline import run_set
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.source import source_from
from photoreal_set.studio.stage import RENDERER
from tests.blender.products import photo
from tests.blender.runs import ANGLES, RUN_SECONDS, Run, command, environment, make_set, sha256, tree
from tests.fal_emulator.process import RunningEmulator, running_emulator
from tests.patience import FOR_EVER_SECONDS, until
from tests.told import events_in

PHOTO = "fal-ai/flux-kontext/dev"
VIDEO = "fal-ai/kling-video/v3/pro/image-to-video"
WORDS = ("--prompt", "On pale linen.", "--seed", 7)


def fal(emulator: RunningEmulator) -> tuple[str, ...]:
    return ("--engine", "fal", "--fal-url", emulator.url)


def endpoints(ledger: list[dict]) -> list[str]:
    return [entry["endpoint"] for entry in ledger]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, block_file: Path, emulator: RunningEmulator) -> Run:
    out = tmp_path_factory.mktemp("fal") / "set"
    return make_set(block_file, out=out, options=(*fal(emulator), *WORDS))


@pytest.fixture(scope="module")
def ledger(run: Run, emulator: RunningEmulator) -> list[dict]:
    return emulator.ledger()


def test_the_run_succeeds(run: Run):
    assert run.exit_code == 0, run.stderr
    cost = {"actual": 0.685, "estimated": 0.0, "unpriced": 0, "currency": "USD", "is_emulated": True}
    end = {"event": "finished", "state": "done", "exit": 0, "set": str(run.out), "cost": cost}
    assert run.events[-1] == end
    assert run.warnings() == []
    assert run.record["state"] == "done"


def test_every_job_is_sent_once_and_only_with_fields_that_the_endpoint_has(run: Run, ledger: list[dict]):
    assert endpoints(ledger).count(PHOTO) == 5
    assert endpoints(ledger).count(VIDEO) == 1
    assert len(ledger) == 6
    assert [entry["unknown_fields"] for entry in ledger] == [[]] * 6


def test_only_the_emulators_key_is_sent(run: Run, emulator: RunningEmulator):
    assert emulator.stats()["foreign_keys"] == []


def test_inputs_match_the_request(run: Run, ledger: list[dict]):
    photos = [entry["input"] for entry in ledger if entry["endpoint"] == PHOTO]
    (video,) = [entry["input"] for entry in ledger if entry["endpoint"] == VIDEO]
    for sent in photos:
        assert sent["seed"] == 7
        assert "pure white background" in sent["prompt"]
        assert sent["prompt"].endswith("On pale linen.")
        assert sent["image_url"].startswith("http")
    assert len({sent["prompt"] for sent in photos}) == 5, "each angle has its own prompt"
    assert len({sent["image_url"] for sent in photos}) == 5
    assert video["generate_audio"] is False
    assert video["duration"] == "5"


def test_every_picture_is_complete_and_recorded_with_its_request(run: Run, ledger: list[dict]):
    ids = {entry["request_id"] for entry in ledger}
    for name in ANGLES:
        photo = run.angle(name)["photo"]
        assert (photo["engine"], photo["endpoint"], photo["state"]) == ("fal", PHOTO, "done")
        assert photo["request_id"] in ids
        assert photo["seed"] == 7
        assert photo["path"] == f"photos/{name}.png"
        assert sha256(run.out / photo["path"]) == photo["sha256"]
        with Image.open(run.out / photo["path"]) as picture:
            picture.load()
            assert picture.size == (photo["width"], photo["height"])
        original = run.out / photo["original"]
        assert original.parent == run.out / "photos" / "original"
        assert missing_end(original) == ""


def test_photos_are_compared_with_the_surface_and_with_other_light(run: Run):
    for name in ANGLES:
        angle = run.angle(name)
        known, render = angle["calibration"], run.pixels(f"renders/{name}.png")
        mask = run.pixels(f"masks/{name}.png")
        for kind in ("depth", "normal", "base_colour"):
            assert run.pixels(known[kind]["path"]).shape[:2] == mask.shape
        assert (run.pixels(known["depth"]["path"]) > 0)[mask == 255].all()
        assert len(known["lights"]) == 3
        for light in known["lights"]:
            lit = run.pixels(light["path"])
            assert lit.shape == render.shape
            assert np.abs(lit[mask == 255].astype(float) - render[mask == 255]).mean() > 2.0
        found = angle["photo"]["fidelity"]
        assert found["is_calibrated"]
        assert found["rejected"] is False, found


def test_the_video_plays(run: Run, ledger: list[dict]):
    (video,) = run.record["videos"]
    assert (video["engine"], video["endpoint"], video["state"]) == ("fal", VIDEO, "done")
    assert video["request_id"] == next(item["request_id"] for item in ledger if item["endpoint"] == VIDEO)
    assert sha256(run.out / video["path"]) == video["sha256"]
    with av.open(str(run.out / video["path"])) as container:
        assert len(list(container.decode(video=0))) > 24


def test_the_set_contains_the_files_of_the_contract(run: Run):
    tops = {Path(name).parts[0] for name in tree(run.out)}
    assert tops == {
        "set.json",
        "index.html",
        "model",
        "renders",
        "masks",
        "fidelity",
        "photos",
        "video",
        ".journal",
        "costs.csv",
    }
    leftovers = [name for name in tree(run.out) if ".part" in name or name.endswith((".tmp", ".lock"))]
    assert leftovers == []


def test_no_file_or_output_contains_a_key_or_a_path_of_this_machine(run: Run):
    for name in tree(run.out):
        if name.endswith((".json", ".html")):
            text = (run.out / name).read_text(encoding="utf-8")
            assert "emulator:emulator" not in text, name
            assert str(run.out) not in text, name
    assert "emulator:emulator" not in json.dumps(run.events) + run.stderr


def test_the_same_command_again_sends_and_renders_nothing(
    run: Run, ledger: list[dict], block_file: Path, emulator: RunningEmulator
):
    before = tree(run.out)
    again = make_set(block_file, out=run.out, options=(*fal(emulator), *WORDS))
    assert again.exit_code == 0, again.stderr
    assert emulator.ledger() == ledger
    after = tree(run.out)
    assert set(after) == set(before)
    for name in before:
        if name.startswith(("renders/", "masks/", "model/")):
            assert after[name] == before[name], name
        elif name.startswith(("photos/", "video/")):
            assert after[name][0] == before[name][0], name
    assert again.record["created"] == run.record["created"]


# --- side by side -------------------------------------------------------------------------------


def test_a_set_without_its_journal_is_not_paid_for_again(run: Run, tmp_path: Path, emulator: RunningEmulator):
    out = tmp_path / "copy"
    shutil.copytree(run.out, out, ignore=shutil.ignore_patterns(".*"))
    sent = len(emulator.ledger())
    again = resumed(out)
    assert again.exit_code == 1
    assert "would be paid again" in again.events[-1]["error"] and "hidden files" in again.events[-1]["error"]
    assert len(emulator.ledger()) == sent
    assert again.record["cost"] == run.record["cost"]


def test_a_set_with_a_damaged_manifest_is_rebuilt_without_paying_again(
    run: Run, tmp_path: Path, block_file: Path, emulator: RunningEmulator
):
    out = tmp_path / "copy"
    shutil.copytree(run.out, out)
    (out / "set.json").write_bytes((run.out / "set.json").read_bytes()[:300])
    sent = len(emulator.ledger())
    refused = resumed(out)
    assert refused.exit_code == 1 and "`set` command again" in refused.events[-1]["error"]
    again = make_set(block_file, out=out, options=(*fal(emulator), *WORDS))
    assert again.exit_code == 0, again.stderr
    assert len(emulator.ledger()) == sent
    assert again.record["cost"]["actual"] == run.record["cost"]["actual"]
    assert (out / "set.damaged.json").is_file()


def test_photos_and_video_are_requested_while_the_next_angles_render(
    scene: bpy.types.Scene, tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator
):
    """Rendering continues only when fal has received everything available by then."""

    def sent() -> list[str]:
        return endpoints(fresh_emulator.ledger())

    class Slow:
        """A listener between two renders."""

        def tell(self, event: events.Event) -> None:
            if isinstance(event, events.Progress) and event.stage == "references":
                match event.done:
                    case 1:
                        until(lambda: sent() == [PHOTO], "the hero is not sent before the second angle")
                    case 4:
                        until(lambda: VIDEO in sent(), "the video is not sent before the last photo")

    plan = SetPlan(
        source=source_from([block_file], ""),
        out=tmp_path / "set",
        angles=tuple(STANDARD.values()),
        engine=Engine.FAL,
        video=Engine.FAL,
        service=Service.emulator(fresh_emulator.url),
        resolution=square(64),
        samples=1,
        device="cpu",
        fidelity=Fidelity.OFF,  # With the check, the video waits for what the hero is compared with.
    )
    assert run_set(plan, Slow(), RENDERER).exit_code == 0
    record = json.loads((tmp_path / "set" / "set.json").read_text(encoding="utf-8"))
    hero = next(angle for angle in record["angles"] if angle["name"] == "three-quarter")
    assert fresh_emulator.ledger()[0]["request_id"] == hero["photo"]["request_id"]
    assert sent().count(PHOTO) == 5


# --- killed in the middle -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    [
        {"event": "progress", "stage": "references", "done": 2},
        {"event": "job", "label": "three-quarter photo", "state": "queued"},
        {"event": "job", "label": "detail photo", "state": "running"},
        {"event": "job", "label": "film", "state": "running"},
    ],
    ids=lambda moment: "-".join(map(str, list(moment.values())[1:])),
)
def test_the_same_command_finishes_a_killed_run_and_pays_nothing_twice(
    tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator, moment: dict
):
    photo = 0.0 if moment.get("label") == "film" else FOR_EVER_SECONDS
    fresh_emulator.control(delays={"photo": photo, "video": FOR_EVER_SECONDS})
    out = tmp_path / "set"
    small = ("--resolution", 96, "--samples", 2, "--device", "cpu", "--json")
    with subprocess.Popen(
        command("set", block_file, "--out", out, *fal(fresh_emulator), *small),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if all(event.get(name) == value for name, value in moment.items()):
                process.send_signal(signal.SIGKILL)
                break
        assert process.wait() == -signal.SIGKILL, "it was killed before it ended"
    record = json.loads((out / "set.json").read_text(encoding="utf-8"))
    assert record["state"] == "partial"
    fresh_emulator.control(delays={"photo": 0.0, "video": 0.0}, advance=FOR_EVER_SECONDS)
    again = make_set(block_file, out=out, options=fal(fresh_emulator))
    if again.exit_code == 5:  # It was killed while sending a request that never arrived: the user decides.
        held = {event["key"] for event in again.events if event.get("state") == "uncertain"}
        assert held, again.events
        decisions = [word for key in sorted(held) for word in ("--resend", key)] + ["--not-in-dashboard"]
        done = subprocess.run(
            command("resume", out, *decisions), env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        again = make_set(block_file, out=out, options=fal(fresh_emulator))
    assert again.exit_code == 0, again.stderr
    assert again.record["state"] == "done"
    assert again.record["created"] == record["created"]
    assert sorted(endpoints(fresh_emulator.ledger())) == [PHOTO] * 5 + [VIDEO]
    assert not [name for name in tree(out) if ".part" in name and not name.startswith(".journal")]


# --- cancelled by another process----------------------------------------------------------------


def cancelled_beside(out: Path, *arguments: object, requests: int) -> None:
    """A ``set`` that another process cancels after a number of requests, and that ends because of it."""
    with subprocess.Popen(
        command("set", "--out", out, *arguments, "--json"),
        cwd=out.parent,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            until(lambda: len(list(out.glob(".journal/*/submitted.1.json"))) == requests)
            cancel = subprocess.run(command("cancel", out), env=environment(), capture_output=True, text=True)
            assert cancel.returncode == 0, cancel.stderr
            said, _errors = process.communicate(timeout=RUN_SECONDS)
        finally:
            process.kill()  # If the cancel did not end it, it would wait forever.
    assert process.returncode == 130
    events = events_in(said)
    assert sum("Cancelled by `cancel`" in event.get("text", "") for event in events) == 1
    assert events[-1]["state"] == "partial" and events[-1]["set"] == str(out)
    assert json.loads((out / "set.json").read_text(encoding="utf-8"))["state"] == "partial"


def test_a_run_whose_hero_is_cancelled_sends_no_video_of_another_photo(
    tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator
):
    out = tmp_path / "set"
    options = (*fal(fresh_emulator), "--angles")
    assert make_set(block_file, out=out, options=(*options, "front", "--video", "none")).exit_code == 0
    fresh_emulator.control(delays={"photo": FOR_EVER_SECONDS})
    small = ("--resolution", 96, "--samples", 2, "--device", "cpu")
    both = (*options, "front,three-quarter")
    cancelled_beside(out, block_file, *small, *both, requests=2)
    ledger = fresh_emulator.ledger()
    assert endpoints(ledger) == [PHOTO] * 2
    assert [entry["state"] for entry in ledger] == ["COMPLETED", "CANCELLED"]
    fresh_emulator.control(delays={"photo": 0.0, "video": 0.0})
    assert make_set(block_file, out=out, options=both).exit_code == 0, "the next run continues"
    assert endpoints(fresh_emulator.ledger()) == [PHOTO] * 3 + [VIDEO]


def test_a_run_whose_model_is_cancelled_ends_as_stopped(tmp_path: Path, fresh_emulator: RunningEmulator):
    fresh_emulator.control(delays={"model": FOR_EVER_SECONDS, "image": FOR_EVER_SECONDS})
    cancelled_beside(tmp_path / "set", "--text", "a clock", *fal(fresh_emulator), requests=1)
    assert [entry["state"] for entry in fresh_emulator.ledger()] == ["CANCELLED"]


def test_a_rejected_photo_fails_alone_and_the_rest_is_finished(
    tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator
):
    fresh_emulator.control(faults=[{"name": "model-error", "endpoint": PHOTO, "nth": [1]}])
    run = make_set(block_file, out=tmp_path / "set", options=fal(fresh_emulator))
    assert run.exit_code == 2, run.stderr
    assert run.record["state"] == "partial"
    states = {name: run.angle(name)["photo"]["state"] for name in ANGLES}
    assert sorted(states.values()) == ["done"] * 4 + ["failed"]
    (failed,) = [name for name, state in states.items() if state == "failed"]
    assert run.angle(failed)["photo"]["error"].endswith(".")
    assert run.record["videos"][0]["state"] == "done", "the video starts from another photo"
    assert "Photo failed" in (run.out / "index.html").read_text(encoding="utf-8")


MODEL = "fal-ai/meshy/v6/image-to-3d"


def resumed(out: Path, *options: object) -> Run:
    done = subprocess.run(
        command("resume", out, "--json", *options), env=environment(), capture_output=True, text=True
    )
    return Run(done.returncode, events_in(done.stdout), done.stderr, out)


@pytest.mark.parametrize(
    ("fault", "exit_code"),
    [
        ({"name": "corrupt-output"}, 2),
        ({"name": "result-expired"}, 2),
        ({"name": "lying-model", "lie": "empty"}, 1),
    ],
    ids=["damaged", "expired", "without a mesh"],
)
def test_a_damaged_or_lost_model_is_generated_again_on_request(
    tmp_path: Path, fresh_emulator: RunningEmulator, fault: dict[str, str], exit_code: int
):
    fresh_emulator.control(faults=[{**fault, "endpoint": MODEL, "count": 1}])
    out, angles = tmp_path / "set", ("--angles", "front,side", "--fidelity", "off")
    options = (*fal(fresh_emulator), *angles)
    first = make_set(photo(tmp_path / "front.png"), out=out, options=options)
    again = resumed(out)
    for failed in (first, again):
        assert failed.exit_code == exit_code
        last = failed.events[-1]["error"]
        assert "edo" in last and "another one" in last and "--" not in last
        assert any("Cost at an emulator" in event.get("text", "") for event in failed.events)
    kept = [path.read_bytes() for path in (out / "model").glob("*")]
    assert len(kept) == (exit_code == 1), "a damaged file is not accepted as a model"
    before = tree(out)
    assert resumed(out, "--redo", "model", "--max-cost", "1.5").exit_code == 4
    assert {name: facts for name, facts in tree(out).items() if not name.startswith("index")} == {
        name: facts for name, facts in before.items() if not name.startswith("index")
    }
    assert endpoints(fresh_emulator.ledger()) == [MODEL]
    redone = resumed(out, "--redo", "model")
    assert redone.exit_code == 0, redone.stderr
    price = redone.index(text="Will be made and paid again: 3D model, front photo, side photo, video: $1.81.")
    assert price < redone.index(event="started"), "the price is printed first"
    bought = endpoints(fresh_emulator.ledger())
    assert sorted(bought) == sorted([MODEL] * 2 + [PHOTO] * 2 + [VIDEO])
    earlier = redone.record["model"]["earlier"]
    assert [(out / entry["path"]).read_bytes() for entry in earlier] == kept
    jobs = [line.split(",")[2] for line in (out / "costs.csv").read_text(encoding="utf-8").splitlines()]
    assert jobs.count("3D model") == 2
    again = resumed(out)
    assert again.exit_code == 0
    assert again.index(text="Everything exists already: nothing was rendered or sent.")
    assert endpoints(fresh_emulator.ledger()) == bought, "existing results are not paid again"


def test_a_new_model_replaces_all_pictures_and_a_killed_run_continues_with_it(
    tmp_path: Path, fresh_emulator: RunningEmulator
):
    out = tmp_path / "set"
    options = ("--fal-url", fresh_emulator.url, "--engine", "cycles", "--video", "none", "--angles", "front")
    source = photo(tmp_path / "front.png")
    make_set(source, out=out, options=options)
    first = make_set(source, out=out, options=(*options, "--model-option", "target_polycount=500"))
    assert first.exit_code == 0, first.stderr
    old = first.record
    fresh_emulator.control(delays={"model": FOR_EVER_SECONDS})
    with subprocess.Popen(
        command("resume", out, "--redo", "model"), env=environment(), stdout=subprocess.DEVNULL
    ) as process:
        until(lambda: len(list(out.glob(".journal/*/submitted.1.json"))) == 2)
        process.kill()
    fresh_emulator.control(delays={"model": 0.0}, advance=FOR_EVER_SECONDS)
    redone = resumed(out, "--redo", "model")
    assert redone.exit_code == 0, redone.stderr
    assert any("was requested before" in event.get("text", "") for event in redone.events)
    assert endpoints(fresh_emulator.ledger()) == [MODEL] * 2, "the take that was sent is fetched"
    for made in ("render", "photo"):
        assert redone.angle("front")[made]["made_with"] != old["angles"][0][made]["made_with"]


def test_a_floor_of_a_bought_model_is_reported_before_a_photo_is_bought(
    tmp_path: Path, fresh_emulator: RunningEmulator
):
    options = (*fal(fresh_emulator), "--text", "A mug on a floor", "--video", "none", "--angles", "front")
    run = make_set(out=tmp_path / "set", options=options)
    assert run.exit_code == 0, run.stderr
    assert run.index(event="warning", field="without", value="floor") < run.index(label="front photo")
    assert [entry["endpoint"] for entry in fresh_emulator.ledger()][1:] == [PHOTO]


def test_cycles_photos_and_a_fal_video_can_be_combined(
    tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator
):
    options = ("--engine", "cycles", "--video", "fal", "--fal-url", fresh_emulator.url)
    run = make_set(block_file, out=tmp_path / "set", options=(*options, "--angles", "side,front"))
    assert run.exit_code == 0, run.stderr
    assert endpoints(fresh_emulator.ledger()) == [VIDEO]
    assert run.angle("side")["photo"]["engine"] == "cycles"
    assert run.record["videos"][0]["engine"] == "fal"


@pytest.mark.parametrize(
    ("fault", "stand_in"),
    [
        ({"name": "model-error", "type": "content_policy_violation"}, "front"),  # Refused for good.
        ({"name": "runner-error"}, None),  # A temporary error: the video waits for the hero.
    ],
    ids=["lost", "passing"],
)
def test_a_video_is_paid_once_even_when_the_hero_changes(
    tmp_path: Path, block_file: Path, fault: dict, stand_in: str | None
):
    fault = {**fault, "endpoint": "fal-ai/flux-kontext/dev", "count": 1}
    with running_emulator(faults=[fault]) as emulator:
        options = ("--engine", "fal", "--fal-url", emulator.url, "--angles", "front,three-quarter")
        options = (*options, "--samples", "1")
        first = make_set(block_file, out=tmp_path / "set", options=options, resolution=64)
        videos = [job for job in emulator.ledger() if "kling" in job["endpoint"]]
        assert (first.exit_code, len(videos)) == (2, 1 if stand_in else 0)
        if stand_in:
            last = resumed(tmp_path / "set", "--redo", "three-quarter", "--max-cost", "0.03")
            told = [event["text"] for event in last.events if event["event"] == "note"]
            assert (
                "Will be made and paid again: three-quarter photo, three-quarter retry: $0.025 to $0.05."
                in told
            )
        else:
            last = make_set(block_file, out=tmp_path / "set", options=options, resolution=64)
        videos = [job for job in emulator.ledger() if "kling" in job["endpoint"]]
    assert last.exit_code == 0
    assert len(videos) == 1
    assert last.record["videos"][0].get("stand_in") == stand_in


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--rig", "torn.hdr"), "torn.hdr is damaged or not a picture"),
        (("--device", "metal" if sys.platform != "darwin" else "optix"), "Cycles finds no"),
    ],
)
def test_studio_errors_are_raised_before_a_model_is_paid_for(
    tmp_path: Path, emulator: RunningEmulator, option: tuple[str, str], message: str
):
    (tmp_path / "torn.hdr").write_text("no light at all")
    sent = len(emulator.ledger())
    refused = make_set(photo(tmp_path / "front.png"), out=tmp_path / "set", options=(*fal(emulator), *option))
    assert refused.exit_code == 1
    assert message in refused.stderr
    assert len(emulator.ledger()) == sent
    assert not refused.out.exists()


def test_an_interrupt_while_blender_loads_ends_the_run(
    tmp_path: Path, block_file: Path, emulator: RunningEmulator
):
    sent = len(emulator.ledger())
    process = subprocess.Popen(
        command("set", block_file, "--out", tmp_path / "set", "--fal-url", emulator.url),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "Photos by fal" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=RUN_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 130
    assert len(emulator.ledger()) == sent
