# SPDX-License-Identifier: GPL-3.0-or-later
"""The outline of the product in a photo, and the ground around it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import MAX_CAST, ciede2000, to_lab
from .planes import linear_light, places, resized, work_size
from .report import Background, Silhouette
from .structure import gradient
from .windows import grown, shrunk, window_mean

Array = NDArray[Any]

SIDE = 192  # Pixels of the longer side in which the ground is looked at.
AROUND = 0.03  # The rim around the product that is no ground yet, as a share of the longer side.
AWAY = 0.07  # Where the contact shadow is over.
MIN_GROUND = 0.02  # The share of the picture below which nothing can be said about the ground.
EDGE = (
    0.022  # Differences between neighbouring pixels (display values, 0 to 1) that are an edge of the ground.
)
RIM = 0.03  # The width of the border of the picture.
SHARP = 0.045  # Between neighbouring pixels of the small picture: sharper than a shadow.
BLOWN_OUT = 0.995  # Linear; a clipped channel hides the cast.
OTHER = 12.0  # From this colour difference on, in L*a*b*, a pixel is not ground.


@dataclass(frozen=True, slots=True)
class Ground:
    """``background`` and how much of the picture could be judged, 0 to 1; ``unlike``, the distance in L*a*b* of each pixel
    of the small picture from the ground around it; ``cast``, gains (3,) that give the photo's ground the colour of the
    render's, None where it is too dark, blown out, or of another colour; ``outside``, sharp edges around the product, as a
    share of the length of its outline, and ``edges_outside``, bool (h, w) of the small picture, where they are."""

    background: Background
    confidence: float
    unlike: Array
    cast: Array | None = None
    outside: float = 0.0
    edges_outside: Array | None = None


def look_at_ground(photo: Array, render: Array, mask: Array) -> Ground:
    """Compare the grounds of display values (h, w, 3) that lie on each other. ``mask``: coverage (h, w)."""
    size = work_size(mask.shape[1], mask.shape[0], SIDE)
    seen, wanted, cover = resized(photo, size), resized(render, size), resized(mask, size)
    longer = max(size)
    ground = ~grown(cover > 0.05, max(1, round(AROUND * longer)))
    far = ~grown(cover > 0.05, max(1, round(AWAY * longer)))
    lab = to_lab(linear_light(seen))
    reference = to_lab(linear_light(wanted))
    if ground.mean() < MIN_GROUND:
        return Ground(Background(0.0, 0.0, 0.0, 0.0), 0.0, np.zeros(cover.shape))
    judged = far if far.mean() >= MIN_GROUND else ground
    surface = _smooth_surface(lab, judged)
    unlike = np.sqrt(((lab - surface) ** 2).sum(axis=-1))
    rest = lab - surface
    chroma = np.hypot(rest[..., 1], rest[..., 2])[judged]
    # A shadow is darker than the ground and as neutral as it.
    light = np.abs(rest[..., 0])[judged]
    scatter = float(np.quantile(chroma, 0.9) + 0.5 * np.quantile(light, 0.75))
    edges = float(((np.hypot(*gradient(seen)) > EDGE) & ~_near_edges(wanted, EDGE))[judged].mean())
    outside, solid = _edges_around(seen, wanted, cover), cover > 0.05
    difference = float(ciede2000(np.median(lab[judged], axis=0), np.median(reference[judged], axis=0)))
    return Ground(
        Background(difference, scatter, edges, _border(lab, reference, ground)),
        float(min(1.0, judged.mean() / 0.15)),
        unlike,
        _cast(seen[judged], wanted[judged]),
        float(outside.sum() / max(1, int((solid & ~shrunk(solid, 1)).sum()))),
        outside,
    )


def _edges_around(seen: Array, wanted: Array, cover: Array) -> Array:
    """Edges just outside the outline that the render does not have: something sticks out. Soft shadows have no edges."""
    longer = max(cover.shape)
    solid = cover > 0.05
    ring = grown(solid, max(3, round(AWAY * longer))) & ~grown(solid, max(2, round(0.012 * longer)))
    edges: Array = (np.hypot(*gradient(seen)) > SHARP) & ring & ~_near_edges(wanted, SHARP)
    return edges


def _near_edges(render: Array, limit: float) -> Array:
    """Where the render itself has an edge, of its shadow for instance, that a photo may strengthen to ``limit``."""
    near: Array = grown(np.hypot(*gradient(render)) > 0.5 * limit, 2)
    return near


def _cast(seen: Array, wanted: Array) -> Array | None:
    found, sought = (np.median(linear_light(one), axis=0) for one in (seen, wanted))
    if found.max() > BLOWN_OUT or found.min() < 0.05 or sought.min() < 0.05:
        return None
    gains: Array = sought / found
    gains = gains / np.exp(np.log(gains).mean())
    return gains if np.abs(np.log(gains)).max() < MAX_CAST else None


def _smooth_surface(lab: Array, judged: Array) -> Array:
    """A quadratic surface through the ground, robust against shadows and things on it: (h, w, 3)."""
    place = places(lab.shape[1], lab.shape[0])
    x, y = place[..., 0], place[..., 1]
    terms = np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=-1)
    base, values = terms[judged][::3], lab[judged][::3]
    trust = np.ones(len(base))
    solved = np.zeros((6, 3))
    for _step in range(4):
        weighted = base * trust[:, None]
        solved = np.linalg.solve(weighted.T @ base + 1e-6 * np.eye(6), weighted.T @ values)
        rest = ((values - base @ solved) ** 2).sum(axis=1)
        trust = 1.0 / (1.0 + rest / 4.0)
    surface: Array = terms @ solved
    return surface


def _border(lab: Array, reference: Array, ground: Array) -> float:
    """The share of the border of the picture, where the render has ground, that has another colour in the photo."""
    width = max(1, round(RIM * max(ground.shape)))
    rim = np.ones_like(ground)
    rim[width:-width, width:-width] = False
    rim &= ground
    if rim.sum() < 20:
        return 0.0
    level = np.median(lab[rim], axis=0) - np.median(reference[rim], axis=0)
    apart = np.sqrt((((lab - reference - level)[rim]) ** 2).sum(axis=-1))
    return float((apart > OTHER).mean())


def compare_outlines(before: Ground, after: Ground, photo: Array, aligned: Array, mask: Array) -> Silhouette:
    """Outlines of the photo as it came (``before``) and on the render (``after``); the same ``Ground`` for a photo that is
    in its place."""
    height, width = before.unlike.shape
    cover = resized(mask, (width, height)) > 0.5
    iou, edges = _overlap(after.unlike, cover), _boundary(aligned, mask)
    iou_before, edges_before = iou, edges
    if before is not after:
        iou_before, edges_before = _overlap(before.unlike, cover), _boundary(photo, mask)
    contrast = float(np.median(after.unlike[cover])) if cover.any() else 0.0
    confidence = float(np.clip((contrast - 4.0) / 12.0, 0.0, 1.0))
    return Silhouette(iou_before, iou, edges_before, edges, confidence)


def _overlap(unlike: Array, cover: Array) -> float:
    """Intersection over union of the product in the mask and what differs from the ground."""
    seen = _filled(unlike > 6.0, cover)
    union = (seen | cover).sum()
    return float((seen & cover).sum() / union) if union else 0.0


def _filled(seen: Array, cover: Array) -> Array:
    """What differs from the ground, with the holes that highlights leave closed, without specks and soft shadows."""
    radius = max(1, round(0.02 * max(seen.shape)))
    closed = shrunk(grown(seen, radius), radius)
    opened = grown(shrunk(closed, 1), 1)
    # Below the product lies its shadow, which differs from the ground as well.
    lowest = np.nonzero(cover.any(axis=1))[0].max(initial=0)
    opened[min(len(opened), lowest + radius) :] = False
    return opened


def _boundary(picture: Array, mask: Array) -> float:
    """Boundary F: the outline has an edge in the photo, and edges near the outline are on it (tolerance 0.5 %)."""
    longer = max(mask.shape)
    near, band = max(1, round(0.005 * longer)), max(3, round(0.03 * longer))
    solid = mask > 0.5
    line = solid & ~shrunk(solid, 1)
    line[[0, -1]] = line[:, [0, -1]] = False
    if not line.any():
        return 0.0
    across, down = gradient(picture)
    length = np.hypot(across, down)
    level = window_mean(length, band) + 0.004
    edges = length > np.maximum(1.4 * level, 0.008)
    recall = float(grown(edges, near)[line].mean())
    outside = grown(solid, band) & ~grown(solid, near + 1)
    on_line = edges & grown(line, near)
    off_line = edges & outside
    precision = float(on_line.sum() / max(1, on_line.sum() + off_line.sum()))
    return 2.0 * recall * precision / max(1e-6, recall + precision)
