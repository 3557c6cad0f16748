# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera of ``set.json`` must see of known points, computed without Blender."""

from typing import Any

import numpy as np


def projected(points: np.ndarray, camera: dict[str, Any], side: int) -> np.ndarray:
    """Pixel coordinates, x to the right and y down, of world points."""
    to_camera = np.linalg.inv(np.array(camera["matrix_world"]))
    local = points @ to_camera[:3, :3].T + to_camera[:3, 3]
    tangent = local[:, :2] / -local[:, 2:]
    frame = tangent * (camera["lens_mm"] / camera["sensor_mm"])
    return np.stack(((0.5 + frame[:, 0]) * side, (0.5 - frame[:, 1]) * side), axis=1)


def convex_hull(points: np.ndarray) -> np.ndarray:
    """The corners of the hull in order (Andrew 1979)."""
    ordered = sorted(map(tuple, points))

    def half(sequence: list) -> list:
        chain: list = []
        for point in sequence:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0.0:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def _turn(a: tuple, b: tuple, c: tuple) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def coverage(points: np.ndarray, side: int, finer: int = 4) -> np.ndarray:
    """Share of each pixel that the convex hull of pixel coordinates covers, (side, side)."""
    hull = convex_hull(points)
    places = (np.arange(side * finer) + 0.5) / finer
    x, y = np.meshgrid(places, places)
    inside = np.ones(x.shape, dtype=bool)
    for start, end in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        inside &= (end[0] - start[0]) * (y - start[1]) - (end[1] - start[1]) * (x - start[0]) >= 0.0
    return inside.reshape(side, finer, side, finer).mean(axis=(1, 3))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((first & second).sum() / max((first | second).sum(), 1))
