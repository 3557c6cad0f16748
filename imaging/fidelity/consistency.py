# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the photos of a set belong together: one white balance, one exposure, one size of the product.

The quotient of a photo and its render is the light of the photo over that of the render. The same point of the surface
has the same base colour in every angle, so the quotients of two angles at common points differ only by light and tone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compose import to_display
from .colour import MAX_CAST, TO_XYZ
from .relighting import LINEAR
from .windows import shrunk, window_mean

Array = NDArray[Any]

# Tolerances of one photo against the middle of its set.
KELVIN = 150.0  # At 6500 K.
TINT = 0.025  # Logarithm of green over magenta.
EXPOSURE = 0.20  # Logarithm; surfaces turn towards the light and away from it between angles.
FILL = 0.012  # Share of the product's size.

SAMPLES = 160  # Along the longer side.
RIM = 0.015  # Share of the longer side beside the silhouette that is not compared.
DARK, BRIGHT = 0.02, 0.92  # Linear values between which a quotient tells something.
GREY = 0.25  # The weakest channel over the strongest from which a colour tells of the light.
LEAST_SHOWN = 0.1  # The share of the product that must tell something.
CELL = 0.02  # The side of a cell of the surface, in the unit of the points: the longest side of the product.
LEAST_COMMON = 25  # Cells that two angles must share to be compared by them.
ALONE = 0.02  # Weight of an angle's own median against that of its comparisons.
MOST_GAIN = 0.25  # Logarithm by which a photo is changed at most to match its set.
WHITE = 6500.0
_TERMS = np.array(
    ((1.0, 0.0, -1.0), (-0.5, 1.0, -0.5), (1 / 3, 1 / 3, 1 / 3))
)  # Warmth, tint, brightness of red, green, blue.
_CELLS = 1 << 20  # Along each axis, before their numbers repeat.


@dataclass(frozen=True, eq=False)
class SetView:
    """One angle of a set. ``photo`` and ``render``: sRGB display values, uint8 (h, w, 3); they lie on each other.

    ``mask``: coverage, uint8 (h, w). ``points``: places of the surface, (h, w, 3), as ``surface_points`` computes them, or
    None. ``scale``: the size of the product in the photo before it was realigned, in that of the render.
    """

    name: str
    photo: Array
    render: Array
    mask: Array
    points: Array | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Drift:
    """How far a photo is from the middle of its set.

    ``kelvin``: warmer is negative. ``tint``: greener is positive. ``exposure``: brighter is positive; both are natural
    logarithms. ``fill``: larger is positive, a share of the size. ``reason``: one sentence, empty when nothing is wrong.
    ``gains``: logarithms by which the photo's channels are above those of the set.
    """

    name: str
    kelvin: float
    tint: float
    exposure: float
    fill: float
    reason: str
    gains: tuple[float, float, float]

    @property
    def is_consistent(self) -> bool:
        return not self.reason

    @property
    def colour_score(self) -> float:
        """The largest of white balance and exposure in units of its tolerance."""
        return max(abs(self.kelvin) / KELVIN, abs(self.tint) / TINT, abs(self.exposure) / EXPOSURE)

    @property
    def score(self) -> float:
        """The largest finding in units of its tolerance: above 1 the photo has drifted."""
        return max(self.colour_score, abs(self.fill) / FILL)

    @property
    def is_light(self) -> bool:
        """Whether the channels differ by no more than the white balance that the check takes for light.

        A larger difference may be another color of the product: where the product has one color, nothing tells the two
        apart.
        """
        mean = sum(self.gains) / 3.0
        return max(abs(gain - mean) for gain in self.gains) <= math.log1p(MAX_CAST)

    @property
    def can_be_matched(self) -> bool:
        """Whether ``matched`` brings all of the white balance and the exposure to those of the set, and only these."""
        return self.is_light and max(map(abs, self.gains)) <= MOST_GAIN


def score_set(views: Sequence[SetView], hero: str = "") -> list[Drift]:
    """The drift of each photo of a set, in the order of ``views``. A photo that shows too little has no drift.

    ``hero``: the view that decides where half of the photos differ from the other half, as with two photos.
    """
    heroes = [view.name == hero for view in views]
    samples = [_samples(view) for view in views]
    judged = [index for index, sample in enumerate(samples) if sample is not None]
    gains = np.zeros((len(views), 3))
    if len(judged) > 1:
        offsets = _offsets([samples[index] for index in judged])  # type: ignore[misc]  # Those that are not None.
        # Warmth, tint and brightness each have their middle; that of single channels would mix them.
        terms = offsets @ _TERMS.T
        gains[judged] = (terms - _middle(terms, np.array(heroes)[judged])) @ np.linalg.inv(_TERMS).T
    fills = np.log([view.scale for view in views]) if views else np.zeros(0)
    fills = fills - _middle(fills[:, None], np.array(heroes))[0] if views else fills
    return [_drift(view.name, own, float(fill)) for view, own, fill in zip(views, gains, fills, strict=True)]


def _middle(values: Array, is_hero: Array) -> Array:
    """The median of each column of ``values``, (n, k). Of the two middle values of an even number, that nearer to the
    hero's; their mean without a hero."""
    if len(values) % 2 or not is_hero.any():
        middle: Array = np.median(values, axis=0)
        return middle
    ordered = np.sort(values, axis=0)
    low, high = ordered[len(values) // 2 - 1], ordered[len(values) // 2]
    own = values[int(np.argmax(is_hero))]
    return np.where(np.abs(low - own) <= np.abs(high - own), low, high)


def matched(photo: Array, mask: Array, drift: Drift) -> Array:
    """The photo with the product's white balance and exposure brought to those of its set: uint8 (h, w, 3).

    ``photo``: uint8 (h, w, 3). ``mask``: coverage, uint8 (h, w). The ground stays.
    """
    gain = np.exp(-np.clip(drift.gains, -MOST_GAIN, MOST_GAIN))
    changed = to_display(np.minimum(LINEAR[photo] * gain, 1.0)) * 255.0
    share = mask[..., None] / 255.0
    return np.rint(photo + share * (changed - photo)).clip(0, 255).astype(np.uint8)


def surface_points(
    depth: Array,
    matrix: Array,
    half: float,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    is_flat: bool = False,
) -> Array:
    """Places in the world of what a camera sees, (h, w, 3); not finite where there is no surface.

    ``depth``: (h, w), along the axis of the camera. ``matrix``: 4x4, camera to world, in Blender's convention. ``half``:
    half the longer side of the picture, as a tangent, or a length when the camera ``is_flat``, without perspective.
    ``shift``: share of the longer side.
    """
    height, width = depth.shape
    pixel = 2.0 * half / max(height, width)
    across = (np.arange(width) + 0.5 - width / 2.0) * pixel + shift[0] * 2.0 * half
    along = (height / 2.0 - np.arange(height) - 0.5) * pixel + shift[1] * 2.0 * half
    x, y = np.meshgrid(across, along)
    scale = 1.0 if is_flat else depth
    local = np.stack((x * scale, y * scale, -depth * np.ones_like(x)), axis=-1)
    rotation, place = np.asarray(matrix)[:3, :3], np.asarray(matrix)[:3, 3]
    with np.errstate(invalid="ignore"):
        points: Array = local @ rotation.T + place
    return points


def daylight(kelvin: float) -> Array:
    """The linear sRGB colour (3,) of daylight, with a green of 1: CIE 015, formula for 4000 to 7000 K."""
    inverse = 1000.0 / kelvin
    x = -4.6070 * inverse**3 + 2.9678 * inverse**2 + 0.09911 * inverse + 0.244063
    y = -3.0 * x**2 + 2.870 * x - 0.275
    colour = np.linalg.solve(TO_XYZ, np.array((x / y, 1.0, (1.0 - x - y) / y)))
    white: Array = colour / colour[1]
    return white


def _warmth(kelvin: float) -> float:
    red, _green, blue = daylight(kelvin)
    return float(np.log(red / blue))


_PER_KELVIN = (_warmth(WHITE + 250.0) - _warmth(WHITE - 250.0)) / 500.0


def _samples(view: SetView) -> tuple[Array, Array | None] | None:
    """Logarithms of photo over render, (n, 3), and their places, (n, 3); None when the view shows too little."""
    side = max(view.mask.shape)
    step = max(1, side // SAMPLES)
    inside = shrunk(view.mask >= 254, max(1, round(RIM * side)))[::step, ::step]
    photo, render = (
        np.stack(
            [window_mean(LINEAR[item[..., band]], step)[::step, ::step] for band in range(3)],
            axis=-1,
        )
        for item in (view.photo, view.render)
    )
    good = inside.copy()
    for item in (photo, render):
        good &= (item.min(axis=-1) > DARK) & (item.max(axis=-1) < BRIGHT)
    # The contrast of a photo changes the weak channels of a saturated colour as if the light had another colour.
    good &= render.min(axis=-1) > GREY * render.max(axis=-1)
    shown = inside.sum()
    places = None if view.points is None else view.points[::step, ::step]
    if places is not None:
        good &= np.isfinite(places).all(axis=-1)
    if good.sum() < max(LEAST_COMMON, LEAST_SHOWN * shown):
        return None
    return np.log(photo[good] / render[good]), None if places is None else places[good]


def _offsets(samples: Sequence[tuple[Array, Array | None]]) -> Array:
    """Logarithms of the light of each angle, (n, 3).

    Colour: weighted least squares over the pairs that share surface. Brightness: of each angle as a whole, because the
    same point has another light in each angle.
    """
    count = len(samples)
    brightness = [float(np.median(quotients.mean(axis=1))) for quotients, _places in samples]
    coloured = [(quotients - quotients.mean(axis=1, keepdims=True), places) for quotients, places in samples]
    cells = [_cells(*sample) for sample in coloured]
    normal = ALONE * np.eye(count)
    wanted = ALONE * np.array([np.median(quotients, axis=0) for quotients, _places in coloured])
    for first, second in combinations(range(count), 2):
        common, one, other = np.intersect1d(
            cells[first][0], cells[second][0], assume_unique=True, return_indices=True
        )
        if len(common) < LEAST_COMMON:
            continue
        apart = np.median(cells[first][1][one] - cells[second][1][other], axis=0)
        weight = len(common) / (len(common) + LEAST_COMMON)
        step = np.zeros(count)
        step[[first, second]] = 1.0, -1.0
        normal += weight * np.outer(step, step)
        wanted += weight * np.outer(step, apart)
    offsets: Array = np.linalg.solve(normal, wanted) + np.array(brightness)[:, None]
    return offsets


def _cells(quotients: Array, places: Array | None) -> tuple[Array, Array]:
    """The numbers of the cells of the surface, (n,), and their mean quotients, (n, 3)."""
    if places is None:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 3))
    indices = np.floor(places / CELL).astype(np.int64) % _CELLS
    keys = (indices[:, 0] * _CELLS + indices[:, 1]) * _CELLS + indices[:, 2]
    numbers, index, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = [np.bincount(index.reshape(-1), quotients[:, band]) for band in range(3)]
    return numbers, np.stack(sums, axis=1) / counts[:, None]


def _drift(name: str, gains: Array, fill: float) -> Drift:
    warmth, tint, exposure = (float(term) for term in _TERMS @ gains)
    kelvin = warmth / _PER_KELVIN
    red, green, blue = (float(gain) for gain in gains)
    findings = (
        (abs(kelvin) > KELVIN, f"{abs(kelvin):.0f} K {'warmer' if kelvin < 0.0 else 'cooler'}"),
        (abs(tint) > TINT, "greener" if tint > 0.0 else "more magenta"),
        (abs(exposure) > EXPOSURE, f"{abs(exposure):.0%} {'brighter' if exposure > 0.0 else 'darker'}"),
        (abs(fill) > FILL, f"{abs(fill):.1%} {'larger' if fill > 0.0 else 'smaller'}"),
    )
    words = [text for is_found, text in findings if is_found]
    reason = f"The product is {' and '.join(words)} than in the other photos." if words else ""
    return Drift(name, kelvin, tint, exposure, fill, reason, (red, green, blue))
