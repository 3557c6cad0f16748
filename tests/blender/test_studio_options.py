# SPDX-License-Identifier: GPL-3.0-or-later
"""Studio options reach the pictures, and equal options give equal bytes."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.blender.runs import Run, make_set, sha256

STILLS = ("--engine", "cycles", "--video", "none", "--angles", "three-quarter")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, block_file: Path) -> Run:
    out = tmp_path_factory.mktemp("options") / "plain"
    return make_set(block_file, out=out, options=STILLS)


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory, block_file: Path) -> Run:
    choices = ("--rig", "three-point", "--rig-rotation", 180, "--background", "black", "--quality", "draft")
    more = ("--f-stop", 4, "--film-look", "--preview", "webp", "--motion", "light-sweep", "--video", "cycles")
    out = tmp_path_factory.mktemp("options") / "rich"
    return make_set(block_file, out=out, options=(*STILLS, *choices, *more), resolution=64)


def test_the_same_command_gives_the_same_bytes(plain: Run, block_file: Path):
    again = make_set(block_file, out=plain.out.with_name("again"), options=STILLS)
    for folder in ("renders", "masks", "photos"):
        first, second = (run.out / folder / "three-quarter.png" for run in (plain, again))
        assert sha256(first) == sha256(second), folder


def test_every_option_takes_effect(rich: Run):
    assert rich.exit_code == 0, rich.stderr
    photo = rich.pixels("photos/three-quarter.png")
    assert photo[0].max() == 0, "black to the border"
    video = rich.record["videos"][0]
    assert (video["motion"], video["loop"], video["frames"]) == ("light-sweep", True, 120)
    with Image.open(rich.out / video["preview"]["path"]) as preview:
        assert (preview.format, preview.n_frames) == ("WEBP", 60)
    assert rich.record["plan"]["rig"]["name"] == "three-point"


def test_a_sweep_is_dark_at_both_ends_bright_between_and_the_product_does_not_move(rich: Run):
    with av.open(str(rich.out / "video" / "light-sweep.mp4")) as video:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]).astype(float)
    level = frames.mean(axis=(1, 2, 3))
    assert level[60] > 1.15 * max(level[0], level[-1])
    assert np.abs(np.diff(level)).max() < 0.08 * level.mean(), "no jump"
    assert abs(level[0] - level[-1]) < 0.05 * level.mean(), "it loops"
    covered = (frames > 12.0).any(axis=-1)
    assert (covered[5] == covered[-5]).mean() > 0.97


def test_a_run_with_other_light_renders_only_what_changes(plain: Run, block_file: Path):
    reference = sha256(plain.out / "masks" / "three-quarter.png")
    photo = sha256(plain.out / "photos" / "three-quarter.png")
    changed = make_set(block_file, out=plain.out, options=(*STILLS, "--rig", "jewellery"))
    assert changed.exit_code == 0, changed.stderr
    assert sha256(plain.out / "photos" / "three-quarter.png") != photo
    assert sha256(plain.out / "masks" / "three-quarter.png") == reference, "light does not move the product"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (("--rig", "sunny"), "no rig called 'sunny'"),
        (("--rig", "missing.exr"), "cannot be read"),
        (("--rig-intensity", 99), "'99' is not a number from 0.05 to 20"),
        (("--f-stop", 0.1), "'0.1' is not a number from 0.5 to 256"),
        (("--preview", "gif"), "needs a video by Cycles"),
    ],
)
def test_an_impossible_option_is_rejected_in_one_sentence(
    tmp_path: Path, block_file: Path, choices: tuple[object, ...], message: str
):
    run = make_set(block_file, out=tmp_path / "set", options=(*STILLS, *choices))
    assert run.exit_code == 1
    assert message in run.stderr
    assert not (tmp_path / "set").exists()
