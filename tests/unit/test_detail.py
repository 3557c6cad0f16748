# SPDX-License-Identifier: GPL-3.0-or-later
"""The close-up shows the most detailed part, and never an empty one."""

import numpy as np
import pytest

from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.detail import MIN_COVERAGE, Window, busiest_window, depth_in, detail_energy
from photoreal_set.optics.framing import frame
from photoreal_set.optics.sizes import Size, square

SIDE = 128


def ball(width: int = SIDE, height: int = SIDE) -> np.ndarray:
    """A plain, softly shaded ball."""
    picture = np.zeros((height, width, 4), dtype=np.uint8)
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot((rows - height / 2) / (0.44 * height), (columns - width / 2) / (0.44 * width))
    picture[..., :3] = np.clip(220 - 120 * distance**2, 0, 255)[..., None]
    picture[..., 3] = np.clip((1.0 - distance) * 40.0, 0.0, 1.0) * 255
    return picture


def with_label(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    """Fine marks of print on it."""
    marked = picture.copy()
    marked[row - 8 : row + 8 : 3, column - 12 : column + 12 : 2, :3] = 20
    return marked


def holds(window: Window, row: float, column: float, picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    reach = 0.5 / window.zoom
    return abs(window.down - row / height) < reach and abs(window.across - column / width) < reach


@pytest.mark.parametrize("place", [(40, 50), (85, 80), (64, 90)])
def test_the_detail_shows_the_print_on_a_plain_body(place: tuple[int, int]):
    picture = with_label(ball(), *place)
    window = busiest_window(picture, 2.5)
    assert holds(window, *place, picture)
    assert window.zoom == 2.5
    assert abs(window.down - place[0] / SIDE) < 0.3 / 2.5, "and not at its border"


def test_the_same_picture_gives_the_same_part():
    picture = with_label(ball(), 50, 60)
    first, second = busiest_window(picture, 2.0), busiest_window(picture.copy(), 2.0)
    assert (first.across, first.down, first.zoom) == (second.across, second.down, second.zoom)


def test_many_fine_marks_outweigh_one_hard_edge():
    picture = ball()
    picture[70:, :, :3] //= 6  # Two halves.
    window = busiest_window(with_label(picture, 40, 64), 3.0)
    assert holds(window, 40, 64, picture)


def test_a_plain_body_is_shown_around_its_upper_middle_and_fills_the_picture():
    window = busiest_window(ball(), 2.2)
    assert window.across == pytest.approx(0.5, abs=0.05)
    assert 0.35 <= window.down <= 0.52
    assert detail_energy(ball())[30:100, 30:100].max() < 0.05, "soft shading is no detail"


def test_invisible_noise_is_not_a_detail():
    picture = ball()
    grain = np.random.default_rng(1).integers(-2, 3, picture.shape[:2])
    picture[..., :3] = np.clip(picture[..., :3].astype(int) + grain[..., None], 0, 255)
    assert detail_energy(picture)[30:100, 30:100].mean() < 0.01


def test_a_slender_product_is_shown_closer():
    picture = np.zeros((SIDE, SIDE, 4), dtype=np.uint8)
    picture[8:120, 58:70] = (150, 150, 150, 255)
    picture[30:36:2, 58:70, :3] = 10
    window = busiest_window(picture, 2.0)
    assert window.zoom > 4.0
    assert holds(window, 33, 64, picture)


def test_a_mesh_screen_has_its_detail_in_the_outline():
    picture = np.zeros((SIDE, SIDE, 4), dtype=np.uint8)
    picture[10:118, 20:108] = (150, 150, 150, 255)
    picture[60:118, 20:108][::6] = 0
    picture[60:118, 20:108][:, ::6] = 0
    assert busiest_window(picture, 2.5).down > 0.55


@pytest.mark.parametrize("size", [(64, 160), (160, 64)])
def test_the_part_lies_in_a_picture_of_any_shape(size: tuple[int, int]):
    picture = with_label(ball(*size), size[1] // 2 - 10, size[0] // 2)
    window = busiest_window(picture, 2.0)
    for middle in (window.across, window.down):
        assert 0.5 / window.zoom - 0.02 <= middle <= 1.02 - 0.5 / window.zoom


def test_an_empty_picture_does_not_fail():
    for alpha in (0, 90):
        picture = np.full((32, 32, 4), alpha, dtype=np.uint8)
        window = busiest_window(picture, 2.0)
        assert (window.across, window.down, window.zoom) == (0.5, 0.5, 2.0)
    picture = np.zeros((32, 32, 4), dtype=np.uint8)
    picture[20, 20] = 255
    assert holds(busiest_window(picture, 2.0), 20, 20, picture)
    assert MIN_COVERAGE < 1.0


def test_the_depth_is_that_of_the_nearest_surface_in_the_part():
    size, chance = square(64), np.random.default_rng(5)
    plane = np.stack((*chance.uniform(-1.0, 1.0, (2, 40_000)), np.zeros(40_000)), axis=1)[:, (0, 2, 1)]
    near = plane * (0.2, 1.0, 0.2) + (0.5, -0.6, 0.5)  # A small card in front of a large one.
    surface = np.concatenate((plane, near))
    whole = frame(surface, ANGLES["front"], size)
    weight = np.ones((64, 64))
    towards = whole.matrix[:3, 2]

    def depth_of(point: tuple[float, float, float]) -> float:
        return float((whole.matrix[:3, 3] - point) @ towards)

    def window_at(point: tuple[float, float, float], zoom: float) -> Window:
        local = (np.array(point) - whole.matrix[:3, 3]) @ whole.matrix[:3, :3]
        share = local[:2] / -local[2] / whole.half
        return Window(across=(1 + share[0]) / 2, down=(1 - share[1]) / 2, zoom=zoom, weight=weight)

    front, back = (0.5, -0.6, 0.5), (-0.5, 0.0, -0.5)
    assert depth_in(window_at(front, 12.0), surface, whole, size) == pytest.approx(depth_of(front), abs=0.02)
    assert depth_in(window_at(back, 12.0), surface, whole, size) == pytest.approx(depth_of(back), abs=0.03)
    empty = Window(across=0.99, down=0.99, zoom=50.0, weight=weight)
    assert np.isfinite(depth_in(empty, surface, whole, Size(64, 64)))
