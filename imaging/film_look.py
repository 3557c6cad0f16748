# SPDX-License-Identifier: GPL-3.0-or-later
"""The look of photographic film: a slight tone curve and fine grain. White and black do not change."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CONTRAST = 0.10  # Share of the way from the straight line to a full S-curve.
GRAIN = 2.2  # Standard deviation in the middle tones, in steps of 255.
GRAIN_PIXELS = 1.2  # About the width of a grain.


def with_film_look(picture: Image.Image, seed: int) -> Image.Image:
    """The picture (RGB or RGBA) with the film look; the same ``seed`` gives the same grain."""
    values = np.asarray(picture, dtype=np.float32)
    colour = values[..., :3] / 255.0
    curved = colour + CONTRAST * (colour * colour * (3.0 - 2.0 * colour) - colour)
    level = colour @ np.array((0.2126, 0.7152, 0.0722), dtype=np.float32)
    grain = _grain(level.shape, seed) * GRAIN / 255.0 * 4.0 * level * (1.0 - level)
    result = np.clip(np.rint((curved + grain[..., None]) * 255.0), 0, 255).astype(np.uint8)
    if values.shape[-1] == 4:
        result = np.concatenate((result, values[..., 3:].astype(np.uint8)), axis=-1)
    return Image.fromarray(result, picture.mode)


def _grain(shape: tuple[int, ...], seed: int) -> NDArray[Any]:
    """Noise with mean 0 and standard deviation 1, with slightly correlated neighbours."""
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    side = np.exp(-1.0 / (2.0 * (GRAIN_PIXELS / 2.0) ** 2))
    for axis in (0, 1):
        noise = noise + side * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    grain: NDArray[Any] = noise / noise.std()
    return grain
