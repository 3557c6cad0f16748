# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of a set that drifted in white balance, exposure or size are found, and clean sets are left alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from photoreal_set.imaging.compose import to_display
from photoreal_set.imaging.fidelity.consistency import (
    Drift,
    SetView,
    daylight,
    matched,
    score_set,
    surface_points,
)
from photoreal_set.imaging.fidelity.registration import register, sought

SIZE, SETS = 128, 20
AZIMUTHS = (0, 45, 90, 160, 250)
RADIUS, HALF = 0.3, 0.5  # Of the bottle and of the picture, in sizes of the product.
KEY, WINDOW = (
    (-0.5, 0.4, 0.77),
    (0.6, 0.2, 0.77),
)  # Where the light of the renders and of the photos comes from.


def camera(azimuth: float) -> np.ndarray:
    """A camera without perspective at the height of the product's middle, looking at its axis from 2 sizes away."""
    turn = math.radians(azimuth)
    right, up = np.array((math.cos(turn), math.sin(turn), 0.0)), np.array((0.0, 0.0, 1.0))
    back = np.array((math.sin(turn), -math.cos(turn), 0.0))
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack((right, up, back), axis=1)
    matrix[:3, 3] = 2.0 * back + (0.0, 0.0, 0.5)
    return matrix


def painted(points: np.ndarray, seed: int) -> np.ndarray:
    """A base colour of smooth, saturated patches around the bottle: linear, (h, w, 3)."""
    waves = np.random.default_rng(seed).uniform(1.0, 4.0, (3, 3))
    angle = np.arctan2(points[..., 1], points[..., 0])
    channels = [
        0.30 + 0.20 * np.sin(a * 4.0 * points[..., 2] + b) * np.cos(np.round(c) * angle + a)
        for a, b, c in waves
    ]
    return np.stack(channels, axis=-1)


def clean_set(seed: int) -> list[SetView]:
    """Five angles under another light than their renders', with the little by which photos of one model differ."""
    random = np.random.default_rng(seed)
    y, x = ((np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE - 0.5) * (2.0 * HALF)
    inside = (np.abs(x) < RADIUS) & (np.abs(y) < 0.42)
    near = np.sqrt(np.clip(RADIUS**2 - x**2, 0.0, None))
    depth = np.where(inside, 2.0 - near, np.inf)
    normal = np.stack((x / RADIUS, np.zeros_like(x), near / RADIUS), axis=-1)
    shades = [0.3 + 0.7 * np.clip(normal @ np.array(side), 0.0, None)[..., None] for side in (KEY, WINDOW)]
    views = []
    for azimuth in AZIMUTHS:
        points = surface_points(depth, camera(azimuth), HALF, is_flat=True)
        base = painted(np.where(inside[..., None], points, 0.0), seed)
        tone = daylight(6300.0 + random.normal(0.0, 30.0)) * 1.1 * math.exp(random.normal(0.0, 0.02))
        lit = [base * shades[0], base * shades[1] * tone + random.normal(0.0, 0.004, base.shape)]
        render, photo = (
            np.rint(to_display(np.clip(np.where(inside[..., None], item, 0.9), 0.0, 1.0)) * 255.0).astype(
                np.uint8
            )
            for item in lit
        )
        views.append(SetView(str(azimuth), photo, render, np.where(inside, 255, 0).astype(np.uint8), points))
    return views


@pytest.fixture(scope="module")
def clean() -> list[list[SetView]]:
    return [clean_set(seed) for seed in range(SETS)]


def tinted(view: SetView, gains: np.ndarray) -> SetView:
    drift = replace(score_set([view])[0], gains=tuple(-np.log(gains)))
    return replace(view, photo=matched(view.photo, view.mask, drift))


def test_points_of_the_surface_are_where_they_are(clean: list[list[SetView]]):
    for view in clean[0]:
        points = view.points[view.mask > 0]
        assert np.hypot(points[:, 0], points[:, 1]) == pytest.approx(np.full(len(points), RADIUS), abs=1e-6)
        assert points[:, 2].min() == pytest.approx(0.08, abs=0.01)
    front = clean[0][0]
    middle = front.points[SIZE // 2, SIZE // 2]
    assert middle == pytest.approx((0.0, -RADIUS, 0.5), abs=0.01)


def test_a_camera_with_perspective_and_shift_sees_the_same_place():
    matrix = camera(30.0)
    half, shift = 0.25, (0.1, -0.05)
    depth = np.full((40, 60), 2.0)
    place = surface_points(depth, matrix, half, shift=shift)[10, 50]
    local = np.linalg.inv(matrix) @ (*place, 1.0)
    across, along = (
        local[0] / -local[2] / (2.0 * half) - shift[0],
        local[1] / -local[2] / (2.0 * half) - shift[1],
    )
    assert (across * 60 + 30, 20 - along * 60) == pytest.approx((50.5, 10.5))


def test_clean_sets_pass(clean: list[list[SetView]]):
    passed = sum(all(drift.is_consistent for drift in score_set(views)) for views in clean)
    assert passed >= 0.95 * SETS


def test_a_drift_of_300_kelvin_is_found_in_its_angle(clean: list[list[SetView]]):
    found = 0
    for number, views in enumerate(clean):
        drifted = number % len(views)
        gains = daylight(6200.0 if number % 2 else 6800.0) / daylight(6500.0)
        planted = [tinted(view, gains) if index == drifted else view for index, view in enumerate(views)]
        drifts = score_set(planted)
        found += [not drift.is_consistent for drift in drifts] == [
            index == drifted for index in range(len(views))
        ]
    assert found >= 0.95 * SETS


def test_the_drift_is_named_and_measured(clean: list[list[SetView]]):
    views = list(clean[0])
    before = score_set(views)[2]
    views[2] = tinted(views[2], daylight(6000.0) / daylight(6500.0))
    drift = score_set(views)[2]
    assert drift.kelvin - before.kelvin == pytest.approx(-500.0, abs=90.0)
    assert "warmer than in the other photos" in drift.reason
    views[2] = tinted(views[2], np.full(3, 1.35))
    assert "brighter" in score_set(views)[2].reason


def test_a_drifted_photo_is_matched_to_its_set(clean: list[list[SetView]]):
    views = list(clean[1])
    views[3] = tinted(views[3], 1.2 * daylight(5900.0) / daylight(6500.0))
    drift = score_set(views)[3]
    assert not drift.is_consistent
    photo = matched(views[3].photo, views[3].mask, drift)
    assert (photo[views[3].mask == 0] == views[3].photo[views[3].mask == 0]).all()
    views[3] = replace(views[3], photo=photo)
    assert all(drift.is_consistent for drift in score_set(views))


def test_a_product_that_is_3_percent_larger_is_found(clean: list[list[SetView]]):
    for seed, views in enumerate(clean[:3]):
        scales = []
        for index, view in enumerate(views):
            photo = Image.fromarray(view.photo)
            if index == seed:
                edge = SIZE * (1.0 - 1.0 / 1.03) / 2.0
                photo = photo.resize(
                    photo.size, Image.Resampling.BICUBIC, (edge, edge, SIZE - edge, SIZE - edge)
                )
            fit = register(np.asarray(photo) / 255.0, sought(view.render / 255.0, view.mask / 255.0))
            scales.append(math.sqrt(abs(np.linalg.det(fit.affine[:, :2]))))
        drifts = score_set([replace(view, scale=scale) for view, scale in zip(views, scales, strict=True)])
        assert [not drift.is_consistent for drift in drifts] == [index == seed for index in range(len(views))]
        assert "larger" in drifts[seed].reason


def test_angles_without_common_surface_are_compared_as_wholes(clean: list[list[SetView]]):
    views = [replace(view, points=None) for view in clean[0]]
    assert all(drift.is_consistent for drift in score_set(views))
    views[0] = tinted(views[0], daylight(5600.0) / daylight(6500.0))
    assert not score_set(views)[0].is_consistent


def test_the_hero_decides_where_half_of_the_photos_differ(clean: list[list[SetView]]):
    gains = daylight(6100.0) / daylight(6500.0)
    for views, changed in ((clean[0][:2], (1,)), (clean[0][:4], (1, 3))):
        planted = [tinted(view, gains) if index in changed else view for index, view in enumerate(views)]
        drifts = score_set(planted, hero=planted[0].name)
        assert [not drift.is_consistent for drift in drifts] == [
            index in changed for index in range(len(views))
        ]
        assert drifts[1].kelvin == pytest.approx(-400.0, abs=120.0)


def test_a_photo_that_shows_too_little_has_no_drift(clean: list[list[SetView]]):
    views = list(clean[0])
    views[1] = replace(views[1], photo=np.zeros_like(views[1].photo))
    assert score_set(views)[1].is_consistent
    assert score_set([]) == []
    assert score_set(views[:1])[0].is_consistent


@pytest.mark.parametrize(
    ("gains", "is_light", "can_be_matched"),
    [
        ((0.05, 0.0, -0.05), True, True),  # 400 K.
        ((0.11, 0.0, -0.11), False, False),
        ((0.20, 0.20, 0.20), True, True),
        ((0.30, 0.30, 0.30), True, False),
        ((-0.04, 0.08, -0.04), False, False),
    ],
)
def test_only_what_light_can_do_is_matched(
    gains: tuple[float, float, float], is_light: bool, can_be_matched: bool
):
    drift = Drift("front", 0.0, 0.0, 0.0, 0.0, "", gains)
    assert (drift.is_light, drift.can_be_matched) == (is_light, can_be_matched)
