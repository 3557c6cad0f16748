# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a video shows the product from its first frame to its last.

A video that was made from a rendered video is compared with it frame by frame, as photos are with their renders. Any
other video moves as it likes, so nothing is known of the pose in its frames: their colours are compared with those of the
pictures that the product is known by. Colours that none of them has, and a product of another size, are what such a frame
can show; a change of shape alone is not found.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..choices import Background
from .check import check_photo
from .colour import to_lab
from .planes import linear_light, luminance, resized
from .reference import Reference
from .report import Verdict
from .verdict import BACKGROUND, Thresholds
from .windows import closed

Array = NDArray[Any]

GROUND = 0.05  # Distance from the colour of the border, 0 to 1, from which a pixel shows the product.
LEAST = 0.004  # The share of the frame that a product covers at least.
CELL = (30.0, 9.0, 9.0)  # Of L*, a*, b*: light changes lightness most.
RARE = 0.002  # The share of a picture's product below which a cell of colours does not count.
FOREIGN = 0.12  # Tolerance: the share of the product in colours that no picture of it has.
RESIZED = 0.47  # Tolerance: logarithm of the size of the product over that in the pictures; 1.6 times.
TINY = 48  # Pixels of the frames whose difference is measured.
CLOSED = 0.03  # Tolerance: difference between the first and the last frame of a loop, 0 to 1.
JUMP = 0.08  # Difference between neighbouring samples from which a video may have a cut ...
JUMPS = 4.0  # ... when it is also so many times the usual difference.
SHARE = 0.15  # Of the frames that may exceed the tolerance: one of them may be blurred by movement.
REJECTED = 2.0  # Tolerances that more than half of the frames exceed when the video shows something else.


@dataclass(frozen=True, slots=True)
class Identity:
    """What was found. ``values``: of each frame in units of the tolerance, above 1 it does not show the product; None when
    it cannot be compared. ``closure``: the difference of the last frame from the first, 0 to 1. ``jump``: the index of the
    frame before which the video jumps, 0 when it does not."""

    verdict: Verdict
    reason: str
    values: tuple[float | None, ...]
    closure: float
    jump: int


def follow_render(frames: Sequence[Array], rendered: Sequence[Array]) -> list[float | None]:
    """The values of ``frames``, each compared with the frame of the rendered video at the same time.

    All are uint8 (h, w, 3). A rendered frame without a product is not compared.
    """
    thresholds = Thresholds(skipped=(BACKGROUND,))
    return [_against(frame, render, thresholds) for frame, render in zip(frames, rendered, strict=True)]


def follow_pictures(frames: Sequence[Array], pictures: Sequence[Array]) -> list[float | None]:
    """The values of ``frames``, compared with the colours and the size of the product in ``pictures``.

    All are uint8 (h, w, 3).
    """
    known: set[tuple[int, ...]] = set()
    sizes = []
    for picture in pictures:
        inside = product_in(picture)
        if inside is not None:
            known |= _grown(_colours(picture, inside)[0])
            sizes.append(np.log(inside.mean()) / 2.0)
    if not sizes:
        return [None] * len(frames)
    return [_among(frame, known, min(sizes), max(sizes)) for frame in frames]


def judge(
    frames: Sequence[Array], values: Sequence[float | None], *, is_loop: bool, seconds: float
) -> Identity:
    """The verdict about the frames of a video in their order, which cover ``seconds``."""
    small = [_tiny(frame) for frame in frames]
    closure = _difference(small[0], small[-1]) if small else 0.0
    jump = _jump(small)
    seen = [value for value in values if value is not None]
    wrong = [index for index, value in enumerate(values) if value is not None and value > 1.0]
    step = seconds / max(1, len(frames) - 1)
    verdict = Verdict.LOOK
    if len(seen) < max(2, len(values) / 2):
        reason = "Too few frames of the video could be compared with the product."
    elif len(wrong) > SHARE * len(seen):
        worst = max(wrong, key=lambda index: values[index] or 0.0)
        far = sum(value > REJECTED for value in seen)
        verdict = Verdict.REJECT if far > len(seen) / 2 else Verdict.LOOK
        reason = f"{len(wrong)} of {len(seen)} frames do not show the product as it is, worst at {worst * step:.1f} s."
    elif jump:
        reason = f"The video jumps at {jump * step:.1f} s."
    elif is_loop and closure > CLOSED:
        reason = "The last frame does not lead back to the first one."
    else:
        text = f"{len(seen)} frames show the product."
        return Identity(Verdict.ACCEPT, text, tuple(values), closure, 0)
    return Identity(verdict, reason, tuple(values), closure, jump)


def product_in(picture: Array) -> Array | None:
    """Where a picture on a plain ground shows something, bool (h, w); None when it shows nothing, or has no ground."""
    values = picture.astype(np.float32) / 255.0
    border = np.concatenate((values[0], values[-1], values[:, 0], values[:, -1]))
    ground = np.median(border, axis=0)
    if np.median(np.abs(border - ground).max(axis=1)) > GROUND:
        return None
    inside: Array = closed(np.abs(values - ground).max(axis=2) > GROUND, max(1, max(values.shape) // 160))
    return inside if LEAST <= inside.mean() <= 1.0 - LEAST else None


def _against(frame: Array, render: Array, thresholds: Thresholds) -> float | None:
    inside = product_in(render)
    if inside is None:
        return None
    reference = Reference(render, inside.astype(np.uint8) * 255, background=Background.WHITE)
    report = check_photo(frame, reference, thresholds)
    if report.problem:
        return None
    # A gate that is unsure asks for a person; here, a frame is wrong when a gate has failed.
    return max(gate.value / thresholds.limit(name) for name, gate in report.gates.items())


def _among(frame: Array, known: set[tuple[int, ...]], smallest: float, largest: float) -> float | None:
    inside = product_in(frame)
    if inside is None:
        return None
    cells, counts = _colours(frame, inside)
    foreign = sum(
        count for cell, count in zip(cells, counts, strict=True) if cell not in known and count >= RARE
    )
    size = float(np.log(inside.mean()) / 2.0)
    other_size = max(smallest - size, size - largest, 0.0)
    return float(max(foreign / FOREIGN, other_size / RESIZED))


def _colours(picture: Array, inside: Array) -> tuple[list[tuple[int, ...]], list[float]]:
    """The cells of colours of the product, and the share of each."""
    lab = to_lab(linear_light(picture[inside].astype(np.float32) / 255.0))
    cells, counts = np.unique(np.floor(lab / CELL).astype(int), axis=0, return_counts=True)
    return [tuple(cell) for cell in cells.tolist()], (counts / counts.sum()).tolist()


def _grown(cells: Sequence[tuple[int, ...]]) -> set[tuple[int, ...]]:
    """The cells and their neighbours."""
    steps = [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)]
    return {(cell[0] + a, cell[1] + b, cell[2] + c) for cell in cells for a, b, c in steps}


def _tiny(frame: Array) -> Array:
    height, width = frame.shape[:2]
    scale = TINY / max(height, width)
    grey = luminance(frame.astype(np.float32) / 255.0)
    return resized(grey, (max(4, round(width * scale)), max(4, round(height * scale))))


def _difference(first: Array, second: Array) -> float:
    """The mean difference where the frames show anything but the brightest ground, 0 to 1."""
    return float(np.sqrt(np.mean((first - second) ** 2)))


def _jump(small: Sequence[Array]) -> int:
    if len(small) < 4:
        return 0
    steps = np.array([_difference(one, other) for one, other in itertools.pairwise(small)])
    largest = int(steps.argmax())
    is_cut = steps[largest] > JUMP and steps[largest] > JUMPS * float(np.median(steps))
    return largest + 1 if is_cut else 0
