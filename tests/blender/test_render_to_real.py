# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles renders the video that fal.ai turns into the video of the set, and a killed run does not pay it twice."""

import json
import signal
import subprocess
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from tests.blender.runs import RUN_SECONDS, command, environment, make_set, sha256
from tests.fal_emulator.process import RunningEmulator
from tests.fal_emulator.videos import read_mp4
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until
from tests.told import events_in, manifest_in

REAL = "emulator/real-2/render-to-real"  # Not in the registry: its schema says what it takes.
TINY = ("--resolution", 64, "--samples", 1, "--device", "cpu", "--angles", "front,three-quarter")
ARGUMENTS = (*TINY, "--engine", "cycles", "--video", "fal", "--video-endpoint", REAL, "--seconds", 2)


def sent(emulator: RunningEmulator) -> list[dict]:
    return [entry for entry in emulator.ledger() if entry["endpoint"] == REAL]


def test_a_set_with_a_video_from_our_render_is_paid_once_over_a_kill(
    tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator
):
    out = tmp_path / "set"
    fresh_emulator.control(delays={"video": FOR_EVER_SECONDS})
    arguments = (block_file, "--out", out, *ARGUMENTS, "--fal-url", fresh_emulator.url, "--max-cost", "0.5")
    with subprocess.Popen(
        command("set", *arguments), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until(lambda: list(out.glob(".journal/*/submitted.1.json")), "the video is not sent")
        finally:
            process.send_signal(signal.SIGKILL)
    ours = out / "renders" / "turntable.mp4"
    before = sha256(ours)
    fresh_emulator.control(advance=FOR_EVER_SECONDS, delays={"video": 0.0})
    done = subprocess.run(
        command("resume", out, "--json"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert events_in(done.stdout)[-1]["state"] == "done"
    (request,) = sent(fresh_emulator)
    assert sha256(ours) == before
    assert (
        httpx.get(request["input"]["video_url"], trust_env=False, timeout=PATIENCE_SECONDS).content
        == ours.read_bytes()
    )
    assert len(request["input"]["reference_image_urls"]) == 2
    record = manifest_in(out)
    order = record["video_input"]
    assert (order["frames"], order["width"], order["seconds"]) == (48, 64, 2)
    frames = [np.asarray(frame, dtype=float) for frame in read_mp4(ours.read_bytes()).frames]
    assert (len(frames), frames[0].shape) == (48, (64, 64, 3))
    assert np.abs(frames[12] - frames[0]).mean() > 1.0, "the product turns"
    (video,) = record["videos"]
    with av.open(str(out / video["path"])) as made:
        assert sum(1 for _frame in made.decode(video=0)) == 48
    assert video["input"] == before
    assert record["cost"]["actual"] == pytest.approx(0.2)
    assert json.loads((out / "set.json").read_text())["plan"]["video_endpoint"] == REAL


def test_a_photo_is_held_by_the_exact_depth_of_its_reference(
    tmp_path: Path, block_file: Path, fresh_emulator: RunningEmulator
):
    depth = "fal-ai/flux-control-lora-depth/image-to-image"
    prices = {depth: {"unit_price": 0.04, "unit": "megapixels"}}
    fresh_emulator.control(prices=prices)
    options = ("--engine", "fal", "--video", "none", "--angles", "front", "--photo-endpoint", depth)
    made = make_set(
        block_file,
        out=tmp_path / "set",
        options=(*options, "--guide", "depth", "--samples", 1, "--fal-url", fresh_emulator.url),
        resolution=64,
    )
    assert made.exit_code == 0, made.stderr
    (request,) = fresh_emulator.ledger()
    assert request["unknown_fields"] == []
    assert request["input"]["preprocess_depth"] is False
    guide = made.out / made.angle("front")["guide"]["path"]
    assert (
        httpx.get(
            request["input"]["control_lora_image_url"], trust_env=False, timeout=PATIENCE_SECONDS
        ).content
        == guide.read_bytes()
    )
    grey, mask = made.pixels("guides/front.png")[..., 0], made.pixels("masks/front.png")
    assert ((grey > 0) == (mask > 0)).mean() > 0.99, "bright where the product is"
    again = make_set(
        block_file,
        out=tmp_path / "set",
        options=(*options, "--guide", "depth", "--samples", 1, "--fal-url", fresh_emulator.url),
        resolution=64,
    )
    assert (again.exit_code, len(fresh_emulator.ledger())) == (0, 1)
