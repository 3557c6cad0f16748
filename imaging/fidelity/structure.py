# SPDX-License-Identifier: GPL-3.0-or-later
"""The structure of a picture: where its edges are and which way they run, without brightness, tone or contrast."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .windows import window_mean

Array = NDArray[Any]

LOCAL = 0.035  # The radius over which contrast is evened out, as a share of the longer side.
FLOOR = 0.0035  # Of 1: differences between neighbouring pixels below this are noise.


def gradient(picture: Array) -> tuple[Array, Array]:
    """Differences across and down (h, w) of the channel of (h, w, 3) that changes most at each pixel."""
    smooth = np.stack([window_mean(picture[..., channel], 1) for channel in range(3)], axis=-1)
    across, down = np.zeros_like(smooth), np.zeros_like(smooth)
    across[:, 1:-1] = (smooth[:, 2:] - smooth[:, :-2]) * 0.5
    down[1:-1] = (smooth[2:] - smooth[:-2]) * 0.5
    strongest = (across * across + down * down).argmax(axis=-1)[..., None]
    return (
        np.take_along_axis(across, strongest, axis=-1)[..., 0],
        np.take_along_axis(down, strongest, axis=-1)[..., 0],
    )


def structure(picture: Array) -> Array:
    """Edges as complex numbers (h, w): twice the direction as the angle, strength beside the surroundings as the length.

    ``picture``: display values (h, w, 3), 0 to 1. With the angle doubled, an edge from dark to bright is the same as one
    from bright to dark: another light often exchanges the two.
    """
    across, down = gradient(picture)
    length = np.hypot(across, down)
    radius = max(2, round(LOCAL * max(picture.shape[:2])))
    level = window_mean(length, radius) + FLOOR
    doubled = (across + 1j * down) ** 2 / np.maximum(length, 1e-9)
    evened = (doubled / level).astype(np.complex64)
    strength = np.abs(evened)
    # One very strong edge would decide alone.
    held: Array = evened * (np.minimum(strength, 4.0) / np.maximum(strength, 1e-9)).astype(np.float32)
    return held
