# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike two pictures of a product are, inside its mask."""

from typing import Any

import numpy as np

REACH = 5  # Pixels around one that SSIM looks at.


def compare(picture: Any, truth: Any, window: float) -> dict[str, float]:
    """Masked SSIM and PSNR of two RGBA pictures (h, w, 4) on white.

    SSIM after Wang et al. 2004 (Gaussian window, sigma 1.5, K1 0.01, K2 0.03) on the luma of ITU-R BT.709,
    averaged where the truth shows the product; PSNR in dB over the colours there.
    """

    inside = inside_window(truth, window)
    flat = [on_white(item.astype(np.float64)) for item in (picture, truth)]
    error = ((flat[0] - flat[1])[inside] ** 2).mean()
    luma = [item @ np.array((0.2126, 0.7152, 0.0722)) for item in flat]
    first, second = (_blurred(item) for item in luma)
    spread_1 = _blurred(luma[0] ** 2) - first**2
    spread_2 = _blurred(luma[1] ** 2) - second**2
    joint = _blurred(luma[0] * luma[1]) - first * second
    c1, c2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
    alike = (2 * first * second + c1) * (2 * joint + c2)
    alike /= (first**2 + second**2 + c1) * (spread_1 + spread_2 + c2)
    psnr = 10.0 * np.log10(255.0**2 / max(error, 1e-9))
    return {"ssim": float(alike[inside].mean()), "psnr": float(psnr)}


def on_white(picture: Any) -> Any:
    coverage = picture[..., 3:] / 255.0
    return picture[..., :3] * coverage + 255.0 * (1.0 - coverage)


def _blurred(values: Any, sigma: float = 1.5, reach: int = REACH) -> Any:

    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2.0 * sigma**2))
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if axis == own else (0, 0) for own in (0, 1)], mode="reflect")
        length = values.shape[axis]
        values = sum(
            weight * padded.take(range(step, step + length), axis) for step, weight in enumerate(weights)
        )
    return values


def inside_window(truth: Any, window: float) -> Any:
    """Where a picture (h, w, 4) shows the product inside the middle, ``window`` of each side: bool (h, w)."""
    inside = truth[..., 3] > 127
    for axis in (0, 1):
        margin = round(inside.shape[axis] * (0.5 - window / 2.0)) + (REACH + 1 if window < 1.0 else 0)
        shares = np.arange(inside.shape[axis])
        kept = (shares >= margin) & (shares < inside.shape[axis] - margin)
        inside &= kept[:, None] if axis == 0 else kept[None, :]
    return inside
