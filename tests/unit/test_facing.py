# SPDX-License-Identifier: GPL-3.0-or-later
"""Back faces of one-sided materials are not seen, as in glTF viewers; what is merely wound wrong stays visible."""

import numpy as np
import pytest

from photoreal_set.gltf.facing import Facing, judge
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.framing import camera_axes
from tests.blender.shapes import Solid, ball, box, box_sides, quad, sheet, together, tube
from tests.bodies import StillBody, body

CAMERAS = [camera_axes(angle.azimuth, angle.elevation) for angle in ANGLES.values()]
CARD = ((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.5, 0.7, 0.0), (-0.5, 0.7, 0.0))


def judged(*bodies: StillBody) -> list[Facing]:
    return judge(bodies, CAMERAS)


def all_of(facing: Facing) -> dict[str, float]:
    """The share of faces that each word is true of."""
    names = ("turned", "culled", "shell", "shown")
    return {name: float(getattr(facing, name).mean()) for name in names if getattr(facing, name).any()}


def dome() -> Solid:
    whole = ball(radius=1.5, around=32).inside_out()
    upper = (whole.places[whole.triangles][:, :, 1] >= -1e-6).all(axis=1)
    return whole.with_(triangles=whole.triangles[upper])


@pytest.mark.parametrize(
    "around",
    [ball(radius=0.52).inside_out(), box((-1, -0.5, -1), (1, 1, 1)).inside_out(), dome().at(0, -0.5, 0)],
    ids=["outline", "room", "sky"],
)
def test_a_shell_around_the_product_is_looked_through(around: Solid):
    product, shell = judged(body(ball()), body(around))
    assert all_of(product) == {}
    assert all_of(shell) == {"culled": 1.0, "shell": 1.0}


def test_a_shell_is_the_same_in_a_mirrored_place():
    bodies = [body(ball()), body(ball(radius=0.52).inside_out())]
    for one in bodies:
        one.matrices = [np.diag((-1.0, 1.0, 1.0, 1.0))]
    assert all_of(judged(*bodies)[1]) == {"culled": 1.0, "shell": 1.0}


def test_single_walls_of_a_room_are_looked_through_and_its_floor_blocks_light():
    sides = [side.inside_out() for side in box_sides((-1, 0, -1), (1, 1.2, 1))]
    *walls, floor, _chair = judged(*(body(side) for side in sides), body(ball(radius=0.3).at(0, 0.4, 0)))
    for wall in walls:
        assert all_of(wall) == {"culled": 1.0, "shell": 1.0}
    assert all_of(floor) == {"culled": 1.0}


@pytest.mark.parametrize("gap", [0.0, 0.001])
def test_both_sides_of_a_card_are_seen_from_their_front_only(gap: float):
    front, back = quad(*CARD).at(0, 0, gap / 2), quad(*CARD).inside_out().at(0, 0, -gap / 2)
    for facing in judged(body(front), body(back)):
        assert all_of(facing) == {"culled": 1.0}


@pytest.mark.parametrize(
    "solid",
    [
        ball().inside_out(),
        together(tube(0, 1, facets=24), quad((-0.4, 0, -0.4), (0.4, 0, -0.4), (0.4, 0, 0.4), (-0.4, 0, 0.4))).inside_out(),
        tube(0, 1, facets=12).inside_out(),
    ],
    ids=["closed", "with a bottom", "open"],
)  # fmt: skip
def test_what_is_inside_out_and_empty_is_turned(solid: Solid):
    (facing,) = judged(body(solid))
    assert facing.turned.mean() > 0.9
    assert not facing.culled[facing.turned].any()


def test_a_product_that_is_inside_out_altogether_is_turned_although_its_parts_contain_each_other():
    parts = [ball().inside_out(), ball(radius=0.2).inside_out(), ball(radius=0.1).at(0.3, 0, 0).inside_out()]
    for facing in judged(*(body(part) for part in parts)):
        assert all_of(facing) == {"turned": 1.0}


def test_the_inner_wall_of_a_thick_one_stays():
    (facing,) = judged(body(together(ball(), ball(radius=0.45).inside_out())))
    assert all_of(facing) == {}


def test_a_poster_that_faces_away_from_all_cameras_is_shown():
    (facing,) = judged(body(quad(*CARD).inside_out()))
    assert all_of(facing) == {"shown": 1.0}
    (facing,) = judged(body(quad(*CARD)))
    assert all_of(facing) == {"culled": 1.0}


def test_the_inside_of_a_cup_of_one_sheet_belongs_to_it():
    (facing,) = judged(body(tube(0, 1, facets=24)))
    assert all_of(facing) == {}


def test_mixed_winding_says_nothing_about_sides():
    cloth = sheet()
    triangles = cloth.triangles.copy()
    triangles[::3] = triangles[::3, ::-1]
    (facing,) = judged(body(cloth.with_(triangles=triangles)))
    assert all_of(facing) == {}


def test_the_inner_faces_of_a_half_transparent_solid_are_not_seen():
    (facing,) = judged(body(ball(), has_alpha=True))
    assert all_of(facing) == {"culled": 1.0}


def test_two_sided_materials_are_left_alone():
    facings = judged(
        body(ball(), is_one_sided=False), body(ball(radius=0.52).inside_out(), is_one_sided=False)
    )
    assert [all_of(facing) for facing in facings] == [{}, {}]


@pytest.mark.parametrize("far", [1e5, 1e8])
def test_a_vertex_that_makes_needles_of_all_faces_is_survived(far: float):
    solid = ball(radius=0.5)
    places = solid.places.copy()
    places[0] = far
    (facing,) = judged(body(solid.with_(places=places)))
    assert not facing.shell.any()


def test_sides_are_judged_where_nothing_has_an_area():
    card = quad(*CARD)
    (facing,) = judged(body(card.with_(places=card.places * (1.0, 1e-9, 1.0))))
    assert not facing.shown.any()
