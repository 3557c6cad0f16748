# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of layers that light passes through is counted from every side."""

import numpy as np
import pytest

from photoreal_set.gltf.layers import most_layers
from tests.blender.shapes import ball, together

CARD = np.array([[[0.0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]])
TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def cards(count: int, gap: float = 0.001) -> np.ndarray:
    return np.concatenate([CARD + np.array((0.0, 0.0, gap * number)) for number in range(count)])


@pytest.mark.parametrize("count", [1, 2, 17, 300])
def test_a_stack_of_cards_has_as_many_layers_as_cards(count: int):
    assert most_layers(cards(count)) == count


@pytest.mark.parametrize("count", [2, 50])
def test_a_turned_stack_has_nearly_as_many(count: int):
    assert most_layers(cards(count) @ TURN) == count


def test_cards_side_by_side_are_one_layer():
    beside = np.concatenate([CARD + np.array((1.5 * number, 0.0, 0.0)) for number in range(20)])
    assert most_layers(beside) == 1


def test_a_closed_shape_has_two_layers_and_one_inside_another_four():
    inner, outer = ball(radius=0.4), ball(radius=0.5)
    assert most_layers(outer.places[outer.triangles]) == 2
    both = together(inner, outer)
    assert most_layers(both.places[both.triangles]) == 4


@pytest.mark.parametrize(
    "triangles", [np.empty((0, 3, 3)), np.zeros((3, 3, 3)), np.full((2, 3, 3), np.nan), CARD[:, :, (0, 0, 0)]]
)
def test_nothing_has_no_layers(triangles: np.ndarray):
    assert most_layers(triangles) == 0


def test_triangles_with_broken_corners_do_not_count():
    broken = np.full((1, 3, 3), np.inf)
    assert most_layers(np.concatenate((cards(3), broken))) == 3
