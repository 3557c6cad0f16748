# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts that a viewer does not show are removed from a file, and nothing else is."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoreal_set.gltf.document import Gltf, read_gltf
from photoreal_set.gltf.visibility import Alpha, without_unseen
from tests.blender.products import Glb, quaternion, textured_block

EMPTY = [0.0, 0.0, 0.0]


def alpha_of(data: bytes) -> Alpha | None:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)[..., 3] if picture.mode == "RGBA" else None


def shown(glb: Glb, folder: Path) -> Gltf:
    return without_unseen(read_gltf(glb.write(folder / "product.glb")), alpha_of)


def picture(alpha: np.ndarray) -> bytes:
    pixels = np.full((*alpha.shape, 4), 200, dtype=np.uint8)
    pixels[..., 3] = alpha
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def two_parts(second: dict[str, Any], **node: Any) -> Glb:
    """A block, and another one with the material ``second`` at a node with these members."""
    glb = textured_block()
    material = glb.add("materials", {"name": "Second", **second})
    other = glb.add("nodes", {"name": "Other", "mesh": glb.add_block(material), **node})
    glb.add_scene(0, other)
    return glb


def is_shown(glb: Glb, folder: Path, number: int = 1) -> bool:
    node = shown(glb, folder).document["nodes"][number]
    return "mesh" in node


def coloured(alpha: float, mode: str, **more: Any) -> dict[str, Any]:
    return {"pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, alpha]}, "alphaMode": mode, **more}


@pytest.mark.parametrize(
    ("material", "wanted"),
    [
        (coloured(0.0, "BLEND"), False),
        (coloured(0.01, "BLEND"), False),
        (coloured(0.05, "BLEND"), True),
        (coloured(0.0, "OPAQUE"), True),
        (coloured(0.0, "MASK"), False),
        (coloured(0.49, "MASK"), False),
        (coloured(0.5, "MASK"), True),
        (coloured(0.49, "MASK", alphaCutoff=0.4), True),
        (coloured(0.0, "MASK", alphaCutoff=0.0), True),
        (coloured(0.0, "ODD"), True),
        ({"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": "x"}}, True),
        (
            {
                "alphaMode": "BLEND",
                "extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [1, 1, 1, 0]}},
            },
            False,
        ),
    ],
)
def test_a_part_without_alpha_is_not_shown(tmp_path: Path, material: dict[str, Any], wanted: bool):
    assert is_shown(two_parts(material), tmp_path) is wanted


@pytest.mark.parametrize(
    ("count", "alpha", "wanted"), [(1, 0.01, False), (60, 0.005, True), (60, 0.0, False)]
)
def test_many_faint_layers_are_seen_together(tmp_path: Path, count: int, alpha: float, wanted: bool):
    glb = two_parts(coloured(alpha, "BLEND"))
    more = [
        glb.add("nodes", {**glb.document["nodes"][1], "translation": [0, 0, 0.01 * place]})
        for place in range(1, count)
    ]
    glb.add_scene(0, 1, *more)
    assert is_shown(glb, tmp_path) == wanted


@pytest.mark.parametrize("mode", ["BLEND", "MASK"])
def test_a_part_with_a_transparent_texture_is_not_shown(tmp_path: Path, mode: str):
    alpha = np.zeros((16, 96), dtype=np.uint8)
    for level, wanted in ((0, False), (200, True)):
        alpha[3, 50] = level
        glb = two_parts({})
        material = glb.document["materials"][1]
        material |= {
            "alphaMode": mode,
            "pbrMetallicRoughness": {"baseColorTexture": {"index": glb.add_image(picture(alpha))}},
        }
        assert is_shown(glb, tmp_path) is wanted


def test_a_part_whose_uvs_lie_where_the_texture_is_transparent_is_not_shown(tmp_path: Path):
    alpha = np.zeros((16, 96), dtype=np.uint8)
    alpha[:, 90:] = 255
    glb = two_parts({})
    glb.document["materials"][1] |= {
        "alphaMode": "BLEND",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": glb.add_image(picture(alpha))}},
    }
    assert is_shown(glb, tmp_path)
    primitive = glb.document["meshes"][1]["primitives"][0]
    primitive["attributes"]["TEXCOORD_0"] = glb.add_array(np.full((24, 2), (0.2, 0.5)), "VEC2")
    assert not is_shown(glb, tmp_path)
    primitive["attributes"]["TEXCOORD_0"] = glb.add_array(np.full((24, 2), (7.2, 0.5)), "VEC2")
    assert is_shown(glb, tmp_path), "it repeats: only the whole texture says something"


def test_vertex_colors_without_alpha_hide_a_part(tmp_path: Path):
    for level, wanted in ((0.0, False), (1.0, True)):
        glb = two_parts(coloured(1.0, "BLEND"))
        colours = np.ones((24, 4))
        colours[:, 3] = level
        attributes = glb.document["meshes"][1]["primitives"][0]["attributes"]
        attributes["COLOR_0"] = glb.add_array(colours, "VEC4")
        assert is_shown(glb, tmp_path) is wanted


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        ({"scale": EMPTY}, False),
        ({"scale": [0.0, 1.0, 0.0]}, False),
        ({"scale": [1.0, 0.0, 1.0]}, True),  # Flat, and seen from above.
        ({"scale": [1e-9, 1e-9, 1e-9]}, False),
        ({"scale": [0.01, 0.01, 0.01]}, True),
        ({"matrix": [*[0.0] * 12, 1.0, 2.0, 3.0, 1.0]}, False),
        ({"scale": "x"}, True),
    ],
)
def test_a_part_that_is_scaled_to_nothing_is_not_shown(tmp_path: Path, node: dict[str, Any], wanted: bool):
    assert is_shown(two_parts({}, **node), tmp_path) is wanted


def test_what_hides_a_node_hides_its_children(tmp_path: Path):
    for hiding in ({"scale": EMPTY}, {"extensions": {"KHR_node_visibility": {"visible": False}}}):
        glb = textured_block(rotation=quaternion((0, 1, 0), 30))
        mesh = glb.document["nodes"][0]["mesh"]
        grandchild = glb.add("nodes", {"mesh": mesh})
        child = glb.add("nodes", {"children": [grandchild], "scale": [2.0, 2.0, 2.0]})
        glb.add_scene(0, glb.add("nodes", {"children": [child], **hiding}))
        assert not is_shown(glb, tmp_path, grandchild)
        assert is_shown(glb, tmp_path, 0)


def test_only_what_the_scene_shows_is_shown(tmp_path: Path):
    glb = textured_block()
    mesh = glb.document["nodes"][0]["mesh"]
    child = glb.add("nodes", {"name": "below", "mesh": mesh})
    off = {"extensions": {"KHR_node_visibility": {"visible": False}}, "children": [child], "mesh": mesh}
    hidden, spare = glb.add("nodes", off), glb.add("nodes", {"name": "spare", "mesh": mesh})
    glb.document["nodes"][0]["children"] = [0, 99, "x"]
    glb.add_scene(0, hidden)
    nodes = shown(glb, tmp_path).document["nodes"]
    assert ["mesh" in node for node in nodes] == [True, False, False, False]
    del glb.document["scenes"], glb.document["scene"]
    everything = shown(glb, tmp_path).document["nodes"]
    assert "mesh" in everything[spare]


def test_without_a_scene_transparent_parts_are_not_shown_either(tmp_path: Path):
    glb = two_parts(coloured(0.0, "BLEND"))
    del glb.document["scenes"], glb.document["scene"]
    assert is_shown(glb, tmp_path, 0)
    assert not is_shown(glb, tmp_path)


def test_a_skinned_mesh_is_where_its_joints_are(tmp_path: Path):
    for scale, wanted in (([1.0, 1.0, 1.0], True), (EMPTY, False)):
        glb = two_parts({}, scale=EMPTY, skin=0)
        joint = glb.add("nodes", {"scale": scale})
        glb.add("skins", {"joints": [joint]})
        glb.add_scene(0, 1, joint)
        assert is_shown(glb, tmp_path) is wanted


def test_the_rest_of_a_mesh_and_its_materials_stay(tmp_path: Path):
    glb = two_parts({**coloured(0.0, "BLEND"), "extensions": {"ACME_odd": {}}})
    visible, hidden = (glb.document["meshes"][number]["primitives"][0] for number in (0, 1))
    glb.document["meshes"] = [{"primitives": [visible, hidden]}]
    glb.document["nodes"][1].pop("mesh")
    seen = shown(glb, tmp_path)
    assert seen.document["meshes"][0]["primitives"] == [visible]
    assert seen.document["materials"][0] == glb.document["materials"][0]
    assert seen.document["materials"][1] == {"name": "Second"}, "no finding about an unseen material"
