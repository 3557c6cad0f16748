# SPDX-License-Identifier: GPL-3.0-or-later
"""Floors, backdrops, domes and crumbs are found; what belongs to a product is not taken for one."""

from collections.abc import Iterable

import numpy as np
import pytest

from photoreal_set.gltf.mesh_checks import shape_of
from photoreal_set.gltf.pieces import Placed, pieces_of
from photoreal_set.gltf.surroundings import find_surroundings, fused_floor
from tests.blender.products import in_blender
from tests.blender.scenery import FUSED, GROWN, HONEST, SURROUNDED, crumbs, egg
from tests.blender.shapes import Solid, ball, together

TURNS = {
    "as it is": np.eye(4),
    "turned, small and elsewhere": np.array(
        ((0.006, -0.008, 0, 5), (0.008, 0.006, 0, -3), (0, 0, 0.01, 7), (0, 0, 0, 1))
    ),
}


def placed(solid: Solid, matrix: np.ndarray, *, is_clear: bool = False) -> Placed:
    shape = shape_of(in_blender(solid.places).astype(np.float32), solid.triangles.astype(np.int32))
    return Placed(shape, matrix, np.full(len(shape.corners), is_clear))


def kinds_of(solids: Iterable[Solid], matrix: np.ndarray | None = None) -> dict[str, int]:
    """The kinds of surroundings that are found, and how many pieces of each."""
    pieces = pieces_of([placed(solid, np.eye(4) if matrix is None else matrix) for solid in solids])
    return {kind.value: int(chosen.sum()) for kind, chosen in find_surroundings(pieces).items()}


@pytest.mark.parametrize("name", SURROUNDED)
def test_surroundings_are_found_in_separate_objects_and_in_one_mesh(name: str):
    kind, solids = SURROUNDED[name]
    assert list(kinds_of(solids)) == [kind]
    assert list(kinds_of([together(*solids)])) == [kind]


@pytest.mark.parametrize("name", [name for name in SURROUNDED if SURROUNDED[name][0] in ("dome", "crumbs")])
def test_size_and_direction_do_not_matter(name: str):
    kind, solids = SURROUNDED[name]
    assert list(kinds_of(solids, TURNS["turned, small and elsewhere"])) == [kind]


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("turn", TURNS)
def test_what_belongs_to_a_product_is_left_alone(name: str, turn: str):
    assert kinds_of(HONEST[name], TURNS[turn]) == {}
    assert kinds_of([together(*HONEST[name])], TURNS[turn]) == {}


def test_all_pieces_of_a_kind_are_found_and_nothing_of_the_product():
    solids = [*SURROUNDED["a floor of tiles"][1], crumbs(20, around=0.8, size=0.012).at(0, 0.9, 0)]
    assert kinds_of(solids) == {"floor": 4, "crumbs": 20}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", FUSED)
def test_a_floor_that_is_one_piece_with_the_product_is_found(name: str, turn: str):
    share = fused_floor([placed(FUSED[name], TURNS[turn])])
    assert share is not None and 0.1 < share < 0.4


@pytest.mark.parametrize("name", [*GROWN, *HONEST, *SURROUNDED])
def test_other_pieces_are_not_taken_for_one_that_includes_a_floor(name: str):
    one = [GROWN[name]] if name in GROWN else HONEST[name] if name in HONEST else SURROUNDED[name][1]
    assert fused_floor([placed(solid, np.eye(4)) for solid in one]) is None


def test_a_few_loose_pieces_are_no_crumbs():
    assert kinds_of([egg(), crumbs(5, around=0.8, size=0.012).at(0, 0.5, 0)]) == {}


def test_flakes_in_a_globe_of_glass_are_no_crumbs():
    flakes = together(
        *(ball(radius=0.01, around=6).at(0.1 * x, 0.3 + 0.1 * y, 0.4) for x in range(5) for y in range(4))
    )
    figure = ball(radius=0.3, around=12).at(-0.4, 0.9, 0)
    opaque = [placed(solid, np.eye(4)) for solid in (figure, flakes)]
    assert find_surroundings(pieces_of(opaque))
    globe = placed(egg(1.0), np.eye(4), is_clear=True)
    assert find_surroundings(pieces_of([globe, *opaque])) == {}


def test_no_mesh_has_no_surroundings():
    assert find_surroundings(pieces_of([])) == {}


def test_thousands_of_crumbs_are_found():
    many = crumbs(2000, around=0.8, size=0.002).at(0, 0.5, 0)
    assert kinds_of([egg(), many]) == {"crumbs": 2000}
