# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera stands where the angle says, and the silhouette fills the frame as it should."""

import math

import numpy as np
import pytest

from photoreal_set.angles import ANGLES, FILL
from photoreal_set.studio.framing import (
    Framing,
    camera_axes,
    frame,
    frame_all_round,
    ground_points,
    turned,
)

WHOLE = [angle for angle in ANGLES.values() if angle.shows_whole_product]
DETAIL = ANGLES["detail"]


def clouds() -> list[np.ndarray]:
    """Random points of many sizes, places and proportions."""
    chance = np.random.default_rng(20)
    found = []
    for scale in (1e-3, 0.05, 1.0, 40.0, 2000.0):
        for proportions in ((1, 1, 1), (0.1, 1, 1), (1, 0.02, 0.5), (0.03, 0.03, 1), (1, 1, 0.004)):
            shape = chance.normal(size=(200, 3)) if chance.random() < 0.5 else chance.random((200, 3))
            offset = chance.normal(size=3) * 3.0
            found.append((shape * proportions + offset) * scale)
    found.append(np.array([[x, y, z] for x in (-1, 1) for y in (-0.2, 0.3) for z in (0, 0.7)]))
    return found


def projected(points: np.ndarray, framing: Framing) -> np.ndarray:
    """Places in the frame, which reaches from 0 to 1; by the plain pinhole formula."""
    world_to_camera = np.linalg.inv(framing.matrix)
    local = points @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    assert (local[:, 2] < 0.0).all(), "points behind the camera"
    return local[:, :2] / -local[:, 2:] * (framing.lens_mm / framing.sensor_mm) + 0.5


def around(points: np.ndarray, degrees: float) -> np.ndarray:
    turn = math.radians(degrees)
    x, y = points[:, 0], points[:, 1]
    return np.stack(
        (x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn), points[:, 2]), 1
    )


@pytest.mark.parametrize("angle", WHOLE, ids=lambda angle: angle.name)
def test_the_silhouette_fills_the_frame_and_is_centred(angle):
    for points in clouds():
        seen = projected(points, frame(points, angle))
        low, high = seen.min(axis=0), seen.max(axis=0)
        assert (high - low).max() == pytest.approx(FILL, abs=1e-3)
        assert (low + high) / 2.0 == pytest.approx([0.5, 0.5], abs=1e-3)


@pytest.mark.parametrize("angle", ANGLES.values(), ids=lambda angle: angle.name)
def test_the_camera_looks_along_azimuth_and_elevation_counter_clockwise_from_the_front(angle):
    for points in clouds():
        framing = frame(points, angle)
        matrix = framing.matrix
        assert matrix[:3, :3].T @ matrix[:3, :3] == pytest.approx(np.eye(3), abs=1e-12)
        assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
        towards_camera = matrix[:3, 2]
        assert math.degrees(math.asin(towards_camera[2])) == pytest.approx(angle.elevation, abs=1e-6)
        # At 0° the camera is at -Y; at 90°, counter-clockwise seen from above, at +X.
        azimuth = math.degrees(math.atan2(towards_camera[0], -towards_camera[1]))
        assert azimuth == pytest.approx(angle.azimuth, abs=1e-6)
        assert matrix[2, 0] == pytest.approx(0.0, abs=1e-12), "the horizon is level"
        assert matrix[2, 1] > 0.0, "up is up"


@pytest.mark.parametrize(
    ("name", "side"),
    [("front", (0, -1)), ("side", (1, 0)), ("three-quarter", (1, -1)), ("detail", (1, -1)), ("top", (0, -1))],
)
def test_the_camera_stands_on_the_side_of_its_name(name: str, side: tuple[int, int]):
    points = np.random.default_rng(2).normal(size=(300, 3))
    x, y, z = frame(points, ANGLES[name]).matrix[:3, 3] - points.mean(axis=0)
    assert [round(x) and math.copysign(1, x), round(y) and math.copysign(1, y)] == list(side)
    assert z > 0.0


def test_a_wanted_fill_replaces_that_of_the_angle():
    for points in clouds():
        seen = projected(points, frame(points, WHOLE[0], fill=0.6))
        assert (seen.max(axis=0) - seen.min(axis=0)).max() == pytest.approx(0.6, abs=1e-3)


def test_the_detail_is_closer_and_aims_above_the_middle():
    for points in clouds():
        seen = projected(points, frame(points, DETAIL))
        low, high = seen.min(axis=0), seen.max(axis=0)
        assert (high - low).max() == pytest.approx(DETAIL.fill, abs=2e-3)
        assert (0.5 - low[1]) / (high[1] - low[1]) == pytest.approx(DETAIL.aim, abs=2e-3)
        assert (low[0] + high[0]) / 2.0 == pytest.approx(0.5, abs=2e-3)


def test_everything_is_between_the_clip_planes():
    for points in clouds():
        for angle in ANGLES.values():
            framing = frame(points, angle)
            depth = -(points - framing.matrix[:3, 3]) @ framing.matrix[:3, 2]
            assert 0.0 < framing.near < depth.min()
            assert depth.max() < framing.far


@pytest.mark.parametrize("fill", [0.86, 0.5])
def test_a_turntable_camera_holds_every_turn_whole(fill: float):
    for points in clouds():
        points = points - [*(points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2, points[:, 2].min()]
        framing = frame_all_round(points, 18.0, fill)
        seen = [projected(around(points, degrees), framing) for degrees in range(0, 360, 5)]
        low = np.min([part.min(axis=0) for part in seen], axis=0)
        high = np.max([part.max(axis=0) for part in seen], axis=0)
        margin = (1.0 - fill) / 2.0
        assert (low >= margin - 1e-3).all()
        assert (high <= 1.0 - margin + 1e-3).all()
        # Turned a little further a far point may reach the edge: it is framed tightly, not with air around.
        assert (high - low).max() > fill * 0.97


def test_one_point_on_the_axis_is_no_reason_to_fail():
    frame_all_round(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), 18.0, 0.86)


@pytest.mark.parametrize("degrees", [-45.0, 30.0, 90.0, 180.0])
def test_a_turned_camera_sees_a_turned_product_as_before(degrees: float):
    points = clouds()[0]
    framing = frame(points, ANGLES["three-quarter"])
    before = projected(points, framing)
    assert projected(around(points, degrees), turned(framing, degrees)) == pytest.approx(before, abs=1e-9)


def test_camera_axes_are_right_up_and_back():
    assert camera_axes(0.0, 0.0) == pytest.approx(np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]))


def test_ground_points_lie_where_the_camera_sees_them():
    points = np.random.default_rng(4).random((100, 3))
    framing = frame(points, ANGLES["three-quarter"])
    places = ground_points(framing, 24, 24)
    rows, columns = np.mgrid[0:24, 0:24]
    ground = np.concatenate((places.reshape(-1, 2), np.zeros((24 * 24, 1))), axis=1)
    seen = projected(ground, framing)
    assert seen[:, 0] == pytest.approx((columns.ravel() + 0.5) / 24, abs=1e-9)
    assert 1.0 - seen[:, 1] == pytest.approx((rows.ravel() + 0.5) / 24, abs=1e-9)


def test_above_the_horizon_there_is_no_ground():
    points = np.random.default_rng(4).random((100, 3)) * 0.1 + [0, 0, 1]
    places = ground_points(frame(points, DETAIL, fill=0.1), 24, 24)
    assert np.isnan(places[0]).all()
