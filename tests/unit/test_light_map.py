# SPDX-License-Identifier: GPL-3.0-or-later
"""Light maps with infinite and invalid pixels are repaired, and everything else stays as it was."""

import numpy as np
import pytest

from photoreal_set.optics.light_map import repaired


def room() -> np.ndarray:
    pixels = np.random.default_rng(5).uniform(0.1, 2.0, (8, 16, 3)).astype(np.float32)
    pixels[5, 3] = 900.0
    return pixels


def test_a_sound_light_map_stays_as_it_is():
    clean, count = repaired(room())
    assert count == 0
    assert (clean == room()).all()


@pytest.mark.parametrize("value", [np.inf, 1e16])
def test_an_infinite_sun_is_as_bright_as_the_brightest_valid_pixel(value: float):
    pixels = room()
    pixels[5, 4] = value
    clean, count = repaired(pixels)
    assert count == 1
    assert (clean[5, 4] == 900.0).all()


@pytest.mark.parametrize("column", [0, 9, 15])
def test_an_invalid_pixel_becomes_the_mean_of_its_neighbours_also_across_the_seam(column: int):
    pixels = np.full((8, 16, 3), 0.5, dtype=np.float32)
    pixels[0, column, 1] = np.nan
    clean, count = repaired(pixels)
    assert count == 1
    assert clean == pytest.approx(0.5)


def test_negative_values_become_zero_and_are_not_counted():
    pixels = room()
    pixels[1, 1] = -0.01
    clean, count = repaired(pixels)
    assert count == 0
    assert (clean[1, 1] == 0.0).all()


def test_a_picture_of_nothing_but_invalid_pixels_is_black():
    clean, count = repaired(np.full((8, 16, 3), np.nan, dtype=np.float32))
    assert count == 128
    assert not clean.any()
