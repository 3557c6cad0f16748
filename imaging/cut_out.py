# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the product out of a photo with the mask of its render, without a fringe of the old background.

A pixel at the edge shows product and background mixed by the coverage of the mask. The color of the product there is
computed from both, and near the edge it is taken from the product beside it, because a photo by an AI model does not
follow the mask to the pixel.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]

OPAQUE, CLEAR = (
    0.997,
    0.003,
)  # Coverage from which a pixel shows the product alone, and up to which it does not show it.
VIDEO_REACH = 16  # The same for videos: two blocks of VP9's smallest transform of colors.
REACH = 6  # Pixels over which colors are continued beyond the edge.


def cut_out(photo: Image.Image, mask: Image.Image, *, inset: int = 0) -> Image.Image:
    """The photo, RGB in sRGB, as RGBA with the coverage of ``mask`` (L) as its alpha.

    ``inset``: pixels inside the edge that may show background although the mask says product.
    """
    if mask.size != photo.size:
        mask = mask.resize(photo.size, Image.Resampling.BILINEAR)  # Others leave faint rings around it.
    alpha = np.asarray(mask).astype(np.float32) / 255.0
    colour = np.asarray(photo.convert("RGB")).astype(np.float32) / 255.0
    edge = (alpha > 0.0) & ~(inside := _without_rim(alpha >= OPAQUE, inset))
    product, steps = _continued(colour, inside, edge)
    ground, ground_steps = _continued(colour, _without_rim(alpha <= CLEAR, inset), edge)
    unmixed = _unmixed(colour, alpha, ground, edge & (ground_steps >= 0))
    # What is unmixed is exact where the product covers most of the pixel, and noise where it covers little of it. Colors
    # that are continued far, into a blurred edge, are worse than noise.
    trust = alpha**2 if not inset else np.zeros_like(alpha)
    trust = np.maximum(trust, np.clip((steps - 2 * inset) / REACH - 1.0, 0.0, 1.0))
    trust = np.where(steps >= 0, trust, 1.0)[..., None]
    mixed = unmixed * trust + product * (1.0 - trust)
    result = np.where(edge[..., None], mixed, product)
    values = np.concatenate((result, alpha[..., None]), axis=-1)
    return Image.fromarray(np.clip(np.rint(values * 255.0), 0, 255).astype(np.uint8), "RGBA")


def continued_colours(picture: Image.Image) -> Image.Image:
    """An RGBA picture with the colors of its edge continued into what is transparent, which looks the same.

    Videos store colors in blocks: black behind the edge would darken it.
    """
    values = np.asarray(picture)
    colour = values[..., :3].astype(np.float32)
    is_seen = values[..., 3] > 0
    filled, _steps = _continued(colour, is_seen, np.zeros_like(is_seen), reach=VIDEO_REACH)
    result = np.concatenate((np.rint(filled).astype(np.uint8), values[..., 3:]), axis=-1)
    return Image.fromarray(result, "RGBA")


def _unmixed(colour: Array, alpha: Array, ground: Array, chosen: Flags) -> Array:
    """The color of the product in mixed pixels: display values are mixed, as ``compose`` does."""
    result = colour.copy()
    share = alpha[chosen][:, None]
    result[chosen] = np.clip((colour[chosen] - (1.0 - share) * ground[chosen]) / share, 0.0, 1.0)
    return result


def _without_rim(flags: Flags, width: int) -> Flags:
    """``flags`` without the pixels that have others within ``width`` pixels; the border of the picture does not count as a rim."""
    for _step in range(width):
        wide = np.pad(flags, 1, constant_values=True)
        height, length = flags.shape
        flags = np.logical_and.reduce(
            [wide[y : y + height, x : x + length] for y in range(3) for x in range(3)]
        )
    return flags


def _continued(
    colour: Array, known: Flags, wanted: Flags, *, reach: int = REACH
) -> tuple[Array, NDArray[np.int32]]:
    """``colour`` continued from the known pixels to the wanted ones, and over ``reach`` pixels to all others.

    Also returns over how many pixels: -1 where it was not continued to, and where the result is black.
    """
    height, width = known.shape
    wide = width + 2
    values = np.zeros(((height + 2) * wide, 3), dtype=np.float32)
    steps = np.where(np.pad(known, 1).ravel(), 0, -1).astype(np.int32)
    values[steps == 0] = colour[known]
    around = np.array([y * wide + x for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y])
    is_picture, is_wanted = np.pad(np.ones_like(known), 1).ravel(), np.pad(wanted, 1).ravel()
    front, step = np.flatnonzero(steps == 0), 0
    while front.size:
        step += 1
        beside = np.unique((front[:, None] + around).ravel()) if step > 1 else _beside(steps, around)
        allowed = is_picture if step <= reach else is_wanted
        front = beside[allowed[beside] & (steps[beside] < 0)]
        near = front[:, None] + around
        weights = (steps[near] >= 0)[..., None]
        values[front] = (values[near] * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        steps[front] = step
    shape = (height + 2, wide)
    return values.reshape(*shape, 3)[1:-1, 1:-1], steps.reshape(shape)[1:-1, 1:-1]


def _beside(steps: NDArray[np.int32], around: NDArray[np.int64]) -> NDArray[np.int64]:
    """The pixels without a value that are beside one with a value."""
    has = steps >= 0
    near = np.zeros_like(has)
    reach = int(around[-1])
    for shift in around:
        near[reach:-reach] |= has[reach + shift : len(has) - reach + shift]
    return np.flatnonzero(near & ~has)
