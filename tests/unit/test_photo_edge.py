# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a photo has its own edge of the product: only a moved product has a moved edge."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from photoreal_set.imaging.fidelity.photo_edge import photo_edge

SIZE, FINE = 200, 8  # Pixels, and how much finer they are drawn.
GROUND = (225, 225, 230)
RED, WHITE = (200, 60, 50), (240, 235, 225)
OUTLINE = ((30, 90), (100, 60), (170, 90), (100, 130))  # A slab seen from above.


def drawn(colour: tuple[int, int, int], stripe: bool, shadow: bool, move: tuple[float, float]) -> np.ndarray:
    """The slab with a white stripe below its lower edges, or a shadow beside them: display values (h, w, 3)."""
    picture = Image.new("RGB", (SIZE * FINE, SIZE * FINE), GROUND)
    pen = ImageDraw.Draw(picture)

    def corners(down: float) -> list[tuple[float, float]]:
        return [((x + move[0]) * FINE, (y + down + move[1]) * FINE) for x, y in OUTLINE]

    if shadow:
        for step in range(12, 0, -1):
            shade = tuple(round(value * (0.35 + 0.05 * step)) for value in GROUND)
            pen.polygon(corners(step), fill=shade)
    pen.polygon(corners(0), fill=colour)
    if stripe:
        pen.line(corners(-4)[2:] + corners(-4)[:1], fill=WHITE, width=3 * FINE)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX), dtype=np.float32) / 255.0


def mask() -> np.ndarray:
    picture = Image.new("L", (SIZE * FINE, SIZE * FINE))
    ImageDraw.Draw(picture).polygon([(x * FINE, y * FINE) for x, y in OUTLINE], fill=255)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX))


def softened(picture: np.ndarray, blur: float) -> np.ndarray:
    image = Image.fromarray(np.rint(picture * 255.0).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float32) / 255.0


@pytest.mark.parametrize("move", [(0.0, 0.0), (1.0, -0.6), (-0.7, 1.0)])
def test_a_moved_edge_is_found(move: tuple[float, float]):
    product = drawn(RED, False, False, (0.0, 0.0))
    photo = softened(drawn((170, 40, 40), False, False, move), 0.8)
    edge = photo_edge(photo, product, mask())
    assert (edge.right, edge.down) == pytest.approx(move, abs=0.3)


@pytest.mark.parametrize("shadow", [False, True])
def test_the_outline_of_a_thin_part_is_not_a_moved_edge(shadow: bool):
    product = drawn(RED, True, False, (0.0, 0.0))
    edge = photo_edge(softened(drawn((170, 40, 40), True, shadow, (0.0, 0.0)), 0.8), product, mask())
    assert (edge.right, edge.down) == pytest.approx((0.0, 0.0), abs=0.15)


def test_a_dark_shadow_on_one_side_is_not_a_moved_edge():
    dark = (40, 40, 60)
    product = drawn(dark, False, False, (0.0, 0.0))
    edge = photo_edge(softened(drawn(dark, False, True, (0.0, 0.0)), 0.8), product, mask())
    assert np.hypot(edge.right, edge.down) < 0.4


def test_an_edge_farther_off_than_a_photo_in_its_place_can_have_counts_as_unknown():
    product = drawn(RED, False, False, (0.0, 0.0))
    edge = photo_edge(softened(drawn(RED, False, False, (3.5, 0.0)), 0.8), product, mask())
    assert (edge.right, edge.down) == (0.0, 0.0)
