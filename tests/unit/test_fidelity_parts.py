# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the fidelity check: colour differences, registration, regions."""

import numpy as np
import pytest

from photoreal_set.imaging.compose import to_linear
from photoreal_set.imaging.fidelity.colour import ciede2000, to_lab
from photoreal_set.imaging.fidelity.planes import IDENTITY, linear_light, pixel_affine, warped
from photoreal_set.imaging.fidelity.regions import components, find_regions, place_of
from photoreal_set.imaging.fidelity.registration import Windows, steadiness
from photoreal_set.imaging.fidelity.windows import window_mean

# L*a*b* pairs and their difference, of the test data that Sharma, Wu and Dalal published (2005, table 1).
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (56.0, -27.0, -3.0), 31.9030),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("first", "second", "difference"), SHARMA)
def test_colour_differences_are_those_of_the_published_data(
    first: tuple[float, ...], second: tuple[float, ...], difference: float
):
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(difference, abs=1e-4)
    assert ciede2000(np.array(second), np.array(first)) == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize(
    ("linear", "lab"),
    [
        ((1.0, 1.0, 1.0), (100.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (53.24, 80.09, 67.20)),
    ],
)
def test_lab_of_known_colours(linear: tuple[float, ...], lab: tuple[float, ...]):
    assert to_lab(np.array(linear)) == pytest.approx(lab, abs=0.02)


def test_the_identity_moves_nothing():
    plane = np.random.default_rng(1).random((40, 60)).astype(np.float32)
    assert np.abs(warped(plane, IDENTITY, (60, 40)) - plane).max() < 1e-5


def test_a_shift_in_frame_units_is_a_share_of_the_longer_side():
    affine = np.array(((1.0, 0.0, 0.1), (0.0, 1.0, 0.0)))
    assert pixel_affine(affine, (60, 40), (60, 40)) == pytest.approx((1.0, 0.0, 6.0, 0.0, 1.0, 0.0))
    plane = np.tile(np.arange(60.0, dtype=np.float32), (40, 1))
    assert np.abs(warped(plane, affine, (60, 40))[:, :50] - plane[:, 6:56]).max() < 1e-4


def test_the_ground_is_continued_where_a_moved_photo_ends():
    plane = np.full((40, 60), 0.8, np.float32)
    affine = np.array(((1.0, 0.0, 0.3), (0.0, 1.0, -0.2)))
    assert np.abs(warped(plane, affine, (60, 40)) - 0.8).max() < 1e-5


def test_regions_are_named_by_kind_and_place():
    cover = np.zeros((40, 40), dtype=bool)
    cover[5:35, 5:35] = True
    severity = np.zeros((40, 40))
    severity[6:10, 6:11] = 2.0
    severity[28:33, 29:34] = 4.0
    kinds = np.zeros((40, 40), dtype=int)
    kinds[28:33] = 1
    found = find_regions(severity, kinds, ("missing", "colour"), cover)
    assert [region.words for region in found] == ["different color, lower right", "part missing, upper left"]
    assert found[1].area == pytest.approx(20 / 900)
    assert {round(x * 40) for x, _y in found[1].polygon} == {6, 11}


def test_a_bent_region_does_not_contain_what_it_goes_around():
    severity = np.zeros((10, 10))
    severity[2:8, 2] = severity[7, 2:8] = 2.0
    (found,) = find_regions(severity, np.zeros((10, 10), dtype=int), ("missing",), np.ones((10, 10), bool))
    assert [(round(10 * x), round(10 * y)) for x, y in found.polygon] == [
        (2, 2), (3, 2), (3, 7), (8, 7), (8, 8), (2, 8),
    ]  # fmt: skip


def test_the_border_goes_around_cells_that_touch_at_a_corner():
    severity = np.diag((2.0, 2.0))
    (found,) = find_regions(severity, np.zeros((2, 2), dtype=int), ("missing",), np.ones((2, 2), bool))
    assert found.polygon == (
        (0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0), (0.5, 0.5), (0.0, 0.5),
    )  # fmt: skip


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 7, 12, 40])
def test_means_over_windows_are_those_of_all_their_pixels(radius: int):
    values = np.random.default_rng(radius).random((31, 47)).astype(np.float32)
    padded = np.pad(values, radius, mode="edge")
    size = 2 * radius + 1
    wanted = np.lib.stride_tricks.sliding_window_view(padded, (size, size)).mean(axis=(2, 3))
    assert np.abs(window_mean(values, radius) - wanted).max() < 1e-5


def test_windows_that_other_light_moves_are_not_steady():
    edge = np.diag((50.0, 0.0))  # Sure across, and not at all along.
    moves = np.array([[0.0, 0.0], [0.0, 0.02], [0.01, 0.0]])
    still = Windows(np.zeros((3, 2)), np.zeros((3, 2)), np.stack([edge] * 3), np.ones(3))
    lit = Windows(np.zeros((3, 2)), moves, np.stack([edge] * 3), np.ones(3))
    assert steadiness([still, lit]) == pytest.approx([1.0, 1.0, 1 / 101], rel=1e-6)


def test_linear_light_comes_from_a_table_that_is_fine_enough():
    display = np.linspace(-0.1, 1.1, 5000, dtype=np.float32)
    assert np.abs(linear_light(display) - to_linear(display.clip(0, 1))).max() < 3e-5


def test_places_that_touch_at_a_corner_are_one():
    plane = np.zeros((6, 6), dtype=bool)
    plane[1, 1] = plane[2, 2] = plane[4, 4] = True
    assert sorted(len(part) for part in components(plane)) == [1, 2]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(1, 1, "upper left"), (15, 15, "center"), (15, 29, "right"), (29, 15, "lower center")],
)
def test_places_in_words(row: float, column: float, words: str):
    assert place_of(row, column, np.ones((30, 30), dtype=bool)) == words
