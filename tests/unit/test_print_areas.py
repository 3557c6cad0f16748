# SPDX-License-Identifier: GPL-3.0-or-later
"""Print is found where the base colour has an edge and the surface has none."""

from typing import Any

import numpy as np
import pytest

from photoreal_set.imaging.fidelity.print_areas import PrintAreas, print_areas
from photoreal_set.imaging.fidelity.surface import surface_breaks
from photoreal_set.imaging.fidelity.windows import closed, grown, shrunk, window_mean
from tests.printed_product import View, view

SIZE = 256
LABEL = (slice(95, 166), slice(56, 148))  # Rows and columns of the label's middle, in pixels of SIZE.
HIGHLIGHT = (slice(30, 85), slice(60, 140))  # Plain glass above the label.


@pytest.fixture(scope="module")
def seen() -> View:
    return view(SIZE)


def areas(seen: View, **without: Any) -> PrintAreas:
    passes = {"depth": seen.depth, "normal": seen.normal, "base_colour": seen.base_colour, **without}
    return print_areas(seen.picture, seen.mask, **passes)


def test_the_label_is_print_as_a_whole_and_its_letters_are_text(seen: View):
    found = areas(seen)
    assert found.areas[LABEL].mean() > 0.95
    assert found.text[LABEL].mean() > 0.2
    assert not found.text[HIGHLIGHT].any()
    assert not found.from_render


def test_a_stripe_is_print_and_an_edge_of_the_surface_is_not(seen: View):
    found = areas(seen)
    assert found.areas[165:183, 152:182].mean() > 0.8
    assert not found.edges[188:230, 184:196].any()
    assert not found.edges[seen.mask == 0].any()


def test_plain_surfaces_and_highlights_are_not_print(seen: View):
    assert not areas(seen).areas[HIGHLIGHT].any()


def test_without_a_base_colour_the_render_shows_the_print(seen: View):
    found = areas(seen, base_colour=None)
    assert found.from_render
    assert found.areas[LABEL].mean() > 0.9
    assert not found.areas[HIGHLIGHT].any()
    assert not found.edges[188:230, 184:196].any()


def test_nothing_but_the_render_is_enough(seen: View):
    found = areas(seen, depth=None, normal=None, base_colour=None)
    assert found.areas[LABEL].mean() > 0.9


def test_a_picture_without_product_has_no_print(seen: View):
    found = print_areas(seen.picture, np.zeros_like(seen.mask), seen.depth, seen.normal, seen.base_colour)
    assert not (found.edges.any() or found.areas.any() or found.text.any())


def test_depth_counts_in_any_unit_and_direction(seen: View):
    """A 16-bit picture of depth, where near is large, breaks where distances do."""
    known = np.isfinite(seen.depth)
    near, far = seen.depth[known].min(), seen.depth[known].max()
    stored = np.where(known, 1.0 + (far - np.where(known, seen.depth, far)) / (far - near) * 65534.0, 0.0)
    first = surface_breaks(seen.mask, seen.depth, None)
    second = surface_breaks(seen.mask, np.rint(stored).astype(np.uint16), None)
    for one, other in zip(first, second, strict=True):
        assert (one != other).sum() <= 0.02 * one.sum()


def test_the_surface_breaks_between_bottle_and_carton_and_at_its_corner(seen: View):
    across, along = surface_breaks(seen.mask, seen.depth, seen.normal)
    assert across[150:220, 146:151].any(axis=1).all()
    assert across[150:220, 187:192].any(axis=1).all()
    assert not across[100:130, 60:146].any()
    assert not along[100:130, 60:146].any()


def test_windows_are_exact_and_keep_to_the_border():
    values = np.zeros((9, 9), dtype=bool)
    values[4, 4] = True
    assert window_mean(values, 1)[3:6, 3:6] == pytest.approx(np.full((3, 3), 1 / 9))
    assert grown(values, 2).sum() == 25
    assert (shrunk(grown(values, 2), 2) == values).all()
    assert shrunk(np.ones((5, 5), dtype=bool), 2).all()
    values[4, 7] = True
    assert closed(values, 1)[4, 4:8].all()
    values[4, 5:8] = False
    values[4, 8] = True
    assert not closed(values, 1)[4, 5:8].any()
