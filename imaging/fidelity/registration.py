# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the product of a render is in a photo: an affine map, and what of the displacement it does not explain.

First the whole product is looked for in a small picture, at several sizes and turns. Then windows of the render are
looked for in the photo near the place where they should be. Each match is weighted by the curvature of its peak, so that
an edge counts across its direction and not along it, and a robust fit makes one affine map of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .planes import IDENTITY, Affine, resized, warped, work_size
from .structure import gradient, structure
from .windows import grown, window_mean

Array = NDArray[Any]

COARSE = 96  # Pixels of the longer side in which the whole product is looked for.
SCALES = (0.80, 0.85, 0.90, 0.95, 1.0, 1.05, 1.11, 1.17, 1.24)
TURNS = (-9.0, -6.0, -3.0, 3.0, 6.0, 9.0)  # Degrees.
WINDOW = 0.105  # The side of a window, as a share of the longer side.
STEP = 0.055  # Between the middles of windows.
REACH = 0.028  # How far a window is looked for, as a share of the longer side.
MAX_WINDOWS = 110
MIN_MATCH = 0.12  # A window that agrees less tells nothing about its place.
MOVED = 0.0012  # Frame units: when the first fit moved less than this, a second look would find the same.
LEAST_WEIGHT = 1e-9  # It keeps the fit solvable when no window has matched.
DRIFT = 0.001  # Frame units: a window that other light moves so far counts half.
NEAR = 0.006  # Frame units: how far matches may be from the fit before they lose weight.


@dataclass(frozen=True, slots=True)
class Windows:
    """Matches of windows: ``places`` (n, 2) in the render, ``moves`` (n, 2) to where they are in the photo, in frame units.

    ``weights`` (n, 2, 2): how sure a move is in each direction. ``matches`` (n,): agreement at the best place, up to 1.
    """

    places: Array
    moves: Array
    weights: Array
    matches: Array


@dataclass(frozen=True, slots=True)
class Fit:
    """``affine``: render to photo. ``error``: its standard error at the product's border, in frame units.

    ``windows`` were looked for after ``affine``: their moves are what it does not explain. ``mirrored``: agreement of the
    mirrored render in the small picture over that of the render itself.
    """

    affine: Affine
    error: float
    windows: Windows
    mirrored: float


@dataclass(frozen=True, eq=False, slots=True)
class Sought:
    """What is looked for, prepared once.

    ``small``: structure of the render in the small picture. ``near``: the product and its rim, 0 or 1 (h, w). ``rows``,
    ``columns`` (n,): the middles of the windows; ``spectra`` (n, side, side): their conjugate Fourier transforms, tapered;
    ``energy`` (n,): what they contain; ``weights``: the same of the tapers, cut to the product. ``half``, ``reach``: of a window and of the search, in pixels.
    ``contrast`` (n,): mean difference of neighbouring pixels, display values from 0 to 1. ``steady`` (n,): how far a window
    stays in its place in other light, 0 to 1. ``symmetry``: agreement of the small structure with its mirror image, up to 1.
    """

    small: Array
    near: Array
    rows: Array
    columns: Array
    spectra: Array
    energy: Array
    weights: Array
    half: int
    reach: int
    contrast: Array
    steady: Array
    symmetry: float


def sought(render: Array, mask: Array) -> Sought:
    """From display values (h, w, 3), 0 to 1, and coverage (h, w)."""
    size = work_size(render.shape[1], render.shape[0], COARSE)
    small = structure(resized(render, size)) * margin(resized(mask, size))
    near = margin(mask)
    target = structure(render) * near
    longer = max(mask.shape)
    half, reach = max(4, round(WINDOW * longer / 2)), max(3, round(REACH * longer))
    rows, columns = _middles(target, mask, half)
    line = np.hanning(2 * half + 3)[1:-1].astype(np.float32) ** 0.5
    taper = np.outer(line, line)
    wanted = _cut(np.pad(target, half), rows + half, columns + half, half)
    side = _side(half, reach)
    spectra = np.conj(np.fft.fft2(wanted * taper, (side, side))).astype(np.complex64)
    energy = (np.abs(wanted) ** 2 * taper).sum(axis=(1, 2))
    weights = taper * _cut(np.pad(near, half), rows + half, columns + half, half)
    weights = np.conj(np.fft.rfft2(weights, (side, side))).astype(np.complex64)
    contrast = window_mean(np.hypot(*gradient(render)) * near, half)[rows, columns]
    steady = np.ones(len(rows))
    return Sought(
        small,
        near,
        rows,
        columns,
        spectra,
        energy,
        weights,
        half,
        reach,
        contrast,
        steady,
        _symmetry(small),
    )


def _symmetry(small: Array) -> float:
    size = (small.shape[1], small.shape[0])
    padded = (_power_of_two(size[1]), _power_of_two(size[0]))
    found = np.fft.fft2(small, padded)
    same, mirrored = (
        _correlate(found, one, 1.0, 0.0, size, padded)[0] for one in (small, np.conj(small[:, ::-1]))
    )
    return float(np.clip(mirrored / max(same, 1e-9), 0.0, 1.0))


def _side(half: int, reach: int) -> int:
    """The side of the transforms: shifts must not wrap around."""
    return 1 << (2 * (half + reach)).bit_length()


def register(photo: Array, what: Sought) -> Fit:
    """Register a photo, display values (h, w, 3), 0 to 1, of the size of the render."""
    affine, mirrored = _coarse(photo, what.small)
    size = (what.near.shape[1], what.near.shape[0])
    start = IDENTITY if np.abs(affine - IDENTITY).max() < 1e-6 else affine
    error = 0.0
    for _attempt in range(3):
        moved = photo if start is IDENTITY else warped(photo, start, size)
        windows = match_windows(structure(moved), what)
        change, error = fit_affine(windows)
        affine = compose_affine(start, change)
        if np.abs(change - IDENTITY).max() < MOVED:
            break
        start = affine
    return Fit(affine, error, after(windows, change), mirrored)


def compose_affine(outer: Affine, inner: Affine) -> Affine:
    """First ``inner``, then ``outer``."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack((linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]))


def margin(mask: Array) -> Array:
    """1 at the product and just around it, 0 elsewhere."""
    return grown(mask > 0.25, max(1, round(0.012 * max(mask.shape)))).astype(np.float32)


def _coarse(photo: Array, target: Array) -> tuple[Affine, float]:
    """The place of the whole product in the small picture, and how well the mirrored product agrees beside it."""
    size = (target.shape[1], target.shape[0])
    padded = (_power_of_two(size[1]), _power_of_two(size[0]))
    found = np.fft.fft2(structure(resized(photo, size)), padded)
    best = max(
        (_correlate(found, target, scale, 0.0, size, padded) for scale in SCALES), key=lambda one: one[0]
    )
    turned = [_correlate(found, target, best[1], turn, size, padded) for turn in TURNS]
    best = max([best, *turned], key=lambda one: one[0])
    flipped = np.conj(target[:, ::-1])
    other = max(
        _correlate(found, flipped, best[1] * near, 0.0, size, padded)[0] for near in (0.97, 1.0, 1.03)
    )
    score, scale, turn, shift = best
    # A move of a few pixels of the small picture is found better by the windows.
    return similarity(scale, turn, shift), other / max(score, 1e-9)


def similarity(scale: float, degrees: float, shift: tuple[float, float]) -> Affine:
    """A scale and a clockwise turn about the middle of the picture, then a shift in frame units."""
    turn = np.radians(degrees)
    linear = scale * np.array(((np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))))
    return np.column_stack((linear, shift))


def _correlate(
    found: Array, target: Array, scale: float, degrees: float, size: tuple[int, int], padded: tuple[int, int]
) -> tuple[float, float, float, tuple[float, float]]:
    """The agreement with ``target``, scaled and turned, at its best shift: (agreement, scale, degrees, shift)."""
    back = _inverse(similarity(scale, degrees, (0.0, 0.0)))
    planes = warped(np.stack((target.real, target.imag), axis=-1), back, size)
    turned = (planes[..., 0] + 1j * planes[..., 1]) * np.exp(2j * np.radians(degrees))
    energy = np.sqrt((np.abs(turned) ** 2).sum() + 1e-9)
    agreement = np.fft.ifft2(found * np.conj(np.fft.fft2(turned, padded))).real / energy
    row, column = np.unravel_index(int(agreement.argmax()), agreement.shape)
    across = _signed(int(column), padded[1])
    down = _signed(int(row), padded[0])
    return float(agreement[row, column]), scale, degrees, (across / max(size), down / max(size))


def _inverse(affine: Affine) -> Affine:
    linear = np.linalg.inv(affine[:, :2])
    return np.column_stack((linear, -linear @ affine[:, 2]))


def _signed(index: int, length: int) -> int:
    return index - length if index > length // 2 else index


def _power_of_two(length: int) -> int:
    """With room for shifts of a quarter of the picture."""
    return 1 << (round(length * 1.25) - 1).bit_length()


def match_windows(found: Array, what: Sought) -> Windows:
    """Look for the windows of the render in ``found``, the structure (h, w) of a photo near its place."""
    longer, reach, half = max(what.near.shape), what.reach, what.half
    if not len(what.rows):
        nothing = np.zeros((0, 2))
        return Windows(nothing, nothing, np.zeros((0, 2, 2)), np.zeros(0))
    rim = half + reach
    seen = _cut(np.pad(found, rim), what.rows + rim, what.columns + rim, rim)
    side = _side(half, reach)
    agreement = np.fft.ifft2(np.fft.fft2(seen, (side, side)) * what.spectra).real
    span = 2 * reach + 1
    energy = np.fft.irfft2(np.fft.rfft2(np.abs(seen) ** 2, (side, side)) * what.weights, (side, side))
    energy = energy[:, :span, :span]
    own = what.energy[:, None, None]
    match = agreement[:, :span, :span] / np.maximum(np.sqrt(own * np.maximum(energy, 0.05 * own)), 1e-6)
    moves, curvature, best = _peaks(match, reach)
    height, width = what.near.shape
    middles = np.stack((what.columns + 0.5 - width / 2, what.rows + 0.5 - height / 2), axis=-1) / longer
    best = np.minimum(best, 1.0)
    sure = np.clip((best - MIN_MATCH) / (1.05 - best), 0.0, None)
    return Windows(
        places=middles,
        moves=moves / longer,
        weights=curvature * (sure * what.steady)[:, None, None] * longer,
        matches=best,
    )


def steadiness(matches: Sequence[Windows]) -> Array:
    """How far the windows of a render stay in their places in relit renders, where nothing has moved: (n,), 0 to 1.

    ``matches``: the windows in each relit render. Reflections move with the light, and shadows do. A move along an edge
    does not count.
    """
    steady = np.ones(len(matches[0].places))
    for windows in matches:
        sure = np.einsum("nii->n", windows.weights)
        across = np.einsum("ni,nij,nj->n", windows.moves, windows.weights, windows.moves)
        steady = np.minimum(steady, 1.0 / (1.0 + across / np.maximum(sure, 1e-9) / DRIFT**2))
    return steady


def _middles(target: Array, mask: Array, half: int) -> tuple[Array, Array]:
    """Rows and columns of the windows that show enough of the product's structure."""
    step = max(3, round(STEP * max(mask.shape)))
    strength = np.abs(target)
    rows, columns = np.meshgrid(
        np.arange(step // 2, mask.shape[0], step), np.arange(step // 2, mask.shape[1], step), indexing="ij"
    )
    energy = window_mean(strength, half)[rows, columns]
    kept = energy > max(
        0.08, 0.25 * float(np.median(energy[energy > 0.02])) if (energy > 0.02).any() else 1.0
    )
    rows, columns, energy = rows[kept], columns[kept], energy[kept]
    if len(rows) > MAX_WINDOWS:  # Every n-th, so that no place of the product is left out.
        chosen = np.linspace(0, len(rows) - 1, MAX_WINDOWS).astype(int)
        rows, columns = rows[chosen], columns[chosen]
    return rows, columns


def _cut(plane: Array, rows: Array, columns: Array, half: int) -> Array:
    """Squares of 2 ``half`` + 1 pixels: (n, side, side)."""
    span = np.arange(-half, half + 1)
    cut: Array = plane[
        rows[:, None, None] + span[None, :, None], columns[:, None, None] + span[None, None, :]
    ]
    return cut


def _peaks(match: Array, reach: int) -> tuple[Array, Array, Array]:
    """Moves (n, 2) in pixels to the highest places of (n, side, side), their curvature (n, 2, 2) and height (n,)."""
    count, side = match.shape[0], match.shape[1]
    flat = match.reshape(count, -1).argmax(axis=1)
    row, column = np.clip(flat // side, 1, side - 2), np.clip(flat % side, 1, side - 2)
    every = np.arange(count)

    def at(down: int, across: int) -> Array:
        values: Array = match[every, row + down, column + across]
        return values

    middle = at(0, 0)
    xx = at(0, 1) + at(0, -1) - 2.0 * middle
    yy = at(1, 0) + at(-1, 0) - 2.0 * middle
    xy = (at(1, 1) + at(-1, -1) - at(1, -1) - at(-1, 1)) / 4.0
    slope = np.stack(((at(0, 1) - at(0, -1)) / 2.0, (at(1, 0) - at(-1, 0)) / 2.0), axis=-1)
    hessian = -np.stack((np.stack((xx, xy), axis=-1), np.stack((xy, yy), axis=-1)), axis=-2)
    values, vectors = np.linalg.eigh(hessian)
    values = np.clip(values, 1e-5, None)
    offset = np.einsum("nij,nj,nkj,nk->ni", vectors, 1.0 / values, vectors, slope)
    offset = np.clip(offset, -1.0, 1.0)
    curvature = np.einsum("nij,nj,nkj->nik", vectors, values, vectors)
    moves = np.stack((column - reach, row - reach), axis=-1) + offset
    at_border = (
        (flat // side == 0) | (flat // side == side - 1) | (flat % side == 0) | (flat % side == side - 1)
    )
    curvature[at_border] *= 0.1
    return moves, curvature, middle


def fit_affine(windows: Windows) -> tuple[Affine, float]:
    """The affine map that explains the moves best, robustly, and its standard error at the windows, in frame units."""
    if len(windows.places) < 4:
        return IDENTITY.copy(), 1.0
    base = np.column_stack((windows.places, np.ones(len(windows.places))))
    fit, _residual, covariance = robust_fit(base, windows.moves, windows.weights)
    change = IDENTITY + fit.T
    spread = np.einsum("ni,nj,ij->n", base, base, covariance)
    return change, float(np.sqrt(max(0.0, float(np.mean(spread)))))


def robust_fit(base: Array, moves: Array, weights: Array) -> tuple[Array, Array, Array]:
    """``moves`` (n, 2) as a linear function of ``base`` (n, k): coefficients (k, 2), residuals (n, 2), covariance (k, k).

    Iteratively reweighted least squares with Cauchy weights, as of the scale ``NEAR``.
    """
    count, terms = base.shape
    trust = np.ones(count)
    coefficients = np.zeros((terms, 2))
    prior = np.eye(2 * terms) * 1e-6
    for _step in range(8):
        used = weights * trust[:, None, None]
        normal = np.einsum("na,nb,nij->aibj", base, base, used).reshape(2 * terms, 2 * terms)
        right = np.einsum("na,nij,nj->ai", base, used, moves).reshape(2 * terms)
        size = max(np.trace(normal) / len(normal), LEAST_WEIGHT)
        coefficients = np.linalg.solve(normal + prior * size, right).reshape(terms, 2)
        residual = moves - base @ coefficients
        trust = 1.0 / (1.0 + (residual**2).sum(axis=1) / NEAR**2)
    strength = np.einsum("nii->n", used) / 2.0
    variance = float((strength[:, None] * residual**2).sum() / max(1e-12, 2.0 * strength.sum()))
    effective = max(1.0, float(strength.sum() ** 2 / max(1e-12, (strength**2).sum())))
    gram = np.einsum("na,nb,n->ab", base, base, strength / max(1e-12, strength.sum())) * effective
    covariance = np.linalg.pinv(gram + 1e-9 * np.eye(terms)) * variance
    return coefficients, residual, covariance


def after(windows: Windows, change: Affine) -> Windows:
    """The windows with the part of their moves that ``change`` explains taken off."""
    explained = np.column_stack((windows.places, np.ones(len(windows.places)))) @ (change - IDENTITY).T
    return Windows(windows.places, windows.moves - explained, windows.weights, windows.matches)
