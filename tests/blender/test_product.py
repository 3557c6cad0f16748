# SPDX-License-Identifier: GPL-3.0-or-later
"""A product of any scale, location and hierarchy is placed on the ground, centred, one unit large."""

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from photoreal_set.messages.errors import InputError
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.framing import frame
from photoreal_set.optics.sizes import square
from photoreal_set.studio.product import import_product
from photoreal_set.studio.quality import Quality
from photoreal_set.studio.session import Session
from photoreal_set.studio.visible import visible_points
from tests.blender.products import Glb, corners, quaternion, texture, textured_block

SIDE = 80
FAST = Quality(name="quick", samples=4, bounces=2)


def scaled(factor: float, offset: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Glb:
    return textured_block(scale=[factor] * 3, translation=list(offset))


def baked(factor: float) -> Glb:
    """The vertices themselves are large or small."""
    glb = Glb()
    material = glb.add_material("Enamel", glb.add_image(texture()), roughnessFactor=0.35)
    glb.add_scene(glb.add("nodes", {"mesh": glb.add_block(material, corners() * factor)}))
    return glb


def nested() -> Glb:
    """Empties that rotate, move and scale back and forth; in total only size and location change."""
    glb = textured_block()
    leaf = glb.document["scenes"][0]["nodes"][0]
    glb.document["nodes"][leaf]["rotation"] = quaternion((1, 2, 0.5), -70)
    inner = glb.add("nodes", {"name": "inner", "children": [leaf], "scale": [0.01] * 3})
    middle = glb.add(
        "nodes",
        {"name": "middle", "children": [inner], "rotation": quaternion((1, 2, 0.5), 70), "scale": [40] * 3},
    )
    glb.add_scene(glb.add("nodes", {"name": "outer", "children": [middle], "translation": [3, -2, 7]}))
    return glb


def with_camera_and_light() -> Glb:
    """A strong red lamp, a camera far away, and the product hanging below the camera."""
    glb = textured_block()
    leaf = glb.document["scenes"][0]["nodes"][0]
    lamp = {"type": "point", "color": [1.0, 0.0, 0.0], "intensity": 50000.0, "name": "lamp"}
    glb.document["extensionsUsed"] = ["KHR_lights_punctual"]
    glb.document["extensions"] = {"KHR_lights_punctual": {"lights": [lamp]}}
    eye = glb.add("cameras", {"type": "perspective", "perspective": {"yfov": 0.7, "znear": 0.1}})
    holder = glb.add("nodes", {"name": "eye", "camera": eye, "translation": [90, 80, 70], "children": [leaf]})
    light = glb.add(
        "nodes",
        {"name": "lamp", "extensions": {"KHR_lights_punctual": {"light": 0}}, "translation": [1, 1, 1]},
    )
    glb.add_scene(holder, light)
    return glb


def with_empties_and_loose_points() -> Glb:
    """Objects without faces, far away."""
    glb = textured_block()
    leaf = glb.document["scenes"][0]["nodes"][0]
    points = glb.add_array(np.array([[50.0, 60.0, 70.0], [-50.0, 0.0, 0.0]]), "VEC3")
    cloud = glb.add("meshes", {"primitives": [{"attributes": {"POSITION": points}, "mode": 0}]})
    far = glb.add("nodes", {"name": "far", "translation": [500, 0, 0]})
    glb.add_scene(leaf, far, glb.add("nodes", {"name": "cloud", "mesh": cloud}))
    return glb


VARIANTS: dict[str, Callable[[], Glb]] = {
    "millimetres": lambda: scaled(0.001),
    "hundreds of metres": lambda: scaled(1000.0),
    "small vertices": lambda: baked(0.001),
    "large vertices": lambda: baked(1000.0),
    "far from the origin": lambda: scaled(1.0, (40.0, -25.0, 60.0)),
    "small and below the ground": lambda: scaled(0.001, (0.0, -0.3, 0.002)),
    "nested": nested,
    "camera and light": with_camera_and_light,
    "empties and loose points": with_empties_and_loose_points,
}


def picture_of(glb: Glb, folder: Path) -> np.ndarray:
    """RGBA of the hero angle, through a whole session."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    session = Session(scene, glb.write(folder / "product.glb"), resolution=square(SIDE), device="cpu")
    angle = ANGLES["three-quarter"]
    return session.shoot(session.framing(angle), angle, FAST).colour


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return picture_of(textured_block(), tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_picture_does_not_depend_on_how_the_file_was_made(
    tmp_path: Path, plain: np.ndarray, variant: str
):
    picture = picture_of(VARIANTS[variant](), tmp_path)
    assert (picture[..., 3] > 127).any()
    assert ((picture[..., 3] > 127) != (plain[..., 3] > 127)).mean() < 0.01
    both = (picture[..., 3] == 255) & (plain[..., 3] == 255)
    difference = np.abs(picture[both][:, :3].astype(int) - plain[both][:, :3].astype(int))
    assert np.median(difference) <= 2
    assert (difference.max(axis=1) > 25).mean() < 0.03


@pytest.mark.parametrize("variant", ["as it is", *VARIANTS])
def test_the_product_stands_on_the_ground_in_the_middle_one_unit_big(scene, tmp_path: Path, variant: str):
    glb = VARIANTS.get(variant, textured_block)()
    product = import_product(glb.write(tmp_path / "product.glb"), scene)
    points = visible_points(product.collection)
    low, high = points.min(axis=0), points.max(axis=0)
    assert low[2] == pytest.approx(0.0, abs=1e-4)
    assert (low + high)[:2] / 2 == pytest.approx([0.0, 0.0], abs=1e-4)
    assert (high - low).max() == pytest.approx(1.0, abs=1e-4)
    assert high - low == pytest.approx(np.array([0.6, 0.4, 0.75]) / 0.75, abs=1e-3), "not rotated or deformed"
    assert product.triangles == 12


@pytest.mark.parametrize(
    ("variant", "size"), [("millimetres", 0.001), ("large vertices", 1000.0), ("nested", 0.4)]
)
def test_the_reported_size_is_that_of_the_file(scene, tmp_path: Path, variant: str, size: float):
    product = import_product(VARIANTS[variant]().write(tmp_path / "product.glb"), scene)
    assert product.size_m == pytest.approx((0.6 * size, 0.4 * size, 0.75 * size), rel=1e-3)


def world_matrices(objects: list) -> dict[str, list]:
    bpy.context.view_layer.update()
    return {item.name: [tuple(row) for row in item.matrix_world] for item in objects}


@pytest.mark.parametrize("variant", ["nested", "camera and light", "hundreds of metres"])
def test_restoring_returns_every_mesh_to_its_transform(scene, tmp_path: Path, variant: str):
    path = VARIANTS[variant]().write(tmp_path / "product.glb")
    bpy.ops.import_scene.gltf(filepath=str(path))
    # Other nodes may be replaced, or are not evaluated.
    wanted = world_matrices([item for item in bpy.data.objects if item.type == "MESH"])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    product = import_product(path, bpy.context.scene)
    product.turn(33.0)
    assert world_matrices([item for item in bpy.data.objects if item.name in wanted]) != wanted
    product.root.matrix_world = Matrix.Translation(product.offset)
    bpy.context.view_layer.update()
    restored = world_matrices([item for item in bpy.data.objects if item.name in wanted])
    largest = max(np.abs(matrix).max() for matrix in wanted.values())
    for name, matrix in wanted.items():
        assert np.array(restored[name]) == pytest.approx(np.array(matrix), abs=1e-6 * largest)


def test_a_turn_is_counter_clockwise_about_the_middle_of_the_ground(scene, tmp_path: Path):
    product = import_product(scaled(3.0, (1.0, 2.0, 3.0)).write(tmp_path / "product.glb"), scene)
    before = visible_points(product.collection)
    product.turn(90.0)
    after = visible_points(product.collection)
    assert after == pytest.approx(np.stack((-before[:, 1], before[:, 0], before[:, 2]), 1), abs=1e-5)
    product.turn(360.0)
    assert visible_points(product.collection) == pytest.approx(before, abs=1e-5)


def test_the_product_has_a_separate_collection_and_nothing_else_changes(scene, tmp_path: Path):
    bpy.ops.mesh.primitive_cube_add(location=(5, 5, 5))
    mine = bpy.context.object
    mine.name = "Mine"
    place = [tuple(row) for row in mine.matrix_world]
    product = import_product(textured_block().write(tmp_path / "product.glb"), scene)
    assert product.triangles == 12
    assert mine.name not in product.collection.all_objects
    assert mine.parent is None
    assert [tuple(row) for row in mine.matrix_world] == place
    assert [item.name for item in scene.collection.objects] == ["Mine"]


def test_a_tall_thin_product_is_framed_completely_from_the_top(scene, tmp_path: Path):
    glb = textured_block(scale=[0.02, 2.0, 0.02])
    product = import_product(glb.write(tmp_path / "product.glb"), scene)
    points = visible_points(product.collection)
    for angle in ANGLES.values():
        framing = frame(points, angle)
        assert framing.near > 0.0
        local = (points - framing.matrix[:3, 3]) @ framing.matrix[:3, :3]
        seen = local[:, :2] / -local[:, 2:] * framing.lens_mm / framing.sensor_mm
        if angle.shows_whole_product:
            assert np.abs(seen).max() == pytest.approx(angle.fill / 2, abs=1e-3)


def only_a_camera() -> Glb:
    glb = Glb()
    eye = glb.add("cameras", {"type": "perspective", "perspective": {"yfov": 0.7, "znear": 0.1}})
    glb.add_scene(glb.add("nodes", {"name": "eye", "camera": eye}))
    return glb


@pytest.mark.parametrize(
    ("glb", "message"),
    [
        (lambda: baked(0.0), "single point"),
        (only_a_camera, "no visible mesh"),
    ],
)
def test_an_unusable_product_is_rejected_by_file_name(scene, tmp_path: Path, glb, message: str):
    with pytest.raises(InputError, match=message) as refused:
        import_product(glb().write(tmp_path / "odd.glb"), scene)
    assert "odd.glb" in str(refused.value)
