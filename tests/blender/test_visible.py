# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be seen counts for nothing, and what can be seen faintly counts for the frame."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from photoreal_set.gltf.pose import REST
from photoreal_set.messages.errors import InputError
from photoreal_set.studio.product import Product, import_product
from photoreal_set.studio.visible import visible_points
from tests.blender.products import Glb
from tests.blender.runs import Run, make_set
from tests.blender.scenery import box
from tests.blender.shapes import add_solid

BLOCK = box((-0.25, 0.0, -0.25), (0.25, 0.5, 0.25))
COLLIDER = box((-0.6, -0.4, -0.6), (0.6, 0.9, 0.6))
RED = {"baseColorFactor": [0.8, 0.1, 0.1, 1.0]}
NOTHING = [0.0, 0.0, 0.0]


def with_collider(material: dict[str, Any], **node: Any) -> Glb:
    """A red block inside a larger box with a material."""
    glb = Glb()
    block = add_solid(glb, BLOCK, glb.add_material("Red", **RED), "Block")
    other = glb.add("materials", {"name": "Other", **material})
    glb.add_scene(block, add_solid(glb, COLLIDER, other, "Collider", **node))
    return glb


def alpha(value: float, mode: str) -> dict[str, Any]:
    return {"pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, value]}, "alphaMode": mode}


def picture(mode: str, level: int, file_format: str) -> bytes:
    buffer = io.BytesIO()
    colour: Any = level if mode == "P" else (255, 255, 255, level)
    made = Image.new(mode, (8, 8), colour)
    made.save(buffer, file_format, **({"transparency": 0} if mode == "P" else {}))
    return buffer.getvalue()


def with_texture(data: bytes, mode: str) -> Glb:
    glb = with_collider({"alphaMode": mode})
    glb.document["materials"][1]["pbrMetallicRoughness"] = {
        "baseColorTexture": {"index": glb.add_image(data)}
    }
    return glb


def hidden_from_above() -> Glb:
    glb = with_collider({})
    off = {"extensions": {"KHR_node_visibility": {"visible": False}}, "children": [1]}
    glb.add_scene(0, glb.add("nodes", off))
    glb.document["extensionsUsed"] = ["KHR_node_visibility"]
    return glb


def on_a_joint(scale: list[float]) -> Glb:
    """The collider hangs on the second of two joints, which is scaled."""
    glb = with_collider({})
    joints = [glb.add("nodes", {}), glb.add("nodes", {"scale": scale})]
    count = len(COLLIDER.places)
    attributes = glb.document["meshes"][1]["primitives"][0]["attributes"]
    attributes["WEIGHTS_0"] = glb.add_array(np.tile((1.0, 0.0, 0.0, 0.0), (count, 1)), "VEC4")
    view = glb.add_bytes(np.tile(np.array((1, 0, 0, 0), dtype=np.uint8), (count, 1)).tobytes())
    numbers = {"bufferView": view, "componentType": 5121, "count": count, "type": "VEC4"}
    attributes["JOINTS_0"] = glb.add("accessors", numbers)
    glb.add("skins", {"joints": joints})
    glb.document["nodes"][1]["skin"] = 0
    glb.add_scene(0, 1, *joints)
    return glb


def morphed(weight: float) -> Glb:
    """The collider has a morph target that makes a point of it."""
    glb = with_collider({})
    mesh = glb.document["meshes"][1]
    mesh["primitives"][0]["targets"] = [{"POSITION": glb.add_array(-COLLIDER.places, "VEC3")}]
    mesh["weights"] = [weight]
    return glb


def instances(scale: float) -> Glb:
    """The collider is an instance of its node."""
    glb = with_collider({})
    scales = glb.add_array(np.array(((scale,) * 3,)), "VEC3")
    extension = {"EXT_mesh_gpu_instancing": {"attributes": {"SCALE": scales}}}
    glb.document["nodes"][1]["extensions"] = extension
    glb.document["extensionsUsed"] = [*extension]
    return glb


UNSEEN: dict[str, Callable[[], Glb]] = {
    "alpha 0": lambda: with_collider(alpha(0.0, "BLEND")),
    "alpha 0, cut out": lambda: with_collider(alpha(0.0, "MASK")),
    "no scale": lambda: with_collider({}, scale=NOTHING),
    "a scale of two zeros": lambda: with_collider({}, scale=[0.0, 1.0, 0.0]),
    "hidden from above": hidden_from_above,
    "a transparent PNG": lambda: with_texture(picture("RGBA", 0, "PNG"), "BLEND"),
    "a transparent PNG, cut out": lambda: with_texture(picture("RGBA", 90, "PNG"), "MASK"),
    "a transparent palette": lambda: with_texture(picture("P", 0, "PNG"), "BLEND"),
    "a joint without scale": lambda: on_a_joint(NOTHING),
    "morphed into a point": lambda: morphed(1.0),
    "an instance without scale": lambda: instances(0.0),
}


def imported(glb: Glb, folder: Path, pose: str = REST) -> Product:
    from photoreal_set.gltf.choices import ModelOptions

    path = glb.write(folder / "product.glb")
    return import_product(path, bpy.context.scene, options=ModelOptions(pose=pose))


@pytest.mark.parametrize("name", UNSEEN)
def test_the_product_stands_on_its_own_foot(scene, tmp_path: Path, name: str):
    product = imported(UNSEEN[name](), tmp_path)
    assert product.size_m == pytest.approx((0.5, 0.5, 0.5), abs=1e-6)
    points = visible_points(product.collection)
    assert points.min(axis=0) == pytest.approx((-0.5, -0.5, 0.0), abs=1e-6)
    assert points.max(axis=0) == pytest.approx((0.5, 0.5, 1.0), abs=1e-6)
    assert product.triage == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: with_collider(alpha(0.15, "BLEND")),
        lambda: with_collider(alpha(0.0, "OPAQUE")),
        lambda: with_texture(picture("RGBA", 200, "PNG"), "MASK"),
        lambda: with_texture(picture("RGBA", 20, "PNG"), "BLEND"),
        lambda: on_a_joint([1.0, 1.0, 1.0]),
        lambda: morphed(0.0),
        lambda: instances(1.0),
    ],
)
def test_what_can_be_seen_counts(scene, tmp_path: Path, make: Callable[[], Glb]):
    assert imported(make(), tmp_path).size_m == pytest.approx((1.2, 1.2, 1.3), abs=1e-6)


def test_a_file_of_which_nothing_can_be_seen_is_one_sentence(scene, tmp_path: Path):
    glb = with_collider(alpha(0.0, "BLEND"))
    glb.document["nodes"][0]["scale"] = NOTHING
    with pytest.raises(InputError, match=r"Nothing in product\.glb can be seen: .* Make the product visible"):
        imported(glb, tmp_path)


@pytest.fixture(scope="module")
def under_a_cover(tmp_path_factory: pytest.TempPathFactory) -> Run:
    glb = Glb()
    faint = {**alpha(0.15, "BLEND"), "doubleSided": True}
    block = add_solid(glb, BLOCK, glb.add_material("Red", **RED))
    cover = add_solid(glb, box((-0.8, 0, -0.4), (0.8, 0.9, 0.4)), glb.add("materials", faint))
    glb.add_scene(block, cover)
    folder = tmp_path_factory.mktemp("cover")
    options = ("--engine", "cycles", "--angles", "front,three-quarter", "--video", "none")
    return make_set(glb.write(folder / "cover.glb"), out=folder / "set", options=options, resolution=128)


@pytest.mark.parametrize("angle", ["front", "three-quarter"])
def test_a_faint_cover_is_whole_in_the_picture(under_a_cover: Run, angle: str):
    assert under_a_cover.exit_code == 0, under_a_cover.stderr
    seen = under_a_cover.pixels(f"masks/{angle}.png") > 8
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    spans = [int(line[-1] - line[0] + 1) / 128 for line in (rows, columns)]
    assert 0.85 <= max(spans) <= 0.90
    assert under_a_cover.angle(angle)["fill"] == pytest.approx(max(spans), abs=1e-3)
    photo = under_a_cover.pixels(f"photos/{angle}.png")
    assert (photo[[0, -1]] == 255).all()
    assert (photo[:, [0, -1]] == 255).all()
