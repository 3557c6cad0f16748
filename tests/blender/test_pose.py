# SPDX-License-Identifier: GPL-3.0-or-later
"""A product with animations is photographed as its file stands, or at the time that was asked for."""

from pathlib import Path

import bpy
import numpy as np
import pytest

from photoreal_set.gltf.choices import ModelOptions
from photoreal_set.studio.product import import_product
from tests.blender.products import Glb
from tests.blender.runs import make_set
from tests.blender.scenery import box
from tests.blender.shapes import add_solid
from tests.unit.test_pose import add_clip

BOX, LID = box((-0.5, 0, -0.5), (0.5, 1, 0.5)), box((-0.5, 0, -0.5), (0.5, 0.2, 0.5))
LIFT = [(0.0, 1.0, 0.0), (0.0, 3.0, 0.0)]


def lidded() -> Glb:
    """A box with its lid on; the animation lifts the lid by 2 m in one second."""
    glb = Glb()
    lid = add_solid(glb, LID, glb.add_material("Blue"), "Lid", translation=[0, 1, 0])
    add_clip(glb, "translation", LIFT)
    glb.add_scene(lid, add_solid(glb, BOX, glb.add_material("Red"), "Box"))
    return glb


def on_a_bone() -> Glb:
    """The lid hangs on a joint, which the animation lifts; the node of the mesh says nothing."""
    glb = Glb()
    joint = glb.add("nodes", {"name": "Bone", "translation": [0, 1, 0]})
    add_clip(glb, "translation", LIFT)
    lid = add_solid(glb, LID, glb.add_material("Blue"), "Lid", skin=0)
    count = len(LID.places)
    attributes = glb.document["meshes"][0]["primitives"][0]["attributes"]
    attributes["WEIGHTS_0"] = glb.add_array(np.tile((1.0, 0.0, 0.0, 0.0), (count, 1)), "VEC4")
    view = glb.add_bytes(bytes(4 * count))
    numbers = {"bufferView": view, "componentType": 5121, "count": count, "type": "VEC4"}
    attributes["JOINTS_0"] = glb.add("accessors", numbers)
    glb.add("skins", {"joints": [joint]})
    glb.add_scene(joint, lid, add_solid(glb, BOX, glb.add_material("Red"), "Box"))
    return glb


def morphing() -> Glb:
    """The lid is lifted by a morph target."""
    glb = Glb()
    lid = add_solid(glb, LID.at(0, 1, 0), glb.add_material("Blue"), "Lid")
    target = {"POSITION": glb.add_array(np.tile((0.0, 2.0, 0.0), (len(LID.places), 1)), "VEC3")}
    glb.document["meshes"][0]["primitives"][0]["targets"] = [target]
    add_clip(glb, "weights", [(0.0,), (1.0,)])
    glb.add_scene(lid, add_solid(glb, BOX, glb.add_material("Red"), "Box"))
    return glb


@pytest.mark.parametrize(("pose", "height"), [("rest", 1.2), ("start", 1.2), ("0.25", 1.7), ("1", 3.2)])
@pytest.mark.parametrize("make", [lidded, on_a_bone, morphing])
def test_the_lid_is_where_the_pose_says(scene, tmp_path: Path, make, pose: str, height: float):
    path = make().write(tmp_path / "product.glb")
    product = import_product(path, bpy.context.scene, options=ModelOptions(pose=pose))
    assert product.size_m == pytest.approx((1.0, 1.0, height), abs=1e-5)
    assert product.clip == ("" if pose == "rest" else "Clip 0")


def test_a_file_that_stands_open_starts_closed(scene, tmp_path: Path):
    glb = lidded()
    glb.document["nodes"][0]["translation"] = [0, 2, 0]
    path = glb.write(tmp_path / "product.glb")
    for pose, height in (("rest", 2.2), ("start", 1.2)):
        product = import_product(path, bpy.context.scene, options=ModelOptions(pose=pose))
        assert product.size_m[2] == pytest.approx(height, abs=1e-5)


def test_the_set_says_which_pose_it_shows(tmp_path: Path):
    path = lidded().write(tmp_path / "lid.glb")
    small = ("--engine", "cycles", "--angles", "front", "--video", "none")
    run = make_set(path, out=tmp_path / "rest", options=small, resolution=64)
    assert run.exit_code == 0, run.stderr
    assert run.record["model"]["size_m"][2] == pytest.approx(1.2)
    assert run.record["model"]["pose"] == "rest"
    assert "clip" not in run.record["model"]
    assert "pose" not in run.record["plan"], "sets made before stay as they are"
    made_with = run.angle("front")["render"]["made_with"]
    run = make_set(path, out=tmp_path / "rest", options=(*small, "--pose", "0.5"), resolution=64)
    assert run.record["model"]["size_m"][2] == pytest.approx(2.2)
    assert (run.record["model"]["pose"], run.record["model"]["clip"]) == ("0.5", "Clip 0")
    assert run.record["plan"]["pose"] == "0.5"
    assert run.angle("front")["render"]["made_with"] != made_with
