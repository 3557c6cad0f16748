# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of a product has its color and as many levels of coverage as were rendered."""

import numpy as np

from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging.edges import REACH, with_smooth_edges  # noqa: E402

SIDE = 64
BLUE = (82, 84, 220)


def disc() -> np.ndarray:
    """The picture of a disc with two samples and dark edges."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    coverage = np.clip(20.0 - np.hypot(x - SIDE / 2, y - SIDE / 2) + 0.5, 0.0, 1.0)
    alpha = np.rint(coverage * 2) / 2
    colour = np.zeros((SIDE, SIDE, 4), dtype=np.uint8)
    colour[alpha > 0] = (*BLUE, 255)
    colour[(alpha > 0) & (alpha < 1)] = (0, 4, 43, 128)
    return colour


def test_an_edge_has_the_color_of_the_product_and_many_levels():
    colour = disc()
    smooth = with_smooth_edges(colour)
    assert len(np.unique(smooth[..., 3])) >= 10
    assert (smooth[smooth[..., 3] > 0][:, :3] == BLUE).all()
    assert ((smooth[..., 3] > 0) == (colour[..., 3] > 0)).all(), "the product is as large as before"
    assert (smooth[24:40, 24:40] == (*BLUE, 255)).all()


def test_a_thread_without_a_solid_part_stays_as_it_is():
    colour = np.zeros((9, 9, 4), dtype=np.uint8)
    colour[4] = (200, 40, 20, 128)
    assert (with_smooth_edges(colour) == colour).all()


def test_a_color_reaches_only_a_few_pixels():
    colour = np.zeros((3, 12, 4), dtype=np.uint8)
    colour[:, 0] = (*BLUE, 255)
    colour[:, 1:] = (9, 9, 9, 128)
    smooth = with_smooth_edges(colour)
    assert (smooth[1, : REACH + 1, :3] == BLUE).all() and (smooth[1, REACH + 1 :, :3] == 9).all()
