# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera is where the angle puts it, and the silhouette fills the frame."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from photoreal_set.optics.angles import ANGLES, FILL, Angle, View
from photoreal_set.optics.framing import (
    SQUARE,
    Framing,
    camera_axes,
    close_up,
    frame,
    frame_all_round,
    framing_from,
    ground_points,
    refit,
    standing_view,
    turned,
)
from photoreal_set.optics.sizes import Size

SIZES = [Size(1, 1), Size(1024, 1280), Size(1920, 1080), Size(1080, 1920), Size(640, 101)]
LENSES = [20.0, 85.0, 300.0]
WHOLE = [angle for angle in ANGLES.values() if angle.shows_whole_product]
DETAIL = ANGLES["detail"]


def clouds() -> list[np.ndarray]:
    """Random points of many sizes, positions and proportions."""
    chance = np.random.default_rng(20)
    found = []
    for scale in (1e-3, 0.05, 1.0, 40.0, 2000.0):
        for proportions in ((1, 1, 1), (0.1, 1, 1), (1, 0.02, 0.5), (0.03, 0.03, 1), (1, 1, 0.004)):
            shape = chance.normal(size=(200, 3)) if chance.random() < 0.5 else chance.random((200, 3))
            offset = chance.normal(size=3) * 3.0
            found.append((shape * proportions + offset) * scale)
    found.append(np.array([[x, y, z] for x in (-1, 1) for y in (-0.2, 0.3) for z in (0, 0.7)]))
    return found


def slim_clouds() -> list[np.ndarray]:
    """Long, thin (1:50) and flat shapes in every direction."""
    chance = np.random.default_rng(21)
    proportions = [np.roll((1.0, 0.02, 0.02), turn) for turn in range(3)]
    proportions += [np.roll((0.01, 1.0, 0.7), turn) for turn in range(3)]
    return [chance.uniform(-1.0, 1.0, (300, 3)) * shape for shape in proportions]


def projected(points: np.ndarray, framing: Framing, size: Size = SQUARE) -> np.ndarray:
    """Positions in the frame, from 0 to 1, by the pinhole formula."""
    world_to_camera = np.linalg.inv(framing.matrix)
    local = points @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    assert (local[:, 2] < 0.0).all(), "points behind the camera"
    longer_is_one = local[:, :2] / -local[:, 2:] * (framing.lens_mm / framing.sensor_mm)
    return longer_is_one * max(size) / np.array(size) + 0.5


def around(points: np.ndarray, degrees: float) -> np.ndarray:
    turn = math.radians(degrees)
    x, y = points[:, 0], points[:, 1]
    return np.stack(
        (x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn), points[:, 2]), 1
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.width}x{size.height}")
@pytest.mark.parametrize("angle", WHOLE, ids=lambda angle: angle.name)
def test_the_silhouette_fills_the_frame_and_is_centred(angle, size: Size):
    for points in [*clouds(), *slim_clouds()]:
        seen = projected(points, frame(points, angle, size), size)
        low, high = seen.min(axis=0), seen.max(axis=0)
        assert (high - low).max() == pytest.approx(FILL, abs=1e-6), "in the direction where it takes most"
        assert (low + high) / 2.0 == pytest.approx([0.5, 0.5], abs=1e-6)


@pytest.mark.parametrize("lens", LENSES)
def test_a_lens_changes_the_perspective_but_not_the_size_in_the_frame(lens: float):
    for points in [*clouds(), *slim_clouds()]:
        for angle in WHOLE:
            framing = frame(points, angle, Size(4, 5), lens_mm=lens)
            seen = projected(points, framing, Size(4, 5))
            low, high = seen.min(axis=0), seen.max(axis=0)
            assert (high - low).max() == pytest.approx(FILL, abs=1e-6)
            assert (low + high) / 2.0 == pytest.approx([0.5, 0.5], abs=1e-6)
            assert framing.near > 0.0
            assert framing.lens_mm >= lens - 1e-9
            if lens >= 85.0:
                assert framing.lens_mm == pytest.approx(lens), "only a wide lens may have to give way"


def test_a_camera_is_never_inside_the_product():
    """A needle that points at a wide lens: even at its tip the foot looks too small."""
    needle = np.array([[0.0, -10.0, 0.0], [0.1, 0.0, 0.1], [-0.1, 0.0, 0.1], [0.0, 0.0, -0.1]])
    angle = Angle(name="along", azimuth=0.0, elevation=0.0)
    framing = frame(needle, angle, lens_mm=20.0)
    assert framing.matrix[1, 3] < -10.1
    assert framing.lens_mm > 20.0
    seen = projected(needle, framing)
    assert np.ptp(seen, axis=0).max() == pytest.approx(FILL, abs=1e-6)


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
def test_the_camera_is_on_the_side_of_its_name(name: str, side: tuple[int, int]):
    points = np.random.default_rng(2).normal(size=(300, 3))
    x, y, z = frame(points, ANGLES[name]).matrix[:3, 3] - points.mean(axis=0)
    assert [round(x) and math.copysign(1, x), round(y) and math.copysign(1, y)] == list(side)
    assert z > 0.0


@pytest.mark.parametrize("elevation", [-90.0, -40.0, 90.0])
def test_the_product_is_framed_from_below_and_from_straight_above(elevation: float):
    angle = Angle(name="odd", azimuth=200.0, elevation=elevation)
    for points in [*clouds(), *slim_clouds()]:
        framing = frame(points, angle)
        seen = projected(points, framing)
        assert np.ptp(seen, axis=0).max() == pytest.approx(FILL, abs=1e-6)
        assert framing.is_below_ground == (framing.matrix[2, 3] < 0.0)


def test_the_lens_of_an_angle_overrides_that_of_the_set():
    angle = Angle(name="own", azimuth=0.0, elevation=10.0, lens_mm=135.0)
    assert frame(clouds()[0], angle, lens_mm=50.0).lens_mm == pytest.approx(135.0)


def test_a_requested_fill_overrides_that_of_the_angle():
    for points in clouds():
        seen = projected(points, frame(points, WHOLE[0], fill=0.6))
        assert (seen.max(axis=0) - seen.min(axis=0)).max() == pytest.approx(0.6, abs=1e-3)


def seen_part(whole: Framing, across: float, down: float, depth: float, size: Size) -> np.ndarray:
    """The point at that distance which ``whole`` sees at a position in its picture."""
    tangent = np.array((across * 2.0 - 1.0, 1.0 - down * 2.0)) * whole.half * np.array(size) / max(size)
    return whole.matrix[:3, 3] + whole.matrix[:3, :3] @ (*tangent * depth, -depth)


@pytest.mark.parametrize("size", SIZES[:3])
@pytest.mark.parametrize("lens", LENSES)
def test_a_close_up_shows_only_the_chosen_part_from_closer(size: Size, lens: float):
    for points in [*clouds(), *slim_clouds()]:
        whole = frame(points, WHOLE[0], size, lens_mm=lens)
        depth = float(((whole.matrix[:3, 3] - points) @ whole.matrix[:3, 2]).mean())
        framing = close_up(whole, 0.4, 0.3, 2.5, depth, size, points, lens_mm=lens)
        places = [(0.4, 0.3), (0.4 - 0.2, 0.3 - 0.2), (0.4 + 0.2, 0.3 + 0.2)]
        parts = np.array([seen_part(whole, *place, depth, size) for place in places])
        assert projected(parts, framing, size) == pytest.approx(
            np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]]), abs=1e-9
        )
        assert framing.matrix[:3, :3] == pytest.approx(whole.matrix[:3, :3]), "the direction stays"
        assert framing.lens_mm >= lens - 1e-9
        nearest = float((-(points - framing.matrix[:3, 3]) @ framing.matrix[:3, 2]).min())
        assert nearest > framing.near > 0.0, "in front of the whole product"


def test_the_visible_part_is_framed_when_it_is_smaller_than_the_bounds():
    """A visible card in a box of glass: asked again, the answer is exact."""
    angle, size = WHOLE[0], Size(4, 5)
    points = np.random.default_rng(3).uniform(-1.0, 1.0, (200, 3))
    card = np.array([[x, 0.0, z] for x in (-0.7, -0.1) for z in (-0.6, 0.8)])
    framing = frame(points, angle, size)
    for _attempt in range(2):
        seen = projected(card, framing, size)
        low, high = seen.min(axis=0), seen.max(axis=0)
        box = (low[0], 1.0 - high[1], high[0], 1.0 - low[1])
        framing = refit(framing, box, angle, size, points)
    seen = projected(card, framing, size)
    assert np.ptp(seen, axis=0).max() == pytest.approx(FILL, abs=3e-3)
    assert (seen.min(axis=0) + seen.max(axis=0)) / 2.0 == pytest.approx([0.5, 0.5], abs=2e-3)


def test_a_camera_is_stored_and_read_back_exactly():
    framing = frame(clouds()[0], WHOLE[1], Size(4, 5), lens_mm=50.0)
    for one in (framing, replace(framing, ortho_scale=0.3, shift=(0.1, -0.2))):
        again = framing_from(json.loads(json.dumps(one.record())))
        assert (again.matrix == one.matrix).all()
        assert replace(again, matrix=one.matrix) == one


@pytest.mark.parametrize("size", [Size(4, 5), Size(16, 9)])
@pytest.mark.parametrize(("fit", "side"), [("HORIZONTAL", 0), ("VERTICAL", 1), ("AUTO", None)])
def test_a_file_camera_sees_the_normalised_product_as_it_saw_the_file(size, fit, side):
    points = clouds()[3]
    scale, shift = 0.013, (0.1, -0.05)
    standing = np.diag((scale, scale, scale, 1.0)) @ np.array(
        ((1.0, 0, 0, -4.0), (0, 1.0, 0, 5.0), (0, 0, 1.0, 6.0), (0, 0, 0, 1.0))
    )
    eye = frame(points, ANGLES["three-quarter"], lens_mm=35.0).matrix
    rows = tuple(map(tuple, eye.tolist()))
    view = View(matrix=rows, lens_mm=35.0, sensor_mm=24.0, sensor_fit=fit, shift=shift)
    local = (points - eye[:3, 3]) @ eye[:3, :3]
    longer = int(np.argmax(size)) if side is None else side
    in_units_of_fit = local[:, :2] / -local[:, 2:] * 35.0 / 24.0 - shift
    wanted = in_units_of_fit * size[longer] / np.array(size) + 0.5
    moved = points @ standing[:3, :3].T + standing[:3, 3]
    framing = standing_view(view, standing, size, moved)
    flat = replace(framing, shift=(0.0, 0.0))
    seen = projected(moved, flat, size) - np.array(framing.shift) * max(size) / np.array(size)
    assert seen == pytest.approx(wanted, abs=1e-9)
    assert 0.0 < framing.near < framing.far
    ortho = standing_view(replace(view, ortho_scale=7.0), standing, size, moved)
    assert ortho.ortho_scale * size[longer] / max(size) == pytest.approx(7.0 * scale)


def test_an_orthographic_camera_casts_parallel_rays_to_the_ground():
    matrix = frame(clouds()[0], ANGLES["top"]).matrix.copy()
    matrix[:3, 3] = (0.0, -1.0, 5.0)
    framing = Framing(matrix=matrix, lens_mm=50.0, near=0.1, far=9.0, ortho_scale=2.0, shift=(0.25, 0.0))
    places = ground_points(framing, 20, 10)
    assert places.shape == (10, 20, 2)
    steps = np.diff(places, axis=1)
    assert steps == pytest.approx(np.broadcast_to((0.1, 0.0), steps.shape), abs=1e-9)
    assert places[..., 0].mean() == pytest.approx(0.5), "shifted by a quarter of two metres"
    assert not framing.is_below_ground


def test_everything_is_between_the_clip_planes():
    for points in clouds():
        for angle in ANGLES.values():
            framing = frame(points, angle)
            depth = -(points - framing.matrix[:3, 3]) @ framing.matrix[:3, 2]
            assert 0.0 < framing.near < depth.min()
            assert depth.max() < framing.far


@pytest.mark.parametrize("fill", [0.86, 0.5])
def test_a_turntable_camera_frames_every_rotation_completely(fill: float):
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


def test_one_point_on_the_axis_does_not_fail():
    frame_all_round(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), 18.0, 0.86)


@pytest.mark.parametrize("degrees", [-45.0, 30.0, 90.0, 180.0])
def test_a_rotated_camera_sees_a_rotated_product_unchanged(degrees: float):
    points = clouds()[0]
    framing = frame(points, ANGLES["three-quarter"])
    before = projected(points, framing)
    assert projected(around(points, degrees), turned(framing, degrees)) == pytest.approx(before, abs=1e-9)


def test_camera_axes_are_right_up_and_back():
    assert camera_axes(0.0, 0.0) == pytest.approx(np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]))


def test_ground_points_project_correctly():
    points = np.random.default_rng(4).random((100, 3))
    for small in (Size(24, 24), Size(24, 30), Size(48, 27), Size(9, 40)):
        framing = frame(points, ANGLES["top"], small)
        places = ground_points(framing, *small)
        rows, columns = np.mgrid[0 : small.height, 0 : small.width]
        ground = np.concatenate((places.reshape(-1, 2), np.zeros((len(rows.ravel()), 1))), axis=1)
        seen = projected(ground, framing, small)
        assert seen[:, 0] == pytest.approx((columns.ravel() + 0.5) / small.width, abs=1e-9)
        assert 1.0 - seen[:, 1] == pytest.approx((rows.ravel() + 0.5) / small.height, abs=1e-9)


def test_there_is_no_ground_above_the_horizon():
    points = np.random.default_rng(4).random((100, 3)) * 0.1 + [0, 0, 1]
    places = ground_points(frame(points, DETAIL, fill=0.1), 24, 24)
    assert np.isnan(places[0]).all()
