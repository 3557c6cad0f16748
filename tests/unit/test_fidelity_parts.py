# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the fidelity check: colour differences, registration, regions."""

import numpy as np
import pytest

from photoreal_set.imaging.fidelity.colour import ciede2000, to_lab
from photoreal_set.imaging.fidelity.planes import IDENTITY, pixel_affine, warped
from photoreal_set.imaging.fidelity.regions import components, find_regions, place_of

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
