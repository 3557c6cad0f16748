# SPDX-License-Identifier: GPL-3.0-or-later
"""A file stands as its nodes say, or at an exact time of its first animation."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photoreal_set.gltf.choices import pose_text, surroundings
from photoreal_set.gltf.document import read_gltf
from photoreal_set.gltf.pose import Posed, posed
from tests.blender.products import Glb, quaternion, textured_block

HALF = math.sqrt(0.5)


def animated(path: str, values: list, *, way: str = "LINEAR", times: tuple = (0.0, 1.0), **node: Any) -> Glb:
    glb = textured_block(**node)
    add_clip(glb, path, values, way=way, times=times)
    return glb


def add_clip(glb: Glb, path: str, values: list, *, way: str = "LINEAR", times: tuple = (0.0, 1.0)) -> None:
    keys = floats(glb, np.array(times)[:, None])
    output = floats(glb, np.array(values, dtype=float))
    number = len(glb.document.get("animations", []))
    glb.add(
        "animations",
        {
            "name": f"Clip {number}",
            "samplers": [{"input": keys, "output": output, "interpolation": way}],
            "channels": [{"sampler": 0, "target": {"node": 0, "path": path}}],
        },
    )


def floats(glb: Glb, values: np.ndarray) -> int:
    kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[values.shape[1]]
    view = glb.add_bytes(values.astype("<f4").tobytes())
    return glb.add(
        "accessors", {"bufferView": view, "componentType": 5126, "count": len(values), "type": kind}
    )


def stands(glb: Glb, folder: Path, pose: str) -> Posed:
    return posed(read_gltf(glb.write(folder / "product.glb")), pose)


LIFT = [(0.0, 1.0, 0.0), (0.0, 3.0, 0.0)]


@pytest.mark.parametrize(
    ("pose", "height"), [("rest", 5.0), ("start", 1.0), ("0", 1.0), ("0.25", 1.5), ("1", 3.0), ("9", 3.0)]
)
def test_a_lid_is_where_the_pose_says(tmp_path: Path, pose: str, height: float):
    found = stands(animated("translation", LIFT, translation=[0, 5, 0]), tmp_path, pose)
    node = found.gltf.document["nodes"][0]
    assert node["translation"] == pytest.approx([0.0, height, 0.0])
    assert "animations" not in found.gltf.document
    assert found.clip == ("" if pose == "rest" else "Clip 0")
    assert found.findings == ()


def test_before_the_first_key_the_first_key_counts(tmp_path: Path):
    glb = animated("translation", LIFT, times=(2.0, 3.0))
    assert stands(glb, tmp_path, "start").gltf.document["nodes"][0]["translation"][1] == pytest.approx(1.0)


def test_a_step_holds_its_value(tmp_path: Path):
    glb = animated("scale", [(1.0, 1.0, 1.0), (2.0, 2.0, 2.0)], way="STEP")
    assert stands(glb, tmp_path, "0.99").gltf.document["nodes"][0]["scale"] == pytest.approx([1.0] * 3)
    assert stands(glb, tmp_path, "1").gltf.document["nodes"][0]["scale"] == pytest.approx([2.0] * 3)


def test_a_spline_has_tangents(tmp_path: Path):
    flat = (0.0, 0.0, 0.0)
    values = [flat, (0.0, 1.0, 0.0), (0.0, 4.0, 0.0), flat, (0.0, 3.0, 0.0), flat]
    glb = animated("translation", values, way="CUBICSPLINE", times=(0.0, 2.0))
    found = stands(glb, tmp_path, "1").gltf.document["nodes"][0]["translation"][1]
    assert found == pytest.approx(0.5 * 1.0 + 0.125 * 2.0 * 4.0 + 0.5 * 3.0)


def test_a_turn_takes_the_shorter_way(tmp_path: Path):
    quarter = np.array(quaternion((0, 1, 0), 90))
    glb = animated("rotation", [(0.0, 0.0, 0.0, 1.0), tuple(-quarter)])
    turn = stands(glb, tmp_path, "0.5").gltf.document["nodes"][0]["rotation"]
    assert turn == pytest.approx(quaternion((0, 1, 0), 45), abs=1e-6)


def test_turns_may_be_normalized_integers(tmp_path: Path):
    glb = animated("rotation", [(0.0, 0.0, 0.0, 1.0), (0.0, HALF, 0.0, HALF)])
    view = glb.add_bytes(np.array(((0, 0, 0, 127), (0, 90, 0, 90)), dtype=np.int8).tobytes())
    output = {"bufferView": view, "componentType": 5120, "normalized": True, "count": 2, "type": "VEC4"}
    glb.document["animations"][0]["samplers"][0]["output"] = glb.add("accessors", output)
    turn = stands(glb, tmp_path, "1").gltf.document["nodes"][0]["rotation"]
    assert turn == pytest.approx(quaternion((0, 1, 0), 90), abs=1e-6)


def test_the_weights_of_a_morph_follow_the_animation(tmp_path: Path):
    glb = animated("weights", [(0.0,), (0.0,), (1.0,), (0.5,)])
    glb.document["meshes"][0]["primitives"][0]["targets"] = [{}, {}]
    assert stands(glb, tmp_path, "0.5").gltf.document["nodes"][0]["weights"] == pytest.approx([0.5, 0.25])


def test_the_first_of_several_animations_counts_and_a_note_says_so(tmp_path: Path):
    glb = animated("translation", LIFT)
    add_clip(glb, "translation", [(9.0, 9.0, 9.0)] * 2)
    found = stands(glb, tmp_path, "start")
    assert found.gltf.document["nodes"][0]["translation"] == pytest.approx([0.0, 1.0, 0.0])
    assert [item.kind for item in found.findings] == ["several_animations"]
    assert "Clip 0, Clip 1" in found.findings[0].text
    assert stands(glb, tmp_path, "rest").findings == ()


@pytest.mark.parametrize(
    "change",
    [
        {"sampler": 7},
        {"target": {"node": 99, "path": "translation"}},
        {"target": {"node": 0, "path": "rotation"}},
        {"target": {"node": 0, "path": "weights"}},
        {"target": {"path": "pointer"}},
        {"target": {"node": True, "path": []}},
    ],
)
def test_a_channel_that_cannot_be_read_is_reported(tmp_path: Path, change: dict[str, Any]):
    glb = animated("translation", LIFT, translation=[0, 5, 0])
    glb.document["animations"][0]["channels"][0].update(change)
    found = stands(glb, tmp_path, "start")
    assert found.gltf.document["nodes"] == glb.document["nodes"]
    assert [item.kind for item in found.findings] == ["animation_not_read"]


def test_a_node_with_a_matrix_stays_where_it_is(tmp_path: Path):
    glb = animated("translation", LIFT, matrix=np.eye(4).ravel().tolist())
    assert [item.kind for item in stands(glb, tmp_path, "start").findings] == ["animation_not_read"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("rest", "rest"), (" Start ", "start"), ("0", "0"), ("1.50", "1.5"), ("1e-3", "0.001")],
)
def test_a_pose_is_written_in_one_way(given: str, wanted: str):
    assert pose_text(given) == wanted
    assert pose_text(wanted) == wanted


@pytest.mark.parametrize("given", ["", "end", "-1", "nan", "inf", "1e9", 1.5, None, True])
def test_anything_else_is_no_pose(given: Any):
    with pytest.raises(ValueError, match="is not rest, start or a number of seconds"):
        pose_text(given)


def test_what_is_left_out_is_listed_once_and_in_order():
    assert surroundings("crumbs, Floor,crumbs") == ("floor", "crumbs")
    assert surroundings("") == ()
    with pytest.raises(ValueError, match="has 'table', which is not one of floor, backdrop, dome, crumbs"):
        surroundings("floor,table")
