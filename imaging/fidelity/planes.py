# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic on pictures as arrays: means over windows, sizes, warps. Row 0 is on top.

Places are in *frame units*: the middle of the picture is (0, 0), x points right, y down, and the longer side is 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..compose import to_linear
from .windows import window_mean

Array = NDArray[Any]
# (2, 3): a place in the render, with a 1 appended, to the place in the photo. Frame units.
Affine = NDArray[Any]

# A table is several times as fast as the power function.
_LINEAR = to_linear(np.linspace(0.0, 1.0, 1 << 16)).astype(np.float32)

IDENTITY = np.array(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))


def soft(values: Array, radius: int) -> Array:
    """A plane (h, w) blurred almost as by a Gaussian: two window means."""
    return window_mean(window_mean(values, radius), radius)


def resized(values: Array, size: tuple[int, int]) -> Array:
    """A plane (h, w) or planes (h, w, n) at another (width, height): float32."""
    if values.ndim == 3:
        return np.stack([resized(values[..., index], size) for index in range(values.shape[2])], axis=-1)
    plane = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    if plane.size == size:
        return np.asarray(plane)
    kind = Image.Resampling.BOX if plane.width >= size[0] else Image.Resampling.BILINEAR
    return np.asarray(plane.resize(size, kind))


def work_size(width: int, height: int, longer: int) -> tuple[int, int]:
    """The (width, height) of the same shape with ``longer`` pixels along the longer side; never enlarged."""
    scale = min(1.0, longer / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def pixel_affine(affine: Affine, output: tuple[int, int], source: tuple[int, int]) -> tuple[float, ...]:
    """``affine`` as Pillow's ``Image.transform`` takes it, for pictures of these (width, height)."""
    out, come = max(output), max(source)
    linear = affine[:, :2] * (come / out)
    middle = np.array(output) / 2.0
    shift = affine[:, 2] * come + np.array(source) / 2.0 - linear @ middle
    return (linear[0, 0], linear[0, 1], shift[0], linear[1, 0], linear[1, 1], shift[1])


def warped(
    values: Array,
    affine: Affine,
    size: tuple[int, int],
    box: tuple[int, int, int, int] | None = None,
    border: int = 1,
) -> Array:
    """Planes (h, w) or (h, w, n) as ``affine`` puts them into a picture of ``size`` (width, height): float32.

    ``box``: only these pixels of it, (top, bottom, left, right). Outwards, the last ``border`` pixels of ``values`` are
    mirrored again and again: one pixel becomes a line, a few keep the grain of a photo.
    """
    if values.ndim == 3:
        planes = [warped(values[..., index], affine, size, box, border) for index in range(values.shape[2])]
        return np.stack(planes, axis=-1)
    height, width = values.shape
    top, bottom, left, right = box or (0, size[1], 0, size[0])
    a, b, c, d, e, f = pixel_affine(affine, size, (width, height))
    c, f = c + a * left + b * top, f + d * left + e * top
    cut = (right - left, bottom - top)
    x = [a * u + b * v + c for u in (0, cut[0]) for v in (0, cut[1])]
    y = [d * u + e * v + f for u in (0, cut[0]) for v in (0, cut[1])]
    # Pillow fills with black outside, and its cubic filter would pull the border towards it.
    beyond = max(-min(x), max(x) - width, -min(y), max(y) - height, 0.0)
    rim = min(4 + int(beyond), 2 * max(width, height))
    padded = _widened(np.asarray(values, dtype=np.float32), rim, border)
    plane = Image.fromarray(padded).transform(
        cut, Image.Transform.AFFINE, (a, b, c + rim, d, e, f + rim), Image.Resampling.BICUBIC
    )
    return np.asarray(plane)


def _widened(plane: Array, rim: int, border: int) -> Array:
    """A plane (h, w) with ``rim`` pixels more on each side, which mirror ``border`` pixels beside it."""
    if border == 1:
        return np.pad(plane, rim, mode="edge")
    sources = []
    for length in plane.shape:
        strip = min(border, length)
        beyond = np.arange(rim) % (2 * strip)
        mirrored = np.minimum(beyond, 2 * strip - 1 - beyond)
        sources.append(np.concatenate((mirrored[::-1], np.arange(length), length - 1 - mirrored)))
    return plane[np.ix_(*sources)]


def places(width: int, height: int) -> Array:
    """The place of every pixel in frame units: (h, w, 2)."""
    longer = max(width, height)
    x = (np.arange(width) + 0.5 - width / 2.0) / longer
    y = (np.arange(height) + 0.5 - height / 2.0) / longer
    return np.stack(np.meshgrid(x, y), axis=-1)


def luminance(picture: Array) -> Array:
    """The weighted sum of ITU-R BT.709 of a picture (h, w, 3)."""
    total: Array = picture @ np.array((0.2126, 0.7152, 0.0722), dtype=np.float32)
    return total


def linear_light(display: Array) -> Array:
    """Linear light, float32, of display values that may lie a little outside 0 to 1, in steps of 1/65535."""
    steps = np.clip(display, 0.0, 1.0) * np.float32(len(_LINEAR) - 1) + np.float32(0.5)
    linear: Array = _LINEAR[steps.astype(np.uint16)]
    return linear
