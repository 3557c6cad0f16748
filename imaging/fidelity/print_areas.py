# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a product carries print: an edge of its base colour where its surface has no edge."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..compose import to_display
from .surface import shifted, surface_breaks
from .windows import closed, grown, shrunk, window_mean

Array = NDArray[Any]

LEVELS = 14.0  # Of 255, across two pixels: a weaker edge of the base colour is grain or compression.
STRONG = 60.0  # Of 255: letters have at least this contrast.
# The render shows light as well as colour. A step this much of which lies within two of six pixels is sharp; a reflection
# or shadow rises over more pixels.
RENDER_LEVELS, SHARP = 24.0, 0.6
# Shares of the longer side of the picture: the window in which edges are counted, and the gap between lines of text.
WINDOW, GAP = 0.008, 0.016
DEEP = 0.12  # The same: from this distance to any print, ground that print encloses is no part of a label.
CELL = 8  # Pixels in each direction of the cells in which enclosed ground is found.
DENSITY = 0.05  # Share of a window that is edges, from which it belongs to the print.
TEXT_DENSITY = 0.22  # The same for letters: strokes have two edges, close together.
RIM = (
    0.002  # Share of the longer side beside the silhouette and other edges of the surface that is not judged.
)

_DISPLAY = np.rint(to_display(np.linspace(0.0, 1.0, 1 << 14)) * 255.0).astype(np.uint8)


@dataclass(frozen=True)
class PrintAreas:
    """Where print is. All are bool (h, w).

    ``edges``: edges of print. ``areas``: labels, logos, patterns and text, with the ground between their parts.
    ``text``: the part of ``areas`` with small, strong structure, which may be letters. ``from_render``: whether the
    base colour was missing, so that sharp edges of light may be among the edges.
    """

    edges: Array
    areas: Array
    text: Array
    from_render: bool


def print_areas(
    render: Array,
    mask: Array,
    depth: Array | None = None,
    normal: Array | None = None,
    base_colour: Array | None = None,
) -> PrintAreas:
    """Find the print of a product in the passes of one view.

    ``render``: sRGB display values, uint8 (h, w, 3). ``mask``: coverage, uint8 (h, w). ``depth`` and ``normal``: as for
    ``surface_breaks``. ``base_colour``: linear float (h, w, 3), 0 to 1, of the surface, as if
    glass were opaque; without it, the sharp edges of the render are used.
    """
    breaks = surface_breaks(mask, depth, normal)
    return find_print(printed_colour(render, base_colour), mask, breaks, max(mask.shape), base_colour is None)


def find_print(
    colour: Array, mask: Array, breaks: tuple[Array, Array], side: int, from_render: bool
) -> PrintAreas:
    """``print_areas`` in a ``printed_colour`` with ``surface_breaks``; they may be a part of a picture.

    ``side``: the longer side of the whole picture in pixels.
    """
    strength = _edge_strength(colour.astype(np.float32), only_sharp=from_render)
    rim = max(2, round(RIM * side))
    judged = shrunk(mask >= 254, rim) & ~grown(breaks[0] | breaks[1], rim)
    edges = judged & (strength > (RENDER_LEVELS if from_render else LEVELS))
    window, gap = max(2, round(WINDOW * side)), max(2, round(GAP * side))
    dense = window_mean(edges, window) > DENSITY
    areas = closed(grown(dense & grown(edges, window), 1), gap)
    areas = (areas | _enclosed(areas, judged, round(DEEP * side))) & (mask > 0)
    strong = window_mean(edges & (strength > STRONG), window) > TEXT_DENSITY
    return PrintAreas(edges, areas, closed(strong, window) & areas, from_render)


def printed_colour(render: Array, base_colour: Array | None) -> Array:
    """The picture in which print is looked for: sRGB display values, uint8 (h, w, 3)."""
    if base_colour is None:
        return render[..., :3]
    steps = len(_DISPLAY) - 1
    levels = _DISPLAY[np.rint(np.clip(base_colour[..., :3], 0.0, 1.0) * steps).astype(np.uint16)]
    quiet = Image.fromarray(levels).filter(ImageFilter.MedianFilter(3))  # The pass may be noisy.
    return np.asarray(quiet)


def _edge_strength(colour: Array, *, only_sharp: bool) -> Array:
    """The largest difference across two pixels of any channel, to the side or upwards: (h, w), in levels."""
    strength = np.zeros(colour.shape[:2], dtype=np.float32)
    for axis in (0, 1):
        near = np.abs(shifted(colour, 1, axis) - shifted(colour, -1, axis))
        if only_sharp:
            wide = np.abs(shifted(colour, 3, axis) - shifted(colour, -3, axis))
            near = np.where(near >= SHARP * wide, near, 0.0)
        np.maximum(strength, near.max(axis=-1), out=strength)
    return strength


def _enclosed(areas: Array, product: Array, deep: int) -> Array:
    """The ground that print encloses, such as the blank part of a framed label: bool (h, w), exact to a cell."""
    height, width = areas.shape
    pad = ((0, -height % CELL), (0, -width % CELL))
    closed_cells, product_cells = (
        np.pad(shape, pad).reshape((height + pad[0][1]) // CELL, CELL, -1, CELL).any(axis=(1, 3))
        for shape in (areas, product)
    )
    reached = ~closed_cells & (~product_cells | ~grown(closed_cells, max(1, deep // CELL)))
    count = -1
    while count != (count := int(reached.sum())):
        reached = grown(reached, 1) & ~closed_cells
    cells = (~reached & ~closed_cells) | ~grown(reached, 1)  # Gaps within the cells of print, too.
    return np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)[:height, :width]
