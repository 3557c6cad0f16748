# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels, inlays, outlines, rooms and far models look in pictures as glTF viewers show them."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from photoreal_set.optics import rigs
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.cameras import cameras_in
from photoreal_set.optics.light_map import Rig
from photoreal_set.optics.sizes import square
from photoreal_set.studio.product import Product, import_product
from photoreal_set.studio.quality import Quality
from photoreal_set.studio.rig import Studio
from photoreal_set.studio.session import Session
from photoreal_set.studio.visible import visible_points
from tests.blender.products import Glb
from tests.blender.shapes import Solid, add_solid, ball, box, box_sides, quad, tube
from tests.blender.test_light import panorama_file

SIDE = 64
QUICK = Quality(name="quick", samples=4, bounces=2)
WHITE, RED, BLUE, ORANGE, BLACK = (
    [0.85, 0.85, 0.85, 1.0],
    [0.8, 0.05, 0.05, 1.0],
    [0.05, 0.05, 0.8, 1.0],
    [0.9, 0.5, 0.1, 1.0],
    [0.0, 0.0, 0.0, 1.0],
)
CUBE = box((-0.5, 0.0, -0.5), (0.5, 1.0, 0.5))
LABEL = quad((-0.3, 0.2, 0.5), (0.3, 0.2, 0.5), (0.3, 0.8, 0.5), (-0.3, 0.8, 0.5))


def parts(*colours: tuple[Solid, list[float], str]) -> Glb:
    glb = Glb()
    nodes = [
        add_solid(glb, solid, glb.add_material(name, baseColorFactor=colour), name)
        for solid, colour, name in colours
    ]
    glb.add_scene(*nodes)
    return glb


def session_of(glb: Glb, folder: Path) -> Session:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    model = glb.write(folder / "product.glb")
    return Session(bpy.context.scene, model, resolution=square(SIDE), device="cpu")


def shot(session: Session, angle: str = "front") -> np.ndarray:
    """RGBA of a named angle."""
    chosen = ANGLES[angle]
    return session.shoot(session.framing(chosen), chosen, QUICK).colour.astype(int)


def kinds(session: Session) -> list[str]:
    return [finding.kind for finding in session.product.triage]


def share_of(picture: np.ndarray, channel: int) -> float:
    """The share of the covered pixels in which this channel is far above the others."""
    covered = picture[picture[..., 3] > 200][:, :3]
    others = np.delete(covered, channel, axis=1).max(axis=1)
    return float((covered[:, channel] > others + 60).mean())


@pytest.mark.parametrize(
    ("below", "label", "expected"),
    [
        (CUBE, LABEL, 0.36),
        (tube(0, 1, facets=48), tube(0.25, 0.75, facets=24, first=-90, last=90), 0.5),
        (tube(0, 1, facets=48), tube(0.25, 0.75, facets=18, first=-90, last=90), 0.5),
    ],
    ids=["box", "can", "can with other facets"],
)
def test_a_label_shows_its_colour_all_over(tmp_path: Path, below: Solid, label: Solid, expected: float):
    session = session_of(parts((below, WHITE, "Body"), (label, RED, "Label")), tmp_path)
    (finding,) = [item for item in session.product.triage if item.kind == "coincident_surfaces"]
    assert "Label" in finding.text
    assert "Body" in finding.text
    assert share_of(shot(session), 0) == pytest.approx(expected, abs=0.06)


def test_an_inlay_in_the_same_material_makes_an_even_front(tmp_path: Path):
    glb = Glb()
    red = glb.add_material("Red", baseColorFactor=RED)
    body = add_solid(glb, box((-0.5, 0.0, -0.5), (0.5, 0.5, 0.5)), red, "Body")
    glb.add_scene(body, add_solid(glb, box((-0.2, 0.1, -0.2), (0.2, 0.4, 0.5)), red, "Inlay"))
    picture = shot(session_of(glb, tmp_path))
    front = picture[34:46, 10:54, :3]
    assert np.abs(front - np.median(front, axis=(0, 1))).max() < 8


def test_an_object_that_is_there_twice_is_not_black(tmp_path: Path):
    glb = parts((ball(), RED, "One"))
    glb.add("nodes", {"name": "Two", "mesh": 0})
    glb.add_scene(0, 1)
    session = session_of(glb, tmp_path)
    assert kinds(session) == ["doubled_objects"]
    assert share_of(shot(session), 0) > 0.98


def test_an_outline_leaves_a_lit_product_with_a_thin_rim_and_its_depth(tmp_path: Path):
    session = session_of(
        parts((ball(), ORANGE, "Ball"), (ball(radius=0.52).inside_out(), BLACK, "Outline")), tmp_path
    )
    assert kinds(session) == ["faces_inwards"]
    picture = shot(session)
    assert picture[SIDE // 2, SIDE // 2, 0] > 180
    covered = picture[picture[..., 3] > 200]
    assert 0.02 < (covered[:, :3].max(axis=1) < 110).mean() < 0.2, "the rim"
    angle = ANGLES["front"]
    framing = session.framing(angle)
    middle = session.measure(framing, angle).depth[SIDE // 2, SIDE // 2]
    distance = np.linalg.norm(framing.matrix[:3, 3] - (0.0, 0.0, 0.5))
    assert distance - middle == pytest.approx(0.5 / 1.04, abs=0.01), "of the ball, not of the outline"


def test_walls_of_a_room_show_what_stands_in_it_in_the_light(tmp_path: Path):
    walls = [side.inside_out() for side in box_sides((-1, 0, -1), (1, 1.2, 1))]
    chair = (ball(radius=0.4).at(0, 0.4, 0), RED, "Chair")
    picture = shot(
        session_of(parts(*((wall, WHITE, f"Wall {n}") for n, wall in enumerate(walls)), chair), tmp_path)
    )
    assert share_of(picture, 0) > 0.1
    assert picture[SIDE // 2, SIDE // 2, 0] > 180


def test_a_card_of_two_faces_has_another_colour_behind(tmp_path: Path):
    session = session_of(parts((LABEL, RED, "Front"), (LABEL.inside_out(), BLUE, "Back")), tmp_path)
    assert kinds(session) == []
    assert share_of(shot(session), 0) > 0.98
    behind = replace(ANGLES["front"], azimuth=180.0)
    picture = session.shoot(session.framing(behind), behind, QUICK).colour.astype(int)
    assert share_of(picture, 2) > 0.9


def test_what_is_inside_out_altogether_is_seen(tmp_path: Path):
    cup = tube(0, 1, facets=24).inside_out()
    picture = shot(session_of(parts((cup, RED, "Cup")), tmp_path))
    assert (picture[..., 3] > 200).mean() > 0.3
    assert share_of(picture, 0) > 0.95


# --- numbers ------------------------------------------------------------------------------------


def taken(glb: Glb, folder: Path) -> tuple[Product, np.ndarray]:
    """The product, and its vertices in the studio."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    product = import_product(glb.write(folder / "product.glb"), bpy.context.scene)
    return product, visible_points(product.collection)


def group(place: tuple[float, float, float], *, nested: int = 0) -> Glb:
    glb = parts((ball(), RED, "Large"), (ball(radius=0.1), BLUE, "Small"))
    large, small = glb.document["nodes"]
    large["translation"] = list(place)
    small["translation"] = [place[0] + 0.7, place[1], place[2] + 0.3]
    tops = [0, 1]
    for level in range(nested):
        tops = [glb.add("nodes", {"name": f"Group {level}", "children": tops})]
    camera = glb.add("cameras", {"type": "perspective", "perspective": {"yfov": 0.6, "znear": 0.1}})
    eye = glb.add(
        "nodes", {"name": "Eye", "camera": camera, "translation": [place[0], place[1], place[2] + 4.0]}
    )
    glb.add_scene(*tops, eye)
    return glb


@pytest.mark.parametrize(
    ("place", "nested"), [((4.5e6, 100.0, -5.4e6), 0), ((4.5e6, 0.0, 0.0), 1500), ((0.0, 0.0, 0.0), 1500)]
)
def test_a_far_or_deeply_nested_model_keeps_the_places_of_its_parts(
    tmp_path: Path, place: tuple, nested: int
):
    _near, expected = taken(group((0.0, 0.0, 0.0)), tmp_path)
    glb = group(place, nested=nested)
    product, found = taken(glb, tmp_path)
    assert np.abs(found - expected).max() < 1e-6
    middle = np.array((place[0], -place[2], place[1], 1.0))
    at_middle = product.from_file @ middle
    assert at_middle[:3] == pytest.approx(expected[: len(ball().places)].mean(axis=0), abs=0.02)
    (angle,) = cameras_in(glb.document, "far.glb")
    assert angle.view is not None
    eye = product.from_file @ np.array(angle.view.matrix)
    assert eye[:3, 3] - at_middle[:3] == pytest.approx((0.0, -4.0 / max(product.size_m), 0.0), abs=1e-6)


def test_a_deep_chain_with_an_animation_is_read_too(tmp_path: Path):
    glb = parts((ball(), RED, "Ball"))
    top = 0
    for level in range(1500):
        top = glb.add("nodes", {"name": f"Group {level}", "children": [top]})
    values = glb.add_array(np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), "VEC3")
    times = glb.add("accessors", {"bufferView": glb.add_bytes(np.array((0.0, 1.0), "<f4").tobytes()), "count": 2,
                                  "componentType": 5126, "type": "SCALAR", "min": [0.0], "max": [1.0]})  # fmt: skip
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    glb.add("animations", {"channels": [channel], "samplers": [{"input": times, "output": values}]})
    glb.add_scene(top)
    product, _places = taken(glb, tmp_path)
    assert product.size_m == pytest.approx((1.0, 1.0, 1.0))


def test_broken_pixels_of_a_light_map_are_repaired_and_told(scene: bpy.types.Scene, tmp_path: Path):
    room = np.full((32, 64, 3), 0.5)
    room[24, 10] = 50.0
    whole = Studio(scene, rigs.SOFTBOX)
    whole.use(Rig(name="room", panorama=panorama_file(tmp_path, room, "whole.exr")))
    room[24, 11], room[20, 40] = np.inf, np.nan
    broken = Studio(scene, rigs.SOFTBOX)
    broken.use(Rig(name="room", panorama=panorama_file(tmp_path, room, "broken.exr")))
    assert list(whole.problems()) == []
    (finding,) = broken.problems()
    assert (finding.kind, finding.where, finding.count) == ("broken_light_map", "broken.exr", 2)
    assert np.isfinite(broken.light.radiance).all()
    sun, beside = (broken.light.radiance[24 * 16 + 8, column * 16 + 8] for column in (11, 10))
    assert sun == pytest.approx(beside, rel=0.01), "not a black sun"
