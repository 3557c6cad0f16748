# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks a photo to its render: the light, tone, surroundings and shadow of the photo on the shape and print of the render.

Inside the mask, the quotient of photo and render is smoothed along the surface and laid on the render. What the render
shows sharply stays sharp and in its place; what the photo changed within the smoothing length disappears.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...messages.errors import InputError
from ..choices import Lock
from ..compose import to_display, to_linear
from .print_areas import PrintAreas, print_areas, printed_colour
from .print_outlines import agreed_outlines
from .smoothing import smoothed
from .surface import shifted, surface_bends, surface_breaks
from .windows import filled, grown, shrunk, window_mean

Array = NDArray[Any]
Box = tuple[slice, slice]

# Shares of the longer side of the picture.
PLAIN = 0.006  # The smoothing length on plain surfaces: finer light of the photo is lost, finer damage too.
PRINTED = 0.012  # The smoothing length on print, whose strokes in the photo are not to be trusted.
AROUND = 0.03  # The smoothing length for the light with which the photo's print is compared.
# The edge of the photo's product may be this far from the mask, by blur or misregistration; at least so many pixels.
SPILL, LEAST_SPILL = 0.003, 3
WIDE = 0.01  # Print at least so wide, such as a label, has its own light where the photo shows its outline.
MARGIN = 0.004  # Around print and edges that are locked, and again as far until only the photo shows.

EDGE = 3  # Pixels beside open ground in which partial coverage is the edge of the product, and not its material.

BREAK = 20.0  # Smoothing lengths that a break of the surface counts for: nothing passes.
BEND = 10.0  # Degrees of a bend that count as one smoothing length.
# A step of the render's own light, as a logarithm, that counts as one smoothing length, and the step below which none
# counts. Without it, the render's reflections would shine through as ghosts beside those of the photo.
LIGHT_STEP, LIGHT_NOISE = 0.25, 0.04
EVEN = 0.05  # Logarithm between neighbours up to which the base colour is even.
RIM_WEIGHT = 1e-4  # Of pixels beside the silhouette: they count where nothing else is near.
DIFFERENT = 0.25  # Logarithm of the quotient of photo and light on the render, from which print is not the same.
LOWEST, HIGHEST = 0.1, 6.0  # Gain of the light; beyond them, the light is added instead. They tame noise in black.
DARKEST = 2e-3  # Linear. It keeps quotients of black finite.
COARSE = 4  # Pixels in each direction from which the light on print is first estimated.
# Correlation of the contrast of print in photo and render: not the same print up to the first, the same from the second.
UNLIKE, ALIKE = 0.75, 0.9
LEAST_PRINT = 0.05  # Contrast of print from which gloss can be told from light.
LUMINANCE = np.array((0.2126, 0.7152, 0.0722), dtype=np.float32)  # Of linear sRGB.

_LINEAR, _LINEAR_FINE = (to_linear(np.linspace(0.0, 1.0, steps)).astype(np.float32) for steps in (256, 4096))
_DISPLAY = to_display(np.arange(65536) / 65535.0).astype(np.float32)


@dataclass(frozen=True)
class _Surface:
    """The part of a view around its product. Display values are uint8, depth and normals as they were given."""

    photo: Array
    render: Array
    mask: Array
    depth: Array | None
    normal: Array | None
    base_colour: Array | None
    side: int

    @property
    def spill(self) -> int:
        return max(LEAST_SPILL, self.pixels(SPILL))

    def pixels(self, share: float) -> int:
        """A share of the longer side of the whole picture, at least one pixel."""
        return max(1, round(share * self.side))


def lock_photo(
    photo: Array,
    render: Array,
    mask: Array,
    depth: Array | None = None,
    normal: Array | None = None,
    base_colour: Array | None = None,
    what: Lock = Lock.ALL,
) -> Array:
    """The photo with what ``what`` names taken from the render: sRGB display values, uint8 (h, w, 3).

    ``photo``: sRGB display values, uint8 (h, w, 3), aligned to the render to a pixel. ``render``, ``depth``,
    ``normal`` and ``base_colour``: as for ``print_areas``. ``mask``: coverage (h, w), uint8, or float from 0 to 1. Outside the mask the photo stays, except for the edge of its
    own product. Raises InputError when the pictures differ in size.
    """
    for name, given in (("photo", photo), ("mask", mask), ("depth", depth), ("normals", normal)):
        if given is not None and given.shape[:2] != render.shape[:2]:
            height, width = render.shape[:2]
            raise InputError(
                f"The {name} is {given.shape[1]} x {given.shape[0]} pixels and the render {width} x {height}. "
                "Align them before locking."
            )
    result: Array = np.array(photo[..., :3])
    box = _box(mask)
    if what is Lock.NONE or box is None:
        return result
    mask = mask if mask.dtype == np.uint8 else np.rint(mask * 255.0).astype(np.uint8)
    whole = (photo[..., :3], render[..., :3], mask, depth, normal, base_colour)
    seen = _Surface(*(None if item is None else item[box] for item in whole), side=max(mask.shape))  # type: ignore[arg-type]  # Only passes are None.
    result[box] = _locked(seen, what)
    return result


def _box(mask: Array) -> Box | None:
    """Rows and columns around the product, with room for its spilled edge; None without a product."""
    rows, columns = (np.flatnonzero((mask > 0).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    room = 2 * max(LEAST_SPILL, round(SPILL * max(mask.shape))) + EDGE
    return (
        slice(max(0, rows[0] - room), rows[-1] + room + 1),
        slice(max(0, columns[0] - room), columns[-1] + room + 1),
    )


def _locked(seen: _Surface, what: Lock) -> Array:
    breaks = surface_breaks(seen.mask, seen.depth, seen.normal)
    printed = print_areas(seen.render, seen.mask, seen.depth, seen.normal, seen.base_colour)
    product, coverage = _product(seen)
    linear = _LINEAR_FINE[_index(product, 4095)]
    lit = _DISPLAY[_index(_lit(seen, linear, coverage, breaks, printed), 65535)]
    photo = seen.photo.astype(np.float32) / 255.0
    ground = photo
    if what is not Lock.LABELS:
        ground = filled(photo, ~grown(seen.mask > 0, seen.spill), seen.spill + 2 * EDGE)
    locked = lit * coverage + ground * (1.0 - coverage)
    share = _share(seen, what, breaks, printed)
    mixed = locked if share is None else photo + share[..., None] * (locked - photo)
    return np.rint(mixed * 255.0).astype(np.uint8)


def _share(seen: _Surface, what: Lock, breaks: tuple[Array, Array], printed: PrintAreas) -> Array | None:
    """How much of each pixel is locked, (h, w), 0 to 1; None for all of it."""
    if what is Lock.ALL:
        return None
    locked = printed.areas
    if what is Lock.EDGES:
        silhouette = grown(seen.mask < 254, 1)
        locked = locked | grown(silhouette | printed.edges | breaks[0] | breaks[1], seen.pixels(MARGIN))
    margin = seen.pixels(MARGIN)
    share = window_mean(grown(locked, 2 * margin), margin)
    if what is Lock.LABELS:  # The silhouette stays that of the photo.
        share = np.minimum(share, window_mean(shrunk(seen.mask >= 254, margin), margin))
    return share


def _product(seen: _Surface) -> tuple[Array, Array]:
    """The product without the ground that shines through its edge, display values, and its coverage, (h, w, 1).

    Where the ground is seen through the product itself and not beside its edge, it belongs to the product.
    """
    open_ground = seen.mask == 0
    at_edge = grown(open_ground, EDGE)
    coverage = np.where(at_edge, seen.mask / np.float32(255.0), np.float32(1.0))[..., None]
    render = seen.render.astype(np.float32) / np.float32(255.0)
    ground = filled(render, open_ground, EDGE)
    product = (render - (1.0 - coverage) * ground) / np.maximum(coverage, 0.02)
    return np.where(coverage < 1.0, product.clip(0.0, 1.0), render), coverage


def _lit(
    seen: _Surface, product: Array, coverage: Array, breaks: tuple[Array, Array], printed: PrintAreas
) -> Array:
    """The render's product under the photo's light: linear, (h, w, 3), 0 to 1."""
    photo, render = (np.ascontiguousarray(item.transpose(2, 0, 1)) for item in (_LINEAR[seen.photo], product))
    on_print = window_mean(printed.areas, seen.pixels(MARGIN))
    colour = printed_colour(seen.render, seen.base_colour)
    outlines = agreed_outlines(photo, render, colour, printed.edges, seen.spill, seen.pixels(WIDE))
    breaks = breaks[0] | outlines[0], breaks[1] | outlines[1]
    distances = _distances(seen, render, breaks, on_print)
    weight = _weight(seen, coverage, breaks)
    agreement, gloss = _light_on_print(photo, render, weight, distances)
    weight *= 1.0 - on_print + on_print * agreement
    sums = smoothed(np.concatenate((photo * weight, render * weight, (weight, gloss * weight))), *distances)
    photo_mean, render_mean, gloss = (item / np.maximum(sums[6], 1e-12) for item in (sums[:3], sums[3:6], sums[7]))
    gain = ((photo_mean + DARKEST) / (render_mean + DARKEST)).clip(LOWEST, HIGHEST) * (1.0 - on_print * gloss)
    lit = gain * render + (photo_mean - gain * render_mean)
    return np.clip(lit, 0.0, 1.0).transpose(1, 2, 0)


def _weight(seen: _Surface, coverage: Array, breaks: tuple[Array, Array]) -> Array:
    """How far the photo's pixels can be trusted to show the light on the surface they are on, (h, w)."""
    edge = grown(coverage[..., 0] < 1.0, seen.spill) | grown(breaks[0] | breaks[1], seen.spill)
    return np.where(seen.mask == 0, 0.0, np.where(edge, RIM_WEIGHT, 1.0)).astype(np.float32)


def _distances(
    seen: _Surface, render: Array, breaks: tuple[Array, Array], on_print: Array
) -> tuple[Array, Array]:
    """The distance of each pixel from the one to its left and from the one above it, in smoothing lengths."""
    steady = (1.0 - on_print) / seen.pixels(PLAIN) + on_print / seen.pixels(PRINTED)
    bends = (0.0, 0.0) if seen.normal is None else surface_bends(seen.mask, seen.normal)
    across, along = (
        steady + BREAK * broken + bend / BEND + step
        for broken, bend, step in zip(breaks, bends, _light_steps(seen, render, on_print), strict=True)
    )
    return across, along


def _light_steps(seen: _Surface, render: Array, on_print: Array) -> tuple[Array, Array]:
    """Sharp steps of the render's light, such as the edges of reflections, in smoothing lengths: two (h, w).

    On print, they are known where the base colour is even.
    """
    light = np.log(_luminance(render) + DARKEST)
    whole = seen.mask >= 254
    counts: Array = 1.0 - on_print
    if seen.base_colour is not None:
        base = np.log(_luminance(seen.base_colour[..., :3].transpose(2, 0, 1)) + DARKEST)
        uneven = [np.abs(base - shifted(base, -1, axis)) > EVEN for axis in (0, 1)]
        light -= base
        counts = np.where(grown(uneven[0] | uneven[1], 1), counts, 1.0)
    across, along = (
        np.maximum(np.abs(light - shifted(light, -1, axis)) - LIGHT_NOISE, 0.0)
        * (whole & shifted(whole, -1, axis))
        * counts
        / LIGHT_STEP
        for axis in (1, 0)
    )
    return across, along


def _light_on_print(
    photo: Array, render: Array, weight: Array, distances: tuple[Array, Array]
) -> tuple[Array, Array]:
    """How far photo and render show the same print, and the share of the photo's light that is gloss: two (h, w), 0 to 1.

    Ink that the photo lost or invented would otherwise count as light or shadow. Gloss lights ink and paper alike; it
    shows in the contrast of print between blocks, which neither blur nor wrong letters change much.
    """
    first, second = _luminance(photo), _luminance(render)
    total = np.maximum(_blocks(weight), 1e-12)
    seen, known = _blocks(first * weight) / total, _blocks(second * weight) / total
    lengths = [_blocks(distance) / COARSE * (PRINTED / AROUND) for distance in distances]
    contrasts = sum(_contrasts(seen, known, length, axis) for length, axis in zip(lengths, (1, 0), strict=True))
    sums = smoothed(np.concatenate(((total, seen * total, known * total), contrasts * total)), *lengths)
    shown, true, shown_2, true_2, both = sums[1:] / np.maximum(sums[0], 1e-12)
    gain = (shown + DARKEST) / (true + DARKEST)
    alike = both / np.sqrt(np.maximum(shown_2 * true_2, 1e-12))
    contrast = both / np.maximum(true_2, 1e-12) / gain
    trust = ((alike - UNLIKE) / (ALIKE - UNLIKE)).clip(0.0, 1.0) * (true_2 > (LEAST_PRINT * true) ** 2)
    gloss = trust * (1.0 - contrast).clip(0.0, 1.0)
    model = _enlarged((1.0 - gloss) * gain, weight.shape) * second + _enlarged(gloss * shown, weight.shape)
    rest = np.log((first + DARKEST) / (model + DARKEST))
    return 1.0 / (1.0 + (rest / DIFFERENT) ** 2) ** 2, _enlarged(gloss, weight.shape)


def _contrasts(seen: Array, known: Array, length: Array, axis: int) -> Array:
    """Squares and product of the steps from block to block of two pictures, (3, h, w), without those across breaks.

    Light changes slowly and hardly shows in them.
    """
    first, second = (np.where(length < BREAK / COARSE / 4.0, item - shifted(item, -1, axis), 0.0) for item in (seen, known))
    return np.stack((first**2, second**2, first * second))


def _enlarged(blocks: Array, shape: tuple[int, ...]) -> Array:
    """The values of blocks at each of their pixels."""
    return np.repeat(np.repeat(blocks, COARSE, axis=0), COARSE, axis=1)[: shape[0], : shape[1]]


def _blocks(values: Array) -> Array:
    """Sums over blocks of ``COARSE`` pixels a side; the border is continued."""
    height, width = values.shape
    even = np.pad(values, ((0, -height % COARSE), (0, -width % COARSE)), mode="edge")
    return even.reshape(even.shape[0] // COARSE, COARSE, -1, COARSE).sum(axis=(1, 3))


def _luminance(linear: Array) -> Array:
    """Of linear sRGB, (3, h, w)."""
    luminance: Array = np.tensordot(LUMINANCE, linear, axes=1)
    return luminance


def _index(values: Array, highest: int) -> Array:
    """Places in a table of ``highest + 1`` values from 0 to 1."""
    return np.rint(values * highest).astype(np.uint16)
