# SPDX-License-Identifier: GPL-3.0-or-later
"""The background is exact, the product is unchanged, and a shadow only darkens."""

import numpy as np
import pytest
from PIL import Image

from photoreal_set.imaging.choices import Background
from photoreal_set.imaging.compose import SHADOW_BEGINS, compose, fill_of, mask_of
from photoreal_set.imaging.coverage import NOISE

SIDE = 80
GREY = 127


@pytest.fixture
def shot() -> tuple[np.ndarray, np.ndarray]:
    """A product of many colours in the middle, soft edges, and a shadow everywhere."""
    chance = np.random.default_rng(1)
    colour = chance.integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    colour[..., 3] = 0
    colour[20:60, 25:55, 3] = 255
    colour[19, 25:55, 3] = 128
    shadow = chance.random((SIDE, SIDE)).astype(np.float32)
    return colour, shadow


def border(picture: np.ndarray) -> np.ndarray:
    return np.concatenate((picture[0], picture[-1], picture[:, 0], picture[:, -1]))


@pytest.mark.parametrize(("background", "level"), [(Background.WHITE, 255), (Background.GREY, GREY)])
def test_the_borders_are_the_exact_background_whatever_the_shadow(shot, background, level):
    picture = np.asarray(compose(*shot, background))
    assert picture.shape == (SIDE, SIDE, 3)
    assert (border(picture) == level).all()


@pytest.mark.parametrize("background", list(Background))
def test_fully_covered_pixels_are_unchanged(shot, background):
    colour, shadow = shot
    picture = np.asarray(compose(colour, shadow, background))
    inside = colour[..., 3] == 255
    assert (picture[..., :3][inside] == colour[..., :3][inside]).all()


@pytest.mark.parametrize(("background", "level"), [(Background.WHITE, 255), (Background.GREY, GREY)])
def test_the_background_is_neutral_and_a_shadow_only_darkens_it(shot, background, level):
    colour, shadow = shot
    outside = colour[..., 3] == 0
    picture = np.asarray(compose(colour, shadow, background))[outside]
    assert (picture[:, 0] == picture[:, 1]).all()
    assert (picture[:, 1] == picture[:, 2]).all()
    assert picture.max() <= level
    assert picture.min() < level - 20


@pytest.mark.parametrize(("background", "level"), [(Background.WHITE, 255), (Background.GREY, GREY)])
def test_without_a_shadow_the_background_is_one_colour(shot, background, level):
    colour, shadow = shot
    for faint in (shadow * 0.0, shadow * 0.0 + SHADOW_BEGINS):
        picture = np.asarray(compose(colour, faint, background))
        assert (picture[colour[..., 3] == 0] == level).all()


def test_a_darker_shadow_gives_a_darker_picture(shot):
    colour, shadow = shot
    light = np.asarray(compose(colour, shadow * 0.5, Background.WHITE)).astype(int)
    dark = np.asarray(compose(colour, shadow, Background.WHITE)).astype(int)
    assert (dark <= light).all()
    assert (dark < light).any()


def test_an_edge_mixes_product_and_background(shot):
    colour, shadow = shot
    picture = np.asarray(compose(colour, shadow * 0.0, Background.WHITE)).astype(float)
    wanted = colour[19, 25:55, :3] * (128 / 255) + 255 * (127 / 255)
    assert np.abs(picture[19, 25:55] - wanted).max() <= 1.0


def test_a_transparent_picture_over_white_matches_the_white_one(shot):
    colour, shadow = shot
    cut_out = compose(colour, shadow, Background.TRANSPARENT)
    assert cut_out.mode == "RGBA"
    assert (border(np.asarray(cut_out)[..., 3]) == 0).all()
    laid = Image.alpha_composite(Image.new("RGBA", cut_out.size, "white"), cut_out).convert("RGB")
    white = compose(colour, shadow, Background.WHITE)
    assert np.abs(np.asarray(laid).astype(int) - np.asarray(white).astype(int)).max() <= 2


# --- glass --------------------------------------------------------------------------------------


def pane(reflection: int, through: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Glass that covers the middle: its own display value, a shadow of none, and what comes through."""
    colour = np.zeros((SIDE, SIDE, 4), dtype=np.uint8)
    colour[20:60, 20:60] = (reflection,) * 3 + (255,)
    share = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    share[20:60, 20:60] = through
    return colour, np.zeros((SIDE, SIDE), dtype=np.float32), share


def laid_on(picture: Image.Image, level: int) -> np.ndarray:
    ground = Image.new("RGBA", picture.size, (level, level, level, 255))
    return np.asarray(Image.alpha_composite(ground, picture).convert("RGB")).astype(int)


@pytest.mark.parametrize(("background", "level"), [(Background.GREY, GREY), (Background.BLACK, 0)])
def test_perfectly_clear_glass_is_not_visible(background: Background, level: int):
    colour, shadow, through = pane(0, (1.0, 1.0, 1.0))
    assert (np.asarray(compose(colour, shadow, background, through)) == level).all()
    cut_out = np.asarray(compose(colour, shadow, Background.TRANSPARENT, through))
    assert (cut_out[..., 3] == 0).all()


@pytest.mark.parametrize("reflection", [30, 90, 200])
def test_a_reflecting_pane_is_as_transparent_as_what_comes_through(reflection: int):
    colour, shadow, through = pane(reflection, (0.9, 0.9, 0.9))
    cut_out = compose(colour, shadow, Background.TRANSPARENT, through)
    for background, level in ((Background.BLACK, 0), (Background.WHITE, 255)):
        wanted = np.asarray(compose(colour, shadow, background, through)).astype(int)
        assert np.abs(laid_on(cut_out, level) - wanted).max() <= 2
    assert np.asarray(cut_out)[40, 40, 3] >= reflection


def test_tinted_glass_keeps_its_tint_on_white_and_lets_other_colours_through():
    colour, shadow, through = pane(40, (0.3, 0.8, 0.5))
    cut_out = compose(colour, shadow, Background.TRANSPARENT, through)
    wanted = np.asarray(compose(colour, shadow, Background.WHITE, through)).astype(int)
    assert np.abs(laid_on(cut_out, 255) - wanted).max() <= 2
    assert 100 < np.asarray(cut_out)[40, 40, 3] < 200
    grey = np.asarray(compose(colour, shadow, Background.GREY, through))[40, 40].astype(int)
    assert grey[0] < grey[2] < grey[1] < GREY


def test_a_shadow_is_visible_through_glass():
    colour, shadow, through = pane(0, (1.0, 1.0, 1.0))
    dark = np.asarray(compose(colour, shadow + 0.6, Background.GREY, through))[40, 40]
    assert dark.max() < GREY - 20
    cut_out = compose(colour, shadow + 0.6, Background.TRANSPARENT, through)
    white = np.asarray(compose(colour, shadow + 0.6, Background.WHITE, through)).astype(int)
    assert np.abs(laid_on(cut_out, 255) - white).max() <= 2


def test_the_mask_is_the_coverage(shot):
    colour, _shadow = shot
    mask = mask_of(colour)
    assert mask.mode == "L"
    assert (np.asarray(mask) == colour[..., 3]).all()


@pytest.mark.parametrize(
    ("box", "wanted"),
    [
        ((0, 0, 100, 100), 1.0),
        ((10, 40, 90, 60), 0.8),
        ((40, 3, 60, 98), 0.95),
        ((50, 50, 51, 51), 0.01),
    ],
)
def test_the_fill_is_the_larger_side_of_the_visible_part(box: tuple, wanted: float):
    mask = Image.new("L", (100, 100), 0)
    mask.paste(255, box)
    assert fill_of(mask) == pytest.approx(wanted)


def test_in_a_non_square_picture_the_limiting_direction_sets_the_fill():
    mask = Image.new("L", (100, 200), 0)
    mask.paste(255, (10, 20, 90, 160))
    assert fill_of(mask) == pytest.approx(0.8), "80 % across, 70 % down"
    assert fill_of(mask.transpose(Image.Transpose.ROTATE_90)) == pytest.approx(0.8)


@pytest.mark.parametrize("size", [(60, 90), (91, 40)])
def test_pictures_of_any_shape_have_pure_borders(size: tuple[int, int]):
    width, height = size
    colour = np.zeros((height, width, 4), dtype=np.uint8)
    colour[height // 3 : -height // 3, width // 3 : -width // 3, 3] = 255
    picture = compose(colour, np.ones((height, width), dtype=np.float32), Background.WHITE)
    assert picture.size == size
    assert (border(np.asarray(picture)) == 255).all()
    assert mask_of(colour).size == size


def test_faint_coverage_fills_the_frame_and_noise_does_not():
    assert fill_of(Image.new("L", (100, 100), 0)) == 0.0
    assert fill_of(Image.new("L", (100, 100), NOISE)) == 0.0
    mask = Image.new("L", (100, 100), 0)
    mask.paste(NOISE + 1, (10, 40, 90, 60))
    mask.paste(255, (40, 45, 60, 55))
    assert fill_of(mask) == pytest.approx(0.8)
