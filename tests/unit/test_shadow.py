# SPDX-License-Identifier: GPL-3.0-or-later
"""The ground shadow is clean, fades out before it ends, and appears where the camera sees the ground."""

import numpy as np
import pytest

from photoreal_set.optics.angles import ANGLES, Angle
from photoreal_set.optics.framing import Framing, frame, ground_points
from photoreal_set.optics.shadow import (
    SHADOW_SPAN,
    GroundView,
    cast_on_ground,
    ground_grid,
    ground_shadow,
    smoothed,
)
from photoreal_set.optics.sizes import Size

PIXELS = 64


def camera(angle: Angle = ANGLES["front"]) -> Framing:
    corners = np.array([(x, y, z) for x in (-0.3, 0.3) for y in (-0.3, 0.3) for z in (0.0, 0.5)])
    return frame(corners, angle, Size(96, 80))


def test_the_first_row_of_the_ground_is_behind_the_product():
    x, y = ground_grid(PIXELS)
    assert x[0, 0] == pytest.approx(-SHADOW_SPAN / 2.0, abs=SHADOW_SPAN / PIXELS)
    assert y[0, 0] == pytest.approx(SHADOW_SPAN / 2.0, abs=SHADOW_SPAN / PIXELS)
    assert (np.diff(x[0]) > 0.0).all() and (np.diff(y[:, 0]) < 0.0).all()


def test_full_light_leaves_no_shadow_and_no_light_leaves_a_full_shadow():
    unshadowed = np.full((PIXELS, PIXELS), 0.8)
    assert not ground_shadow(unshadowed, unshadowed).any()
    dark = ground_shadow(np.zeros((PIXELS, PIXELS)), unshadowed)
    assert dark.dtype == np.float32
    assert dark[PIXELS // 2, PIXELS // 2] == pytest.approx(1.0)


def test_a_shadow_fades_out_before_the_edge_of_the_square():
    dark = ground_shadow(np.zeros((PIXELS, PIXELS)), np.ones((PIXELS, PIXELS)))
    profile = dark[PIXELS // 2]
    assert profile[0] < 0.15
    assert (np.diff(profile[: PIXELS // 2]) >= -1e-6).all()
    assert dark == pytest.approx(dark[::-1])
    assert dark == pytest.approx(dark[:, ::-1])


def test_noise_brighter_than_the_ground_is_not_a_shadow():
    light = np.full((PIXELS, PIXELS), 1.7)
    assert not ground_shadow(light, np.ones((PIXELS, PIXELS))).any()


def test_smoothing_preserves_even_areas_and_the_inner_sum():
    assert smoothed(np.full((5, 7), 0.3)) == pytest.approx(0.3)
    point = np.zeros((9, 9))
    point[4, 4] = 1.0
    result = smoothed(point)
    assert result.sum() == pytest.approx(1.0)
    assert result[4, 4] == pytest.approx(0.25)
    assert result[3, 4] == result[4, 3] == pytest.approx(0.125)


def test_the_shadow_appears_at_its_projected_position():
    x, y = ground_grid(PIXELS)
    slope = (0.5 + 0.2 * x + 0.1 * y).astype(np.float32)  # Linear, so that it is exact between pixels.
    framing, size = camera(), Size(96, 80)
    seen = cast_on_ground(slope, framing, size)
    assert seen.shape == (80, 96)
    places = ground_points(framing, *size)
    inside = (np.abs(places) < SHADOW_SPAN / 2.0 - 2.0 * SHADOW_SPAN / PIXELS).all(axis=-1)
    assert inside.any()
    assert seen[inside] == pytest.approx(
        0.5 + 0.2 * places[inside][:, 0] + 0.1 * places[inside][:, 1], abs=1e-4
    )


def test_no_shadow_appears_beyond_the_square_or_above_the_horizon():
    full = np.ones((PIXELS, PIXELS), dtype=np.float32)
    framing, size = camera(Angle(name="low", azimuth=0.0, elevation=2.0)), Size(96, 80)
    places = ground_points(framing, *size)
    seen = cast_on_ground(full, framing, size)
    above = np.isnan(places).any(axis=-1)
    beyond = (np.abs(places) > SHADOW_SPAN / 2.0).any(axis=-1)
    assert above.any() and beyond.any()
    assert not seen[above | beyond].any()


def test_a_view_of_the_ground_casts_one_shadow_after_another():
    framing, size = camera(), Size(96, 80)
    view = GroundView(framing, size, PIXELS)
    shadows = [np.random.default_rng(seed).random((PIXELS, PIXELS)).astype(np.float32) for seed in (1, 2, 1)]
    seen = [view.cast(shadow) for shadow in shadows]
    for shadow, picture in zip(shadows, seen, strict=True):
        assert np.array_equal(picture, cast_on_ground(shadow, framing, size))
    assert np.array_equal(seen[0], seen[2]) and not np.array_equal(seen[0], seen[1])
