# SPDX-License-Identifier: GPL-3.0-or-later
"""Models far from their origin keep the places of their parts, and deep hierarchies become flat."""

from pathlib import Path

import numpy as np
import pytest

from photoreal_set.gltf.document import Gltf, read_gltf
from photoreal_set.gltf.findings import Severity
from photoreal_set.gltf.instances import with_instances_as_nodes
from photoreal_set.gltf.node_places import world_matrices
from photoreal_set.gltf.recentring import recentred
from photoreal_set.gltf.skins import skinned_place
from tests.blender.products import Glb, quaternion
from tests.blender.shapes import add_solid, ball


def two_parts(place: tuple[float, float, float], *, nested: int = 0, inside: float = 0.0) -> Glb:
    """Two balls 0.7 m apart around ``place``; their vertices are around (inside, 0, 0)."""
    glb = Glb()
    material = glb.add_material("Enamel")
    x, y, z = place
    tops = [
        add_solid(glb, ball().at(inside, 0, 0), material, "Large", translation=[x - inside, y, z]),
        add_solid(glb, ball(radius=0.1).at(inside, 0, 0), material, "Small", translation=[x + 0.7 - inside, y, z + 0.3]),
    ]  # fmt: skip
    for level in range(nested):
        tops = [glb.add("nodes", {"name": f"Group {level}", "children": tops})]
    glb.add_scene(*tops)
    return glb


def read(glb: Glb, folder: Path) -> Gltf:
    return read_gltf(glb.write(folder / "far.glb"))


def places(gltf: Gltf) -> np.ndarray:
    """All vertices in the world, in double precision."""
    nodes = gltf.entries("nodes")
    found = []
    for node, world in zip(nodes, world_matrices(nodes)[0], strict=True):
        if "mesh" in node:
            mesh = gltf.entries("meshes")[node["mesh"]]
            local = gltf.floats(mesh["primitives"][0]["attributes"]["POSITION"])
            assert local is not None
            found.append(local.astype(np.float64) @ world[:3, :3].T + world[:3, 3])
    return np.concatenate(found)


def largest_number(gltf: Gltf) -> float:
    worlds, _depths = world_matrices(gltf.entries("nodes"))
    numbers = [
        gltf.floats(mesh["primitives"][0]["attributes"]["POSITION"]) for mesh in gltf.entries("meshes")
    ]
    return max(
        *(np.abs(world[:3, 3]).max() for world in worlds), *(np.abs(values).max() for values in numbers)
    )


@pytest.mark.parametrize(
    ("glb", "offset"),
    [
        (two_parts((4.5e6, 100.0, -5.4e6)), (4.5e6, 100.0, -5.4e6)),
        (two_parts((0.0, 0.0, 0.0), inside=4096.0), (0.0, 0.0, 0.0)),
        (two_parts((2e6, 0.0, 0.0), nested=3, inside=4096.0), (2e6, 0.0, 0.0)),
    ],
    ids=["nodes", "vertices", "both"],
)
def test_large_numbers_go_and_places_stay(tmp_path: Path, glb: Glb, offset: tuple[float, float, float]):
    before = read(glb, tmp_path)
    near = recentred(before)
    after, taken = near.gltf, near.offset
    assert not near.findings
    assert taken == pytest.approx(offset, abs=1.0)
    assert largest_number(after) < 2.0
    assert np.abs(places(after) + taken - places(before)).max() < 1e-6


def test_numbers_that_cancel_out_along_the_way_go_too(tmp_path: Path):
    glb = two_parts((3e6, 0.0, 0.0))
    inner = glb.add("nodes", {"name": "Back", "children": [0, 1], "translation": [-3e6, 0.0, 0.0]})
    glb.add_scene(inner)
    before = read(glb, tmp_path)
    near = recentred(before)
    after, taken = near.gltf, near.offset
    assert not near.findings
    assert not taken.any()
    assert np.abs(places(after) - places(before)).max() < 1e-6
    assert largest_number(after) < 2.0


def test_a_shear_survives_flattening(tmp_path: Path):
    glb = Glb()
    part = add_solid(glb, ball(), glb.add_material("Enamel"), rotation=quaternion((0, 1, 0), 40.0))
    squeezed = {
        "scale": [1.0, 0.2, -0.5],
        "rotation": quaternion((1, 0, 0), 30.0),
        "translation": [3e5, 0.0, 0.0],
    }
    glb.add_scene(glb.add("nodes", {"children": [part], **squeezed}))
    before = read(glb, tmp_path)
    near = recentred(before)
    after, taken = near.gltf, near.offset
    assert not near.findings
    assert np.abs(places(after) + taken - places(before)).max() < 1e-6


def test_a_chain_of_1500_nodes_becomes_flat(tmp_path: Path):
    before = read(two_parts((0.0, 0.0, 0.0), nested=1500), tmp_path)
    near = recentred(before)
    after, taken = near.gltf, near.offset
    assert not near.findings
    assert not taken.any()
    assert max(world_matrices(after.entries("nodes"))[1]) <= 1
    assert np.abs(places(after) - places(before)).max() < 1e-9


def test_usual_files_stay_as_they_are(tmp_path: Path):
    for glb in (two_parts((0.0, 0.0, 0.0)), two_parts((2.0, 0.0, 3.0), nested=20)):
        before = read(glb, tmp_path)
        assert recentred(before).gltf is before


def test_small_parts_of_a_large_model_stay_as_they_are(tmp_path: Path):
    """The vertices of an exported assembly are around the origin of the product, not of each part."""
    glb = Glb()
    material = glb.add_material("Enamel")
    glb.add_scene(
        add_solid(glb, ball(), material),
        add_solid(glb, ball(radius=0.001).at(0.5, 0.5, 0), material, "Screw"),
    )
    before = read(glb, tmp_path)
    assert recentred(before).gltf is before


@pytest.mark.parametrize(
    "damage", [{"translation": ["x", 0, 0]}, {"children": [0]}, {"scale": [1e308, 1e308, 1e308]}]
)
def test_damaged_nodes_are_left_to_the_importer(tmp_path: Path, damage: dict):
    glb = two_parts((4.5e6, 0.0, 0.0))
    glb.document["nodes"][0] |= damage
    before = read(glb, tmp_path)
    assert recentred(before).gltf is before


def with_bones(place: float, *, binds_cancel: float = 0.0, groups: int = 0, scale: float = 1.0) -> Glb:
    """A ball on two bones that stand at ``place``; its vertices are ``binds_cancel`` away from it."""
    glb = two_parts((0.0, 0.0, 0.0), inside=binds_cancel)
    glb.document["nodes"][0] |= {"skin": 0, "translation": [0.0, 0.0, 0.0]}
    glb.document["meshes"] = glb.document["meshes"][:1]
    glb.document["nodes"] = glb.document["nodes"][:1]
    tip = glb.add("nodes", {"name": "Tip", "translation": [0.0, 0.5, 0.0]})
    root = glb.add("nodes", {"name": "Root", "children": [tip], "translation": [0.0, 0.0, 1.0]})
    matrices = []
    for height, deep in ((0.0, 1.0), (0.5, 1.0)):
        matrix = np.eye(4) * (scale, scale, scale, 1.0)
        matrix[:3, 3] = -binds_cancel, -height, -deep
        matrices.append(matrix.T.ravel())
    binds = glb.add_array(np.array(matrices), "MAT4")
    top = root
    for level in range(groups):
        top = glb.add("nodes", {"name": f"Group {level}", "children": [top]})
    place_node = glb.add("nodes", {"name": "Place", "children": [top], "translation": [place, 0.0, -place]})
    glb.add("skins", {"joints": [root, tip], "inverseBindMatrices": binds})
    glb.add_scene(0, glb.add("nodes", {"children": [place_node]}))
    return glb


def on_bones(gltf: Gltf) -> np.ndarray:
    """The middles of the boxes of meshes as their bones place them."""
    worlds, _depths = world_matrices(gltf.entries("nodes"))
    return skinned_place(gltf, 0, worlds)


@pytest.mark.parametrize("groups", [0, 3])
def test_a_model_with_bones_is_moved_by_the_nodes_above_them(tmp_path: Path, groups: int):
    before = read(with_bones(4.5e6, groups=groups), tmp_path)
    near = recentred(before)
    assert near.offset == pytest.approx((4.5e6, 0.0, -4.5e6), abs=2.0)
    worlds, _depths = world_matrices(near.gltf.entries("nodes"))
    assert max(np.abs(world[:3, 3]).max() for world in worlds[1:3]) < 2.0
    moved = on_bones(near.gltf)
    moved[:3, 3] += near.offset
    assert moved == pytest.approx(on_bones(before), abs=1e-6)
    assert not near.findings


def test_bones_that_keep_vertices_far_away_are_a_finding(tmp_path: Path):
    (finding,) = recentred(read(with_bones(0.0, binds_cancel=65536.0), tmp_path)).findings
    assert (finding.kind, finding.severity, finding.where) == ("far_from_origin", Severity.WARNING, "Large")


@pytest.mark.parametrize("unit", [1.0, 0.01, 0.001])
def test_vertices_in_other_units_than_those_of_the_bones_are_not_far(tmp_path: Path, unit: float):
    glb = with_bones(0.0, scale=unit)
    accessor = glb.document["accessors"][glb.document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    before = read(glb, tmp_path)
    layout = before.layout(glb.document["meshes"][0]["primitives"][0]["attributes"]["POSITION"])
    assert layout is not None and accessor["count"]
    binary = bytearray(before.binary)
    layout.of(binary)[:] /= unit
    near = recentred(Gltf(before.name, before.folder, before.document, bytes(binary)))
    assert not near.findings and not near.offset.any()


@pytest.mark.parametrize("is_on_node", [False, True])
def test_instances_far_away_are_moved_like_nodes(tmp_path: Path, is_on_node: bool):
    glb = Glb()
    places_of = np.array([(0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (0.0, 1.0, 1.0)]) + (
        0.0 if is_on_node else 65536.0
    )
    attributes = {
        "TRANSLATION": glb.add_array(places_of, "VEC3"),
        "SCALE": glb.add_array(np.full((3, 3), 0.5), "VEC3"),
    }
    glb.add_scene(
        add_solid(
            glb,
            ball(),
            glb.add_material("Enamel"),
            "Screws",
            extensions={"EXT_mesh_gpu_instancing": {"attributes": attributes}},
            translation=[65536.0 if is_on_node else 0.0] * 3,
        )
    )
    before = with_instances_as_nodes(read(glb, tmp_path))
    assert sum("mesh" in node for node in before.entries("nodes")) == 3
    near = recentred(before)
    assert near.offset == pytest.approx([65536.0] * 3, abs=2.0)
    assert largest_number(near.gltf) < 2.0
    assert np.abs(places(near.gltf) + near.offset - places(before)).max() < 1e-9


def test_instances_that_cannot_be_read_stay(tmp_path: Path):
    glb = two_parts((0.0, 0.0, 0.0))
    glb.document["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 99}}}
    before = read(glb, tmp_path)
    assert with_instances_as_nodes(before).document == before.document


def test_positions_that_are_normalized_integers_are_measured_as_they_are_shown(tmp_path: Path):
    """KHR_mesh_quantization: a ball of 1 m is stored as numbers up to 65,535, at two places 3 m apart."""
    glb = two_parts((5e6, 0.0, 0.0))
    glb.document["nodes"][1]["mesh"] = 0
    places_of = np.round((ball().places + 0.5) * 65535.0).astype("<u2")
    view = glb.add_bytes(np.pad(places_of, ((0, 0), (0, 1))).tobytes())
    glb.document["bufferViews"][view]["byteStride"] = 8
    index = glb.document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    glb.document["accessors"][index] |= {
        "bufferView": view, "componentType": 5123, "normalized": True, "min": [0] * 3, "max": [65535] * 3
    }  # fmt: skip
    near = recentred(read(glb, tmp_path))
    assert near.offset == pytest.approx((5e6 + 0.85, 0.5, 0.65), abs=0.01)
    assert not near.findings
