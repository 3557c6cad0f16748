# SPDX-License-Identifier: GPL-3.0-or-later
"""The product of a render under the light of a photo.

The quotient of photo and render is smoothed along the surface and laid on the render. What the render shows sharply stays
sharp and in its place; what the photo changed within the smoothing length disappears.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compose import to_display, to_linear
from .photo_edge import PhotoEdge, coverage_in_photo, put_back
from .print_areas import PrintAreas
from .print_light import light_on_print
from .smoothing import smoothed
from .surface import shifted, surface_bends
from .windows import filled, grown, window_mean

Array = NDArray[Any]

# Shares of the longer side of the picture.
PLAIN = 0.006  # The smoothing length on plain surfaces: finer light of the photo is lost, finer damage too.
PRINTED = 0.012  # The smoothing length on print, whose strokes in the photo are not to be trusted.
AROUND = 0.03  # The smoothing length for the light with which the photo's print is compared.
MARGIN = 0.004  # Around print, within which the smoothing length changes.

WHOLE = 0.96  # Of the photo's product in a pixel that shows the light on it.
SOFT = 2  # Pixels beside edges within the product that a soft photo mixes.
LEAST_COVERAGE = 0.02  # That a pixel's colour is divided by.
EDGE = 3  # Pixels below the edge of the mask into which the base colour is continued.

BREAK = 20.0  # Smoothing lengths that a break of the surface counts for: nothing passes.
BEND = 10.0  # Degrees of a bend that count as one smoothing length.
# A step of the render's own light, as a logarithm, that counts as one smoothing length, and the step below which none
# counts. Without it, the render's reflections would shine through as ghosts beside those of the photo.
LIGHT_STEP, LIGHT_NOISE = 0.25, 0.04
EVEN = 0.05  # Logarithm between neighbours up to which the base colour is even.
# Of pixels beside the silhouette and beside outlines: they count where nothing else is near.
RIM_WEIGHT = 1e-4
LEAST_SHOWN = 0.2  # Of the product in a pixel of the photo from which the ground is taken away.
GROUND = 6  # Pixels up to which the photo's ground is continued below the product.
# Times the light beside it: brighter than this, edges of the render gleam only where those of the photo do.
GLEAM = 1.2
LOWEST, HIGHEST = (
    0.1,
    6.0,
)  # Gain of the light; beyond them, the light is added instead. They tame noise in black.
DARKEST = 2e-3  # Linear. It keeps quotients of black finite.
LUMINANCE = np.array((0.2126, 0.7152, 0.0722), dtype=np.float32)  # Of linear sRGB.

# Linear values of the display values of 8 and of 12 bits.
LINEAR, _LINEAR_FINE = (to_linear(np.linspace(0.0, 1.0, steps)).astype(np.float32) for steps in (256, 4096))
_DISPLAY = to_display(np.arange(65536) / 65535.0).astype(np.float32)


@dataclass(frozen=True)
class Scene:
    """A product and what is around it in a picture. Arrays as for ``lock_photo``, with a mask of uint8.

    ``side``: the longer side of the whole picture in pixels, of which this may be a part.
    """

    photo: Array
    render: Array
    mask: Array
    depth: Array | None
    normal: Array | None
    base_colour: Array | None
    side: int

    def pixels(self, share: float) -> int:
        """A share of the longer side of the whole picture, at least one pixel."""
        return max(1, round(share * self.side))


def relit(
    scene: Scene, product: Array, edge: PhotoEdge, breaks: tuple[Array, Array], printed: PrintAreas
) -> Array:
    """The product under the photo's light: display values, float32 (h, w, 3), 0 to 1; outside the mask without meaning.

    ``product``: the render without the ground behind its edge, display values, float (h, w, 3). ``edge``: that of the
    photo. ``breaks``: where light does not pass, between a pixel and the ones to its left and above it: two bool (h, w).
    """
    in_place = put_back(scene.photo, edge)
    photo, render = _planes(LINEAR[in_place]), _planes(_LINEAR_FINE[_index(product, 4095)])
    on_print = window_mean(printed.areas, scene.pixels(MARGIN))
    distances = _distances(scene, render, breaks, on_print)
    wider = distances[0] * (PRINTED / AROUND), distances[1] * (PRINTED / AROUND)
    shown = coverage_in_photo(scene.mask, replace(edge, right=0.0, down=0.0))
    trust = _trust(scene, shown, breaks)
    agreement, gloss = light_on_print(
        _luminance(photo), _softened(_luminance(render), edge.blur), trust, wider
    )
    weight = trust * (1.0 - on_print + on_print * agreement)
    base = _base(scene)
    mixed = _as_mixed(in_place, product, base, scene.mask, shown, edge.blur)
    seen = np.where(trust == 1.0, np.concatenate((photo, render, base[None])), mixed)
    planes = np.concatenate((seen[:6] * weight, np.stack((weight, gloss * weight, seen[6] * weight))))
    means = smoothed(planes, *distances)
    means /= np.maximum(means[6], 1e-12)
    photo_mean, render_mean = means[:3], means[3:6]
    gain = ((photo_mean + DARKEST) / (render_mean + DARKEST)).clip(LOWEST, HIGHEST)
    gain *= 1.0 - on_print * means[7]
    lit = gain * render + (photo_mean - gain * render_mean)
    if scene.base_colour is not None:
        beside = (_luminance(render_mean) + DARKEST) / (means[8] + DARKEST)
        gleam = (_luminance(render) + DARKEST) / (base + DARKEST)
        as_bright = _luminance(photo) / np.maximum(_luminance(lit), DARKEST)
        lit *= np.where(trust == 1.0, 1.0, np.maximum(GLEAM * beside / gleam, as_bright).clip(0.0, 1.0))
    display: Array = _DISPLAY[_index(lit.clip(0.0, 1.0).transpose(1, 2, 0), 65535)]
    return display


def _as_mixed(photo: Array, product: Array, base: Array, mask: Array, shown: Array, blur: float) -> Array:
    """What pixels beside edges show: photo, render and base colour, linear (7, h, w).

    The photo's ground is taken out of its pixels, and the render is as soft as the photo: where a part is so thin that each
    of its pixels shows its neighbours as well, both mix the same colours, and their quotient is still the light.

    ``photo``: uint8 (h, w, 3). ``product``: display values (h, w, 3). ``base``: luminance (h, w). ``shown``: coverage in
    the photo, (h, w).
    """
    seen = photo.astype(np.float32) / np.float32(255.0)
    ground = filled(seen, shown < 1.0 - WHOLE, GROUND)
    share = shown[..., None]
    freed = (seen - (1.0 - share) * ground) / np.maximum(share, LEAST_SHOWN)
    coverage = mask.astype(np.float32) / np.float32(255.0)
    soft = _softened(coverage, blur)
    covered = np.concatenate((_planes(product), base[None])) * coverage
    softened = np.stack([_softened(plane, blur) for plane in covered]) / np.maximum(soft, LEAST_COVERAGE)
    linear = (
        LINEAR[_index(freed.clip(0.0, 1.0), 255)],
        _LINEAR_FINE[_index(softened[:3].transpose(1, 2, 0).clip(0.0, 1.0), 4095)],
    )
    return np.concatenate((*(_planes(item) for item in linear), softened[3:]))


def _planes(picture: Array) -> Array:
    """(h, w, n) as (n, h, w)."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


def _base(scene: Scene) -> Array:
    """The luminance of the base colour, (h, w), continued below the edge of the mask; 1 where none was given."""
    if scene.base_colour is None:
        return np.ones(scene.mask.shape, dtype=np.float32)
    luminance = np.tensordot(scene.base_colour[..., :3], LUMINANCE, axes=1)
    base: Array = filled(luminance[..., None], scene.mask >= 254, EDGE)[..., 0]
    return base


def _trust(scene: Scene, shown: Array, breaks: tuple[Array, Array]) -> Array:
    """How far the photo's pixels can be trusted to show the light on the surface they are on, (h, w)."""
    edge = (shown < WHOLE) | grown(breaks[0] | breaks[1], SOFT)
    beside = RIM_WEIGHT * np.maximum(shown, LEAST_SHOWN) ** 2
    return np.where(scene.mask == 0, 0.0, np.where(edge, beside, 1.0)).astype(np.float32)


def _distances(
    scene: Scene, render: Array, breaks: tuple[Array, Array], on_print: Array
) -> tuple[Array, Array]:
    """The distance of each pixel from the one to its left and from the one above it, in smoothing lengths."""
    steady = (1.0 - on_print) / scene.pixels(PLAIN) + on_print / scene.pixels(PRINTED)
    across, along = (
        steady + BREAK * broken + step
        for broken, step in zip(breaks, _light_steps(scene, render, on_print), strict=True)
    )
    if scene.normal is not None:
        bends = surface_bends(scene.mask, scene.normal)
        across, along = across + bends[0] / BEND, along + bends[1] / BEND
    return across, along


def _light_steps(scene: Scene, render: Array, on_print: Array) -> tuple[Array, Array]:
    """Sharp steps of the render's light, such as the edges of reflections, in smoothing lengths: two (h, w).

    On print, they are known where the base colour is even.
    """
    light = np.log(_luminance(render) + DARKEST)
    counts = (1.0 - on_print) * (1.0 / LIGHT_STEP)
    if scene.base_colour is not None:
        base = np.log(_base(scene) + DARKEST)
        uneven = [np.abs(base - shifted(base, -1, axis)) > EVEN for axis in (0, 1)]
        light -= base
        counts = np.where(grown(uneven[0] | uneven[1], 1), counts, 1.0 / LIGHT_STEP)
    whole = scene.mask >= 254
    across, along = (
        (np.abs(light - shifted(light, -1, axis)) - LIGHT_NOISE).clip(0.0)
        * (whole & shifted(whole, -1, axis))
        * counts
        for axis in (1, 0)
    )
    return across, along


def _softened(plane: Array, blur: float) -> Array:
    """A plane (h, w) blurred about as much as by a Gaussian of the standard deviation ``blur`` in pixels."""
    for _round in range(int(blur**2 / (2.0 / 3.0))):  # Each window of three pixels has this variance.
        plane = window_mean(plane, 1)
    return plane


def _luminance(linear: Array) -> Array:
    """Of linear sRGB, (3, h, w)."""
    luminance: Array = np.tensordot(LUMINANCE, linear, axes=1)
    return luminance


def _index(values: Array, highest: int) -> Array:
    """Places in a table of ``highest + 1`` values from 0 to 1."""
    index: Array = np.rint(values * highest).astype(np.uint16)
    return index
