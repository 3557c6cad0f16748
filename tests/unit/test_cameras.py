# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras of a glTF file become angles with their location, direction and a safe name."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from photoreal_set.messages.errors import InputError
from photoreal_set.optics.angles import CAMERAS, is_angle_name, names_for_angles
from photoreal_set.optics.cameras import cameras_in
from photoreal_set.photo_set.plan_angles import angles_for
from photoreal_set.photo_set.source import Source, SourceKind

LENS = {"type": "perspective", "perspective": {"yfov": 0.5, "znear": 0.1}}
FLAT = {"type": "orthographic", "orthographic": {"xmag": 2.0, "ymag": 1.5, "zfar": 9.0, "znear": 0.1}}


def document(*nodes: dict, cameras: tuple = (LENS, FLAT)) -> dict:
    return {"asset": {"version": "2.0"}, "meshes": [{}], "nodes": list(nodes), "cameras": list(cameras)}


def node(name: str = "eye", camera: int = 0, **more: object) -> dict:
    return {"name": name, "camera": camera, **more}


def test_a_camera_on_gltfs_z_axis_looks_from_the_front():
    (angle,) = cameras_in(document(node(translation=[0, 0.5, 3])), "x.glb")
    assert (angle.name, angle.azimuth, angle.elevation) == ("eye", pytest.approx(0.0), pytest.approx(0.0))
    assert np.array(angle.view.matrix)[:3, 3] == pytest.approx([0.0, -3.0, 0.5])
    assert 2.0 * math.atan(angle.view.sensor_mm / 2.0 / angle.view.lens_mm) == pytest.approx(0.5)
    assert (angle.view.sensor_fit, angle.view.ortho_scale) == ("VERTICAL", 0.0)
    assert not angle.shows_whole_product
    assert not angle.is_close_up


def test_parent_transforms_apply_to_cameras_without_scale():
    quarter = [0, math.sin(math.pi / 4), 0, math.cos(math.pi / 4)]  # 90° about glTF's upward y.
    found = cameras_in(
        document(
            {"children": [1], "rotation": quarter, "scale": [2, 2, 2], "translation": [0, 1, 0]},
            node(translation=[0, 0, 3]),
        ),
        "x.glb",
    )
    matrix = np.array(found[0].view.matrix)
    assert matrix[:3, 3] == pytest.approx([6.0, 0.0, 1.0])
    assert matrix[:3, :3] @ matrix[:3, :3].T == pytest.approx(np.eye(3))
    assert found[0].azimuth == pytest.approx(90.0)
    same = [0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 3, 1, 0, 1]  # The same transform as columns of a matrix.
    (other,) = cameras_in(document(node(matrix=same)), "x.glb")
    assert other.azimuth == pytest.approx(90.0)


def test_an_orthographic_camera_shows_the_larger_of_its_sides():
    (angle,) = cameras_in(document(node(camera=1, translation=[0, 0, 3])), "x.glb")
    assert angle.view.ortho_scale == pytest.approx(4.0)


def test_names_are_safe_and_unique():
    found = names_for_angles(
        ["Cam 1", "cam 1", "Käme/ra", "con", "", "...", "x" * 100, "x" * 100, "a-enlarged"]
    )
    assert found[:6] == ["Cam-1", "cam-1-2", "K-me-ra", "con-camera", "camera", "camera-2"]
    assert found[6:] == ["x" * 40, f"{'x' * 40}-2", "a-enlarged-camera"]
    assert names_for_angles(["_a--b_", "x" * 39 + "_y", "²"]) == ["a--b", "x" * 39, "camera"]
    assert all(map(is_angle_name, found))
    assert len({name.casefold() for name in found}) == len(found)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (document(), "x.glb has no camera"),
        (document(node(), cameras=()), "damaged"),
        (document(node(), cameras=({"type": "perspective"},)), "damaged"),
        (document(node(), cameras=({**LENS, "perspective": {"yfov": 0}},)), "damaged"),
        (document(node(rotation=[0, 1])), "damaged"),
        (document(node(scale=[0, 0, 0])), "damaged"),
        (document({"children": [1]}, node(children=[0])), "damaged"),
        (document(*(node() for _ in range(73))), "has 73 cameras; the maximum is 72"),
    ],
)
def test_unusable_cameras_are_reported(broken: dict, message: str):
    with pytest.raises(InputError, match=message) as refused:
        cameras_in(broken, "x.glb")
    assert "x.glb" in str(refused.value)


def test_cameras_need_a_file_type_that_supports_them(tmp_path: Path):
    for kind in (SourceKind.PHOTOS, SourceKind.TEXT):
        with pytest.raises(InputError, match=r"made by fal\.ai has no cameras"):
            angles_for(CAMERAS, Source(kind=kind), lambda _path: [])
    path = tmp_path / "chair.gltf"
    path.write_text(json.dumps(document(node("Close"), node("far"))))
    source = Source(kind=SourceKind.MODEL, files=(path,))
    assert [angle.name for angle in angles_for(f" {CAMERAS} ", source, lambda _path: [])] == ["Close", "far"]
    assert [angle.name for angle in angles_for("top", source, lambda _path: [])] == ["top"]


def test_blender_lists_the_cameras_of_a_blender_file(tmp_path: Path):
    asked = []

    def cameras_of_blend(path: Path) -> list:
        asked.append(path)
        return []

    source = Source(kind=SourceKind.MODEL, files=(tmp_path / "chair.blend",))
    assert angles_for(CAMERAS, source, cameras_of_blend) == ()
    assert asked == [tmp_path / "chair.blend"]
