# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fidelity check makes of light: relit renders show what it may change, and print counts in the render's light."""

from typing import Any

import numpy as np
import pytest

from photoreal_set.imaging.compose import to_display, to_linear
from photoreal_set.imaging.fidelity import Reference, Verdict, check_photo
from photoreal_set.imaging.fidelity.surroundings import look_at_ground
from photoreal_set.imaging.fidelity.verdict import Thresholds
from tests.printed_product import CARD, Light, view

Array = Any
SIDE = 256
LIGHTS = (Light(towards=(0.5, 0.3, 0.8)), Light(ambient=(0.5, 0.5, 0.5), gloss=0.05))
OTHER = Light(towards=(0.2, 0.6, 0.7), gloss=0.1)


def reference(*lights: Light) -> Reference:
    seen = view(SIDE)
    return Reference(
        render=seen.picture,
        mask=seen.mask,
        depth=seen.depth,
        normal=seen.normal,
        base_colour=seen.base_colour,
        lights=[view(SIDE, light).picture for light in lights],
    )


@pytest.fixture(scope="module")
def calibrated() -> Reference:
    return reference(*LIGHTS)


def recoloured_carton(gains: tuple[float, float, float]) -> Array:
    """The product in another light; the carton beside the bottle has another colour."""
    carton = (np.abs(view(SIDE).base_colour - np.array(CARD)) < 0.02).all(axis=-1)
    linear = to_linear(view(SIDE, OTHER).picture / 255.0)
    linear = linear * np.where(carton[..., None], np.array(gains), 1.0)
    return np.rint(to_display(linear.clip(0, 1)) * 255).astype(np.uint8)


@pytest.mark.parametrize("lights", [(), LIGHTS])
def test_the_same_product_is_accepted_in_its_own_and_in_another_light(lights: tuple[Light, ...]):
    known = reference(*lights)
    for light in (Light(), OTHER):
        assert check_photo(view(SIDE, light).picture, known).verdict is Verdict.ACCEPT


def test_lost_print_is_named(calibrated: Reference):
    report = check_photo(view(SIDE, lines=("", "")).picture, calibrated)
    assert report.verdict is Verdict.RETRY
    assert report.regions[0].kind == "print"
    assert report.reason.startswith("Print missing or changed")


def test_relit_renders_narrow_the_tolerance_of_a_part_of_another_colour(calibrated: Reference):
    photo = recoloured_carton((1.35, 0.87, 0.65))
    report = check_photo(photo, calibrated)
    assert report.gates["colour"].found == "part"
    assert report.verdict in (Verdict.LOOK, Verdict.RETRY)
    assert check_photo(photo, reference()).verdict is Verdict.ACCEPT


def white_vase(*, waves: float = 1.0, side: float = 0.0) -> dict[str, Array]:
    """A white vase before white, 192 pixels: its outline is a few percent darker than the ground."""
    y, x = np.mgrid[0:192, 0:192] / 192 - 0.5
    width = 0.12 + 0.12 * np.cos((y - 0.05) * 3.2 * waves) ** 2
    body = (np.abs(y) < 0.38) & (np.abs(x) < width)
    across = np.clip(x / width, -1.0, 1.0)
    towards = np.sqrt(1.0 - 0.95 * across**2)
    linear = np.where(body, 0.885 + 0.09 * towards + side * across, 1.0)[..., None] * np.ones(3)
    return {
        "render": np.rint(to_display(linear) * 255).astype(np.uint8),
        "mask": (body * 255).astype(np.uint8),
        "depth": np.where(body, 1.0 - 0.25 * towards, np.inf),
        "normal": np.stack((across, 0.0 * across, towards), axis=-1),
        "base_colour": np.full((192, 192, 3), 0.8),
    }


@pytest.mark.parametrize(("waves", "is_right"), [(1.0, True), (0.5, False), (1.5, False)])
def test_grain_does_not_make_another_shape_of_a_white_product_on_white(waves: float, is_right: bool):
    lights = [white_vase(side=side)["render"] for side in (0.03, -0.03)]
    shown = white_vase(waves=waves, side=0.02)["render"] / 255.0 * 0.98
    grain = np.random.default_rng(1).normal(0.0, 0.01, shown.shape)
    photo = np.rint(np.clip(shown + grain, 0.0, 1.0) * 255).astype(np.uint8)
    report = check_photo(photo, Reference(**white_vase(), lights=lights))
    assert (report.verdict is Verdict.ACCEPT) == is_right, report.reason
    assert (report.gates["pose"].value < 1.0) == is_right


def shadowed(strength: float) -> Array:
    """A ball in the middle of white ground, whose shadow ends at a soft edge beside it; display values, 0 to 1."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    shadow = np.clip((0.42 - np.hypot(columns, (rows - 0.2) * 2.0)) / 0.06, 0.0, 1.0)
    picture = np.repeat((1.0 - strength * shadow)[..., None], 3, axis=2)
    picture[np.hypot(columns, rows) < 0.2] = (0.7, 0.1, 0.1)
    return picture


def test_a_stronger_shadow_is_no_object_in_the_background_and_a_new_object_is():
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    mask = (np.hypot(columns, rows) < 0.2).astype(np.float32)
    with_lines = shadowed(0.25)
    with_lines[::16] *= 0.5

    def edges(photo: Array) -> float:
        return look_at_ground(photo, shadowed(0.25), mask).background.edges

    assert edges(shadowed(0.45)) < Thresholds().background_edges / 2.0
    assert edges(with_lines) > 2.0 * Thresholds().background_edges
