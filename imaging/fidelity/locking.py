# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks a photo to its render: light, tone, surroundings and shadow of the photo, shape, print and edges of the render."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...messages.errors import InputError
from ..choices import Lock
from .photo_edge import coverage_in_photo, photo_edge
from .print_areas import PrintAreas, find_print, printed_colour
from .print_outlines import agreed_outlines, closed_outlines, mixed_at_outlines
from .relighting import EDGE, LEAST_COVERAGE, MARGIN, SOFT, Scene, relit
from .surface import surface_breaks
from .windows import filled, grown, shrunk, window_mean

Array = NDArray[Any]
Box = tuple[slice, slice]

# A share of the longer side of the picture: print at least so wide, such as a label, has its own light where the photo
# shows its outline.
WIDE = 0.01
FARTHEST_SPILL = 8  # Pixels from the ground up to which its edge with the product can be continued.
# Of the photo's product in a pixel of the ground: none, and too much to see the ground.
LEAST_SPILL, MOST_SPILL = 0.01, 0.3


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

    ``photo``: sRGB display values, uint8 (h, w, 3), aligned to the render to a pixel. ``mask``: coverage (h, w), uint8, or
    float from 0 to 1. ``render``, ``depth``, ``normal`` and ``base_colour``: as for ``print_areas``. Outside the mask the
    photo stays, except for the edge of its own product. Raises InputError when the pictures differ in size.
    """
    passes = {"mask": mask, "depth": depth, "normals": normal, "base color": base_colour}
    _require_size(render, {"photo": photo, **passes})
    result: Array = np.array(photo[..., :3])
    mask = mask if mask.dtype == np.uint8 else np.rint(mask * 255.0).astype(np.uint8)
    box = _box(mask)
    if what is Lock.NONE or box is None:
        return result
    depth, normal, base_colour = (
        None if item is None else item[box] for item in (depth, normal, base_colour)
    )
    side = max(mask.shape)
    scene = Scene(photo[box][..., :3], render[box][..., :3], mask[box], depth, normal, base_colour, side)
    result[box] = _locked(scene, what)
    return result


def _require_size(render: Array, others: dict[str, Array | None]) -> None:
    height, width = render.shape[:2]
    for name, given in others.items():
        if given is not None and given.shape[:2] != (height, width):
            raise InputError(
                f"The {name} is {given.shape[1]} x {given.shape[0]} pixels and the render {width} x {height}. "
                "Align them before locking."
            )


def _box(mask: Array) -> Box | None:
    """Rows and columns around the product, with room for its spilled edge; None without a product."""
    rows, columns = (np.flatnonzero((mask > 0).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    room = 2 * FARTHEST_SPILL
    return (
        slice(max(0, rows[0] - room), rows[-1] + room + 1),
        slice(max(0, columns[0] - room), columns[-1] + room + 1),
    )


def _locked(scene: Scene, what: Lock) -> Array:
    breaks = surface_breaks(scene.mask, scene.depth, scene.normal)
    colour = printed_colour(scene.render, scene.base_colour)
    printed = find_print(colour, scene.mask, breaks, scene.side, scene.base_colour is None)
    product, coverage = _product(scene)
    photo = scene.photo.astype(np.float32) / np.float32(255.0)
    edge = photo_edge(photo, product, scene.mask)
    outlines = agreed_outlines(photo, product, colour, printed.edges, SOFT + 1, scene.pixels(WIDE))
    steps = tuple(one | other for one, other in zip(breaks, closed_outlines(outlines), strict=True))
    lit = relit(scene, product, edge, (steps[0], steps[1]), printed)
    lit = mixed_at_outlines(lit, product, outlines, SOFT + 1)
    shown = coverage_in_photo(scene.mask, edge)
    ground = photo if what is Lock.LABELS else _ground(photo, lit, scene.mask, shown)
    locked = lit * coverage + ground * (1.0 - coverage)
    share = _share(scene, what, breaks, printed)
    mixed = locked if share is None else photo + share[..., None] * (locked - photo)
    picture: Array = np.rint(mixed * 255.0).astype(np.uint8)
    return picture


def _product(scene: Scene) -> tuple[Array, Array]:
    """The product without the ground that shines through its edge, display values, and its coverage, (h, w, 1).

    Where the ground is seen through the product itself and not beside its edge, it belongs to the product.
    """
    open_ground = scene.mask == 0
    at_edge = grown(open_ground, EDGE)
    coverage = np.where(at_edge, scene.mask / np.float32(255.0), np.float32(1.0))[..., None]
    render = scene.render.astype(np.float32) / np.float32(255.0)
    ground = filled(render, open_ground, EDGE)
    product = (render - (1.0 - coverage) * ground) / np.maximum(coverage, LEAST_COVERAGE)
    return np.where(coverage < 1.0, product.clip(0.0, 1.0), render), coverage


def _ground(photo: Array, product: Array, mask: Array, shown: Array) -> Array:
    """The photo without its own product beside the mask, continued below its edge: display values, (h, w, 3).

    ``product``: as it looks in the photo. ``shown``: how much of each pixel it covers there, (h, w). A pixel that is mostly
    ground is freed of its share of the product.
    """
    own = filled(product, mask > 127, FARTHEST_SPILL)
    spilled = np.minimum(shown, _share_by_colour(photo, own, shown))
    share = np.where(shown > LEAST_SPILL, spilled, 0.0)[..., None]
    freed = ((photo - share * own) / np.maximum(1.0 - share, 1.0 - MOST_SPILL)).clip(0.0, 1.0)
    known = (mask == 0) & (shown < MOST_SPILL)
    continued = filled(freed, known, FARTHEST_SPILL)
    return np.where(grown(known, FARTHEST_SPILL)[..., None], continued, photo)


def _share_by_colour(photo: Array, own: Array, shown: Array) -> Array:
    """How much of the product's colour is in each pixel beside it, (h, w), 0 to 1, if the ground is that farther out."""
    ground = filled(photo, shown <= LEAST_SPILL, FARTHEST_SPILL)
    contrast = own - ground
    share: Array = ((photo - ground) * contrast).sum(axis=-1) / np.maximum((contrast**2).sum(axis=-1), 1e-6)
    return share.clip(0.0, 1.0)


def _share(scene: Scene, what: Lock, breaks: tuple[Array, Array], printed: PrintAreas) -> Array | None:
    """How much of each pixel is locked, (h, w), 0 to 1; None for all of it."""
    if what is Lock.ALL:
        return None
    margin = scene.pixels(MARGIN)
    locked = printed.areas
    if what is Lock.EDGES:
        silhouette = grown(scene.mask < 254, 1)
        locked = locked | grown(silhouette | printed.edges | breaks[0] | breaks[1], margin)
    share = window_mean(grown(locked, 2 * margin), margin)
    if what is Lock.LABELS:  # The silhouette stays that of the photo.
        share = np.minimum(share, window_mean(shrunk(scene.mask >= 254, margin), margin))
    return share
