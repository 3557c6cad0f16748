# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces that lie exactly on others are found and lifted; those that only touch, cross or line others are not."""

import numpy as np
import pytest

from photoreal_set.gltf.coincidence import LIFT, Lift, find_lifts
from tests.blender.shapes import Solid, ball, box, quad, together, tube
from tests.bodies import StillBody, body

CUBE = box((-0.5, 0.0, -0.5), (0.5, 1.0, 0.5))
FORWARD = np.array((0.0, -1.0, 0.0))  # In Blender's axes.


def label(side: float = 0.3, *, x: float = 0.0) -> Solid:
    """A square on the front of the cube, around its middle."""
    left, right = x - side, x + side
    return quad(
        (left, 0.5 - side, 0.5), (right, 0.5 - side, 0.5), (right, 0.5 + side, 0.5), (left, 0.5 + side, 0.5)
    )


def lifts(*solids: Solid | StillBody, culled: bool = False) -> list[Lift]:
    bodies = [solid if isinstance(solid, StillBody) else body(solid) for solid in solids]
    none = [np.zeros(len(one.shape.corners), dtype=bool) for one in bodies]
    return find_lifts(bodies, [flags | culled for flags in none], none, 1.0)


@pytest.mark.parametrize("x", [0.0, 0.2, 0.45], ids=["inside", "to the edge", "over the edge"])
@pytest.mark.parametrize("is_first", [False, True])
def test_a_label_on_a_box_is_lifted_forwards_whatever_the_order(x: float, is_first: bool):
    bodies = (label(x=x), CUBE) if is_first else (CUBE, label(x=x))
    (lift,) = lifts(*bodies)
    assert (lift.body, lift.on) == ((0, 1) if is_first else (1, 0))
    assert sorted(lift.faces) == [0, 1]
    assert lift.moves == pytest.approx(np.tile(FORWARD * LIFT, (2, 1)), abs=1e-9)


def test_a_solid_that_is_flush_with_another_is_lifted_where_it_is():
    (lift,) = lifts(CUBE, box((-0.2, 0.1, -0.2), (0.2, 0.4, 0.5)))
    assert lift.body == 1
    assert len(lift.faces) == 2
    assert lift.moves == pytest.approx(np.tile(FORWARD * LIFT, (2, 1)), abs=1e-9)


def test_labels_on_labels_are_lifted_further():
    found = lifts(label(0.1), label(0.3), CUBE)
    heights = {(lift.body, lift.on): float((lift.moves @ FORWARD).max()) / LIFT for lift in found}
    assert heights == pytest.approx({(1, 2): 1.0, (0, 2): 1.0, (0, 1): 2.0})


def test_of_two_equal_surfaces_the_later_is_lifted():
    assert {(lift.body, lift.on) for lift in lifts(ball(), ball())} == {(1, 0)}


def test_parts_of_one_mesh_coincide_as_those_of_two_do():
    both = body(together(CUBE, label()))
    (lift,) = lifts(both)
    assert sorted(lift.faces) == [12, 13]


@pytest.mark.parametrize("facets", [24, 18, 12, 61])
def test_a_label_on_a_can_stands_above_it_whatever_its_facets(facets: int):
    can = tube(0, 1, facets=48)
    around = tube(0.25, 0.75, facets=facets, first=-90.0, last=90.0)
    found = lifts(can, around)
    assert {(lift.body, lift.on) for lift in found} == {(1, 0)}
    depth = 0.4 * (1.0 - np.cos(np.pi / facets / 2.0)) if facets != 24 else 0.0
    moves = np.linalg.norm(np.concatenate([lift.moves for lift in found]), axis=1)
    assert moves.max() >= max(LIFT * 0.99, 0.8 * depth)
    assert moves.max() <= 1.5 * depth + 2 * LIFT


def test_the_two_sides_of_a_card_are_moved_apart():
    front = label()
    (lift,) = lifts(front, front.inside_out(), culled=True)
    assert lift.is_back
    assert lift.moves == pytest.approx(np.tile(-FORWARD * LIFT, (2, 1)), abs=1e-9)


def test_a_two_sided_label_that_is_wound_inwards_is_lifted_outwards():
    (lift,) = lifts(CUBE, label().inside_out())
    assert lift.moves == pytest.approx(np.tile(FORWARD * LIFT, (2, 1)), abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CUBE, box((-0.3, 1.0, -0.3), (0.3, 1.4, 0.3))),
        (CUBE, label().at(0, 0, 1e-5)),
        (CUBE, label().at(0, 0, -1e-5)),
        (tube(0, 1, facets=48), tube(0.1, 0.9, facets=48, radius=0.399)),
        (tube(0, 1, facets=48), tube(0.1, 0.9, facets=31, radius=0.398)),
        (CUBE, quad((-0.3, 0.2, 0.4995), (0.3, 0.2, 0.4995), (0.3, 0.8, 0.5005), (-0.3, 0.8, 0.5005)).at(0, 0, 0.0)),
        (ball(), ball(radius=0.3).at(0.4, 0, 0)),
    ],
    ids=["solids that touch", "a gap", "below", "a lining", "a coarse lining", "crossing", "balls"],
)  # fmt: skip
def test_what_does_not_coincide_is_left_alone(first: Solid, second: Solid):
    assert lifts(first, second) == []


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_size_and_place_do_not_matter(factor: float):
    bodies = [body(solid.scaled(factor).at(0, 5 * factor, 0)) for solid in (CUBE, label())]
    none = [np.zeros(len(one.shape.corners), dtype=bool) for one in bodies]
    (lift,) = find_lifts(bodies, none, none, factor)
    assert np.linalg.norm(lift.moves, axis=1) == pytest.approx(LIFT * factor)


# --- what is on top after lifting ---------------------------------------------------------------


def turned(height: np.ndarray, radius: np.ndarray, *, facets: int, first: float, last: float) -> Solid:
    """A piece of a surface around the y axis, between two directions in degrees; 0 is the front."""
    turn, row = np.meshgrid(np.radians(np.linspace(first, last, facets + 1)), np.arange(len(height)))
    places = np.stack((radius[row] * np.sin(turn), height[row], radius[row] * np.cos(turn)), -1)
    index = np.arange(turn.size).reshape(turn.shape)
    cell = np.stack((index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]), -1).reshape(-1, 4)
    return Solid(places.reshape(-1, 3), None, None, np.concatenate((cell[:, (0, 1, 2)], cell[:, (0, 2, 3)])))


def on_a_cone(facets: int, rows: int) -> tuple[Solid, Solid]:
    heights = np.linspace(0.0, 1.0, 9), np.linspace(0.3, 0.7, rows + 1)
    cone, decal = ((height, 0.45 - 0.3 * height) for height in heights)
    return turned(*cone, facets=48, first=-180, last=180), turned(*decal, facets=facets, first=-77, last=90)


def on_a_ball(facets: int, rows: int) -> tuple[Solid, Solid]:
    tilt = np.radians(np.linspace(-30.0, 30.0, rows + 1))
    decal = turned(0.5 * np.sin(tilt), 0.5 * np.cos(tilt), facets=facets, first=-40, last=40)
    return ball(around=32), decal


def around_an_edge() -> tuple[Solid, Solid]:
    front = quad((0, 0.3, 0.5), (0.5, 0.3, 0.5), (0.5, 0.7, 0.5), (0, 0.7, 0.5))
    return CUBE, together(front, quad((0.5, 0.3, 0.5), (0.5, 0.3, 0), (0.5, 0.7, 0), (0.5, 0.7, 0.5)))


def rotated_label() -> tuple[Solid, Solid]:
    corners = [(np.cos(turn), np.sin(turn)) for turn in np.radians((200, 290, 380, 470))]
    return CUBE, quad(*((0.3 * x, 0.5 + 0.3 * y, 0.5) for x, y in corners))


def text() -> tuple[Solid, Solid]:
    return CUBE, together(
        *(label(0.01).at(-0.3 + 0.05 * x, 0.05 * y, 0) for x in range(12) for y in range(5))
    )


MIRROR, SQUEEZE = np.diag((-1.0, 1.0, 1.0, 1.0)), np.diag((0.5, 1.0, 2.0, 1.0))


def hidden_share(bodies: list[StillBody]) -> float:
    """The share of the second body that is below the first one or in the same place, after lifting, as seen from outside."""
    none = [np.zeros(len(one.shape.corners), dtype=bool) for one in bodies]
    wall, upper = (one.shape.points @ one.matrices[0][:3, :3].T + one.matrices[0][:3, 3] for one in bodies)
    normals = bodies[1].shape.crosses @ np.linalg.pinv(bodies[1].matrices[0][:3, :3])
    moves = np.zeros_like(upper)
    for lift in find_lifts(bodies, none, none, 1.0):
        assert (lift.body, lift.on) == (1, 0)
        corners = bodies[1].shape.corners[lift.faces]
        total, count = np.zeros_like(upper), np.zeros(len(upper))
        np.add.at(total, corners.ravel(), np.repeat(lift.moves @ bodies[1].matrices[0][:3, :3].T, 3, axis=0))
        np.add.at(count, corners.ravel(), 1.0)
        mean = total / np.maximum(count, 1.0)[:, None]
        is_further = np.linalg.norm(mean, axis=1) > np.linalg.norm(moves, axis=1)
        moves[is_further] = mean[is_further]
    random = np.random.default_rng(1)
    chosen = random.integers(0, len(normals), 100)
    triangles = (upper + moves)[bodies[1].shape.corners[chosen]]
    places = np.einsum("tc,tca->ta", random.dirichlet((1.0, 1.0, 1.0), len(chosen)), triangles)
    rays = (normals / np.linalg.norm(normals, axis=1)[:, None])[chosen]
    first, along, across = (wall[bodies[0].shape.corners][:, index] for index in range(3))
    along, across = along - first, across - first
    hidden = []
    for place, ray in zip(places, rays, strict=True):
        sideways = np.cross(ray, across)
        with np.errstate(all="ignore"):
            scale = np.einsum("ij,ij->i", along, sideways)
            u = np.einsum("ij,ij->i", place - first, sideways) / scale
            turn = np.cross(place - first, along)
            v, far = turn @ ray / scale, np.einsum("ij,ij->i", across, turn) / scale
            hidden.append(((u >= 0) & (v >= 0) & (u + v <= 1) & (far > -LIFT / 8) & (far < 0.02)).any())
    return float(np.mean(hidden))


@pytest.mark.parametrize(
    "solids",
    [
        *(on_a_cone(*cells) for cells in ((12, 3), (20, 1), (64, 5))),
        *(on_a_ball(*cells) for cells in ((8, 6), (13, 9), (30, 20))),
        around_an_edge(),
        rotated_label(),
        text(),
    ],
)
@pytest.mark.parametrize("place", [np.eye(4), MIRROR, SQUEEZE], ids=["as it is", "mirrored", "squeezed"])
def test_a_decal_is_on_top_of_every_shape(solids: tuple[Solid, Solid], place: np.ndarray):
    bodies = [body(solid) for solid in solids]
    for one in bodies:
        one.matrices = [place]
    assert hidden_share(bodies) < 0.01
