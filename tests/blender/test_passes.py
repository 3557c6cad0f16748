# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth and normal pictures reproduce the surface to the precision of their bits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.blender.runs import Run, make_set, sha256
from tests.blender.shapes import ball, product

SIDE = 96
RADIUS = 0.5  # The studio scales a product's longest side to one unit.
OPTIONS = ("--engine", "cycles", "--video", "none", "--angles", "front,top", "--passes", "normal,depth")


@pytest.fixture(scope="module")
def ball_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("passes") / "ball.glb"
    path.write_bytes(product(ball(around=128)).data())
    return path


@pytest.fixture(scope="module")
def run(ball_file: Path) -> Run:
    return make_set(ball_file, out=ball_file.with_name("set"), options=OPTIONS, resolution=SIDE)


@pytest.mark.parametrize("name", ["front", "top"])
def test_depth_and_normals_lie_on_the_product(run: Run, name: str):
    assert run.exit_code == 0, run.stderr
    angle = run.angle(name)
    camera, entry = angle["camera"], angle["depth"]
    matrix = np.array(camera["matrix_world"])
    with Image.open(run.out / entry["path"]) as picture:
        values = np.asarray(picture).astype(float)
    mask = run.pixels(f"masks/{name}.png")
    is_seen = values > 0
    assert is_seen[mask == 255].all()
    assert not is_seen[mask == 0].any()
    assert (values[is_seen].min(), values.max()) == (1, 65535)

    depth = entry["far"] - (values - 1.0) / 65534.0 * (entry["far"] - entry["near"])
    row, column = np.nonzero(is_seen)
    across, up = (column + 0.5) / SIDE - 0.5, 0.5 - (row + 0.5) / SIDE
    ray = np.stack((across, up, np.full(len(row), -camera["lens_mm"] / camera["sensor_mm"])), -1)
    in_camera = ray / -ray[:, 2:] * depth[is_seen][:, None]
    places = in_camera @ matrix[:3, :3].T + matrix[:3, 3]
    away = places - (0.0, 0.0, RADIUS)
    assert np.linalg.norm(away, axis=1) == pytest.approx(RADIUS, abs=2e-3)

    normals = run.pixels(angle["normal"]["path"])
    assert (normals[~is_seen] == (128, 128, 255)).all()
    outwards = (normals[is_seen] / 255.0 * 2.0 - 1.0) @ matrix[:3, :3].T
    assert (outwards * away / RADIUS).sum(axis=1) == pytest.approx(1.0, abs=0.03)


def test_passes_leave_references_unchanged_and_are_kept(run: Run, ball_file: Path):
    plain = make_set(ball_file, out=ball_file.with_name("plain"), options=OPTIONS[:-2], resolution=SIDE)
    assert sha256(plain.out / "renders" / "front.png") == sha256(run.out / "renders" / "front.png")
    assert "depth" not in plain.angle("front")
    before = (run.out / "depth" / "front.png").stat().st_mtime_ns
    again = make_set(ball_file, out=run.out, options=OPTIONS, resolution=SIDE)
    assert again.exit_code == 0, again.stderr
    assert (run.out / "depth" / "front.png").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("depth,albedo", "has 'albedo', which is not one of depth, normal"),
        ("depth,normal,depth", "names 'depth' twice"),
    ],
)
def test_an_unknown_or_repeated_pass_is_rejected(ball_file: Path, named: str, message: str):
    wrong = make_set(ball_file, out=ball_file.with_name("wrong"), options=("--passes", named))
    assert wrong.exit_code == 1
    assert message in wrong.stderr
    assert not wrong.out.exists()
