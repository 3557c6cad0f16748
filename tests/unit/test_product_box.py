# SPDX-License-Identifier: GPL-3.0-or-later
"""The box around a product: upright, or along a product that lies askew."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from photoreal_set.imaging.fidelity.product_box import box_around

WIDTH, HEIGHT = 300, 200


def mask(*corners: tuple[float, float]) -> np.ndarray:
    picture = Image.new("L", (WIDTH * 4, HEIGHT * 4))
    ImageDraw.Draw(picture).polygon([(x * 4, y * 4) for x, y in corners], fill=255)
    return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX), dtype=np.float32) / 255.0


def test_a_box_is_upright_where_that_is_smaller():
    box = box_around(mask((60, 40), (240, 40), (240, 140), (60, 140)))
    assert sorted(box.sides) == pytest.approx([100 / WIDTH, 180 / WIDTH], abs=0.005)
    assert box.corners.min(axis=0) == pytest.approx([-90 / WIDTH, -60 / WIDTH], abs=0.005)
    assert box.corners.max(axis=0) == pytest.approx([90 / WIDTH, 40 / WIDTH], abs=0.005)


def test_a_box_lies_along_a_thin_product_that_lies_askew():
    box = box_around(mask((60, 40), (68, 34), (240, 160), (232, 166)))
    assert box.thickness == pytest.approx(10 / WIDTH, abs=0.006)
    assert max(box.sides) == pytest.approx(np.hypot(172, 126) / WIDTH, abs=0.02)


def test_a_single_pixel_has_a_box():
    one = np.zeros((20, 20))
    one[3, 4] = 1.0
    assert box_around(one).sides == pytest.approx((0.05, 0.05))
