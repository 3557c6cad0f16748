# SPDX-License-Identifier: GPL-3.0-or-later
"""A cut-out has the mask's alpha, and no color of the old background at its edge."""

import numpy as np
import pytest
from PIL import Image

from photoreal_set.imaging.cut_out import continued_colours, cut_out

SIDE = 160
PRODUCT = np.array((200.0, 40.0, 30.0))
GROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0), "green": (20, 200, 60)}


def disc(*, radius: float = 60.0, blur: float = 1.0) -> np.ndarray:
    """The coverage of a disc, 0 to 1, with an edge ``blur`` pixels wide."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2.0
    return np.clip((radius - np.hypot(x, y)) / blur + 0.5, 0.0, 1.0)


def picture(coverage: np.ndarray, ground: tuple[int, int, int]) -> Image.Image:
    share = coverage[..., None]
    return Image.fromarray(np.rint(PRODUCT * share + np.array(ground) * (1.0 - share)).astype(np.uint8))


def mask(coverage: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(coverage * 255.0).astype(np.uint8))


def fringe(cut: Image.Image, on: tuple[int, int, int]) -> float:
    """How far the cut-out, on another ground, is from the product on that ground, in levels of 255."""
    values = np.asarray(cut).astype(np.float64)
    alpha = values[..., 3:] / 255.0
    shown = values[..., :3] * alpha + np.array(on) * (1.0 - alpha)
    wanted = PRODUCT * alpha + np.array(on) * (1.0 - alpha)
    return float(np.abs(shown - wanted).max())


@pytest.mark.parametrize("blur", [1.0, 8.0, 30.0])
@pytest.mark.parametrize("ground", GROUNDS)
def test_no_background_is_left_at_the_edge_of_a_render(ground: str, blur: float) -> None:
    coverage = disc(blur=blur)
    cut = cut_out(picture(coverage, GROUNDS[ground]), mask(coverage))
    assert np.array_equal(np.asarray(cut.getchannel("A")), np.asarray(mask(coverage)))
    for on in GROUNDS.values():
        assert fringe(cut, on) <= 4.0


@pytest.mark.parametrize("ground", GROUNDS)
def test_no_background_is_left_when_a_photo_is_a_pixel_smaller_than_its_mask(ground: str) -> None:
    photo = picture(disc(radius=59.0), GROUNDS[ground])
    plain = cut_out(photo, mask(disc()))
    assert max(fringe(plain, on) for on in GROUNDS.values()) > 20.0, "what the inset is for"
    cut = cut_out(photo, mask(disc()), inset=2)
    for on in GROUNDS.values():
        assert fringe(cut, on) <= 4.0


def test_a_thin_wire_that_no_pixel_shows_whole_keeps_its_colour() -> None:
    coverage = np.zeros((SIDE, SIDE))
    coverage[:, 80] = 0.6
    cut = cut_out(picture(coverage, GROUNDS["white"]), mask(coverage))
    assert np.abs(np.asarray(cut)[:, 80, :3] - PRODUCT).max() <= 2.0


def test_pixels_inside_the_product_stay_as_they_are() -> None:
    rng = np.random.default_rng(3)
    photo = Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    cut = np.asarray(cut_out(photo, mask(disc()), inset=1))
    inner = disc(radius=56.0) >= 1.0
    assert np.array_equal(cut[inner][:, :3], np.asarray(photo)[inner])


def test_continued_colours_look_the_same_and_leave_no_black_at_the_edge() -> None:
    coverage = disc()
    values = np.zeros((SIDE, SIDE, 4), dtype=np.uint8)
    values[..., 3] = np.asarray(mask(coverage))
    values[values[..., 3] > 0, :3] = PRODUCT.astype(np.uint8)
    result = np.asarray(continued_colours(Image.fromarray(values, "RGBA")))
    assert np.array_equal(result[..., 3], values[..., 3])
    assert np.array_equal(result[values[..., 3] > 0], values[values[..., 3] > 0])
    beside = (disc(radius=70.0) > 0.0) & (coverage == 0.0)
    assert (result[beside][:, :3] == PRODUCT).all()
    assert (result[0, 0] == 0).all(), "far away nothing is changed"


def test_a_mask_of_another_size_is_resized() -> None:
    coverage = disc()
    photo = picture(coverage, GROUNDS["white"]).resize((SIDE * 2, SIDE * 2), Image.Resampling.BILINEAR)
    cut = cut_out(photo, mask(coverage), inset=4)
    assert cut.size == (SIDE * 2, SIDE * 2)
    assert fringe(cut, GROUNDS["black"]) <= 4.0
