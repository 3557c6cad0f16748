# SPDX-License-Identifier: GPL-3.0-or-later
"""A locked photo has the light and surroundings of the photo, and the shape and print of its render."""

from typing import Any

import numpy as np
import pytest

from photoreal_set.imaging.choices import Lock
from photoreal_set.imaging.compose import to_display
from photoreal_set.imaging.fidelity.locking import lock_photo
from photoreal_set.imaging.fidelity.print_areas import print_areas
from photoreal_set.imaging.fidelity.windows import grown, shrunk, window_mean
from photoreal_set.messages.errors import InputError
from tests.printed_product import Light, View, on_ground, photographed, sloping_ground, view

SIZE = 256
WARM = Light((0.7, 0.3, 0.6), (1.0, 0.85, 0.65), (0.12, 0.14, 0.18), 0.5)
SCRAMBLED = ("QUX Va 71", "WHITE 93")
PLAIN = (slice(30, 80), slice(60, 140))  # The bottle above its label.


@pytest.fixture(scope="module")
def reference() -> View:
    return view(SIZE)


@pytest.fixture(scope="module")
def truth() -> View:
    """What a perfect photo shows."""
    return on_ground(view(SIZE, WARM), sloping_ground(SIZE))


@pytest.fixture(scope="module")
def broken() -> np.ndarray:
    """The photo: its label is scrambled, and everything is a pixel off and soft."""
    return photographed(on_ground(view(SIZE, WARM, lines=SCRAMBLED), sloping_ground(SIZE)))


def lock(photo: np.ndarray, reference: View, what: Lock = Lock.ALL, **without: Any) -> np.ndarray:
    passes = {"depth": reference.depth, "normal": reference.normal, "base_colour": reference.base_colour}
    return lock_photo(photo, reference.picture, reference.mask, **{**passes, **without}, what=what)


def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Levels between two pictures in the channel that differs most, (h, w)."""
    return np.abs(first.astype(int) - second.astype(int)).max(axis=-1)


def label_of(reference: View) -> np.ndarray:
    found = print_areas(
        reference.picture, reference.mask, reference.depth, reference.normal, reference.base_colour
    )
    return found.areas


def edge_agreement(picture: np.ndarray, reference: np.ndarray, where: np.ndarray) -> float:
    """The F measure of edges in ``where`` with one pixel of tolerance.

    An edge is a step of 12 % between neighbours, which light does not make.
    """
    found, wanted = (_edges(item) & where for item in (picture, reference))
    precise, complete = (found & grown(wanted, 1)).sum(), (wanted & grown(found, 1)).sum()
    return float(2.0 / (found.sum() / max(precise, 1) + wanted.sum() / max(complete, 1)))


def _edges(picture: np.ndarray) -> np.ndarray:
    logs = np.log(picture.astype(float).mean(axis=-1) + 8.0)
    steps = np.zeros(logs.shape)
    steps[:, 1:] = np.abs(np.diff(logs, axis=1))
    steps[1:] = np.maximum(steps[1:], np.abs(np.diff(logs, axis=0)))
    return steps > np.log(1.12)


def test_print_and_shape_are_those_of_the_render(reference: View, broken: np.ndarray):
    label = label_of(reference)
    assert edge_agreement(broken, reference.picture, label) < 0.9
    for what in (Lock.LABELS, Lock.EDGES, Lock.ALL):
        assert edge_agreement(lock(broken, reference, what), reference.picture, label) >= 0.95, what


def test_light_and_tone_are_those_of_the_photo(reference: View, truth: View, broken: np.ndarray):
    inside = shrunk(reference.mask == 255, 2) & ~label_of(reference)
    difference = apart(lock(broken, reference), truth.picture)
    assert np.median(difference[inside]) <= 2
    assert np.percentile(difference[inside], 95) <= 8
    assert difference[PLAIN].max() <= 8


def test_the_silhouette_has_no_seam_and_no_halo(reference: View, truth: View, broken: np.ndarray):
    """The photo's product covers the ground beside the mask by two pixels, and the ground covers the product."""
    outside = reference.mask == 0
    assert apart(broken, truth.picture)[outside].max() > 40
    for what in (Lock.EDGES, Lock.ALL):
        difference = apart(lock(broken, reference, what), truth.picture)
        assert np.percentile(difference[outside & grown(~outside, 4)], 99) <= 4, what
        assert difference[outside & ~grown(~outside, 1)].max() <= 10, what
        rim = grown(outside, 2) & ~outside
        assert np.percentile(difference[rim], 90) <= 6, what


@pytest.mark.parametrize("ground", [(245.0, 30.0, 220.0), (20.0, 20.0, 20.0), (235.0, 235.0, 235.0)])
def test_the_ground_does_not_tint_the_product(reference: View, ground: tuple[float, float, float]):
    lit = view(SIZE, WARM)
    photo = photographed(on_ground(lit, sloping_ground(SIZE, ground)))
    wanted = on_ground(lit, sloping_ground(SIZE, ground)).picture
    rim = shrunk(reference.mask == 255, 0) & grown(reference.mask < 255, 3)
    assert np.percentile(apart(photo, wanted)[rim], 95) > 30
    assert np.percentile(apart(lock(photo, reference), wanted)[rim], 95) <= 12


def test_a_lock_of_labels_leaves_the_rest_of_the_photo_alone(reference: View, broken: np.ndarray):
    locked = lock(broken, reference, Lock.LABELS)
    changed = (locked != broken).any(axis=-1)
    assert not changed[~grown(label_of(reference), 6)].any()
    assert not changed[reference.mask == 0].any()


def test_a_lock_of_edges_keeps_what_the_photo_shows_between_them(reference: View, truth: View):
    spotted = truth.picture.copy()
    spotted[52:55, 97:100] //= 2
    assert (lock(spotted, reference, Lock.EDGES)[45:62, 90:106] == spotted[45:62, 90:106]).all()
    kept = apart(lock(spotted, reference), truth.picture)[45:62, 90:106].max()
    assert kept < 0.7 * apart(spotted, truth.picture)[45:62, 90:106].max()


def test_erased_print_comes_back_as_dark_as_it_was(reference: View, truth: View):
    erased = photographed(on_ground(view(SIZE, WARM, lines=("", "")), sloping_ground(SIZE)))
    locked = lock(erased, reference)
    label = label_of(reference)
    assert edge_agreement(locked, reference.picture, label) >= 0.95
    assert np.median(apart(locked, truth.picture)[label]) <= 6


def test_without_passes_the_print_is_still_that_of_the_render(reference: View, broken: np.ndarray):
    locked = lock(broken, reference, depth=None, normal=None, base_colour=None)
    assert edge_agreement(locked, reference.picture, label_of(reference)) >= 0.95


def test_a_photo_that_is_the_render_stays_as_it_is(reference: View):
    assert apart(lock(reference.picture, reference), reference.picture).max() <= 3


def test_nothing_is_locked_without_a_product_or_a_wish(reference: View, broken: np.ndarray):
    assert (lock(broken, reference, Lock.NONE) == broken).all()
    empty = lock_photo(broken, reference.picture, np.zeros_like(reference.mask))
    assert (empty == broken).all()


def test_a_product_that_fills_the_frame_is_locked(reference: View, broken: np.ndarray):
    part = slice(95, 166), slice(60, 140)
    mask = np.full((71, 80), 255, dtype=np.uint8)
    locked = lock_photo(broken[part], reference.picture[part], mask, base_colour=reference.base_colour[part])
    assert edge_agreement(locked, reference.picture[part], mask > 0) >= 0.95


def test_pictures_of_different_sizes_are_refused(reference: View, broken: np.ndarray):
    with pytest.raises(InputError, match="The photo is 200 x 256 pixels and the render 256 x 256"):
        lock(broken[:, :200], reference)


def test_gloss_over_print_is_kept_where_the_photo_shows_that_print(reference: View, truth: View):
    deep = shrunk(reference.mask == 255, 8)
    locked = lock(photographed(truth), reference)
    first, second = (window_mean(item.mean(axis=-1), 8) for item in (locked, truth.picture))
    assert np.abs(first - second)[deep].max() <= 8
    assert edge_agreement(locked, truth.picture, label_of(reference)) >= 0.95


def test_the_ink_of_a_soft_photo_is_not_taken_for_glossy():
    matt = view(2 * SIZE, Light(gloss=0.0))
    truth = view(2 * SIZE, Light((0.3, 0.5, 0.7), (0.7, 0.7, 0.7), (0.2, 0.2, 0.2), 0.0))
    locked = lock(photographed(truth, blur=3.0), matt)
    ink = shrunk(matt.base_colour.max(axis=-1) < 0.05, 1) & label_of(matt)
    assert ink.sum() > 50
    assert np.median(apart(locked, truth.picture)[ink]) <= 6


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0, 2.5])
def test_light_does_not_leak_across_a_slanted_outline(slope: float):
    """Metal above red print: the metal reflects a lamp in the photo, the print looks as in the render."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    below = (rows - SIZE / 2 - slope * (columns - SIZE / 2)) / np.hypot(1.0, slope)
    ink = (below + 0.5).clip(0.0, 1.0)[..., None]
    red = np.array((0.4, 0.04, 0.04))

    def seen(metal: float) -> np.ndarray:
        return np.rint(to_display(ink * red + (1.0 - ink) * metal) * 255.0).astype(np.uint8)

    inside = np.full((SIZE, SIZE), 255, dtype=np.uint8)
    locked = lock_photo(
        seen(0.9), seen(0.35), inside, base_colour=(ink * red + (1.0 - ink) * 0.8).astype(np.float32)
    )
    difference = apart(locked, seen(0.9))[8:-8, 8:-8]
    assert difference[np.abs(below)[8:-8, 8:-8] > 1.5].max() <= 4
    assert difference.max() <= 12
