# SPDX-License-Identifier: GPL-3.0-or-later
"""A spin by the command line: exact azimuths, one framing, all files, and frames that the turntable shares."""

import io
import json
import signal
import subprocess
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from photoreal_set.optics.angles import direction_of
from tests.blender.runs import Run, command, environment, make_set, sha256

COUNT = 8


@pytest.fixture(scope="module")
def spun(tmp_path_factory: pytest.TempPathFactory, block_file: Path) -> Run:
    options = ("--angles", "front", "--spin", COUNT, "--video", "cycles", "--seconds", 1)
    return make_set(
        block_file,
        out=tmp_path_factory.mktemp("spun") / "set",
        resolution=64,
        options=(*options, "--quality", "draft", "--engine", "cycles"),
    )


def test_every_frame_is_where_the_camera_record_says(spun: Run):
    assert spun.exit_code == 0, spun.stderr
    frames = spun.record["spin"]["frames"]
    assert [frame["azimuth"] for frame in frames] == [0.0, 315.0, 270.0, 225.0, 180.0, 135.0, 90.0, 45.0]
    for frame in frames:
        azimuth, elevation = direction_of(tuple(map(tuple, frame["camera"]["matrix_world"])))
        assert (azimuth - frame["azimuth"] + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-3)
        assert elevation == pytest.approx(18.0, abs=1e-3)
        assert sha256(spun.out / frame["path"]) == frame["sha256"]
    assert len({frame["camera"]["lens_mm"] for frame in frames}) == 1


def test_no_frame_is_cut_off_and_one_is_full(spun: Run):
    frames = spun.record["spin"]["frames"]
    assert max(frame["fill"] for frame in frames) >= 0.85
    for frame in frames:
        assert min(frame["box"]) > 0
        assert max(frame["box"]) < 64
        pixels = spun.pixels(frame["path"])
        border = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
        assert pixels.shape == (64, 64, 3)
        assert border.min() == 255, "a pure white border"


def test_all_files_of_a_spin_are_there(spun: Run):
    spin = spun.record["spin"]
    with zipfile.ZipFile(spun.out / spin["zip"]["path"]) as archive:
        names = archive.namelist()
        with archive.open(names[0]) as first, Image.open(first) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (64, 64))
            assert picture.info["icc_profile"]
    assert names == [f"Enamel Block_{number:03}.jpg" for number in range(1, COUNT + 1)]
    with Image.open(spun.out / spin["sprite"]["path"]) as sprite:
        assert sprite.size == (3 * 64, 3 * 64)
    manifest = json.loads((spun.out / spin["manifest"]["path"]).read_text())
    assert [frame["sha256"] for frame in manifest["frames"]] == [frame["sha256"] for frame in spin["frames"]]
    assert "spin/spin.html" in (spun.out / "index.html").read_text()


def test_the_turntable_takes_its_frames_from_the_spin(spun: Run):
    rendered = [event["done"] for event in spun.events if event.get("stage") == "film"]
    # The video has 24 frames, one every 15 degrees; those every 45 degrees are the 8 of the spin.
    assert len(rendered) == 1 + 24 - COUNT
    assert rendered[-1] == 24
    assert next(iter(spun.record["videos"]))["frames"] == 24


def test_a_second_run_renders_only_what_is_lost(spun: Run, block_file: Path):
    before = {frame["path"]: frame["sha256"] for frame in spun.record["spin"]["frames"]}
    (spun.out / "spin/003.png").unlink()
    (spun.out / "spin/spin.html").unlink()
    options = ("--angles", "front", "--spin", COUNT, "--video", "cycles", "--seconds", 1)
    again = make_set(
        block_file,
        out=spun.out,
        resolution=64,
        options=(*options, "--quality", "draft", "--engine", "cycles"),
    )
    assert again.exit_code == 0, again.stderr
    assert [event["of"] for event in again.events if event.get("stage") == "spin"] == [1, 1]
    assert {frame["path"]: frame["sha256"] for frame in again.record["spin"]["frames"]} == before
    assert (spun.out / "spin/spin.html").is_file()


def test_a_transparent_set_has_a_transparent_spin_and_video(
    tmp_path_factory: pytest.TempPathFactory, block_file: Path
):
    options = (
        "--angles",
        "front",
        "--spin",
        COUNT,
        "--video",
        "cycles",
        "--seconds",
        1,
        "--engine",
        "cycles",
    )
    made = make_set(
        block_file,
        out=tmp_path_factory.mktemp("clear") / "set",
        resolution=64,
        options=(*options, "--quality", "draft", "--background", "transparent"),
    )
    assert made.exit_code == 0, made.stderr
    frame = made.pixels("spin/001.png")
    assert frame.shape == (64, 64, 4)
    assert (frame[0, 0, 3], frame[32, 32, 3]) == (0, 255)
    with zipfile.ZipFile(made.out / made.record["spin"]["zip"]["path"]) as archive:
        first = io.BytesIO(archive.read(archive.namelist()[0]))
    with Image.open(first) as picture:
        assert min(picture.getpixel((1, 1))) >= 254
    with av.open(str(made.out / made.record["videos"][0]["prores"]["path"])) as file:
        first_frame = next(file.decode(video=0)).to_ndarray(format="rgba")
    assert (first_frame[0, 0, 3] <= 2, first_frame[32, 32, 3] >= 253) == (True, True)
    video = made.record["videos"][0]["with_alpha"]
    decoder = av.CodecContext.create("libvpx-vp9", "r")  # The usual decoder of FFmpeg drops the alpha.
    with av.open(str(made.out / video["path"])) as file:
        decoded = [found for packet in file.demux(video=0) for found in decoder.decode(packet)]
    pixels = decoded[0].to_ndarray(format="rgba")
    assert len(decoded) == 24
    assert pixels[0, 0, 3] <= 2
    assert pixels[32, 32, 3] >= 253


def test_a_spin_that_was_stopped_is_not_called_done(tmp_path: Path, block_file: Path):
    out = tmp_path / "set"
    options = ("--angles", "front", "--spin", 24, "--video", "none", "--resolution", 64, "--samples", 2)
    with subprocess.Popen(
        command("set", block_file, "--out", out, *options, "--engine", "cycles"),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "spin 2/24" in line:
                process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    record = json.loads((out / "set.json").read_text())
    assert record["state"] == "partial"
    assert 2 <= len(record["spin"]["frames"]) < 24
