# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers behind the gates: of a photo, and of the relit renders, which show what light alone does."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import local
from .colour import Blocks, compare_colours, difference_map, quantile
from .planes import Affine, resized, warped
from .print_check import PrintFound, find_print
from .registration import Fit, Windows, after, fit_affine, match_windows, register, robust_fit, steadiness
from .report import Edges
from .structure import gradient, structure
from .surroundings import Ground, look_at_ground
from .view import View, matched, nearest_depth
from .windows import grown, shrunk

Array = NDArray[Any]

FLAT = 0.001  # Difference of neighbouring pixels, 0 to 1, below which the ground of a render shows nothing.
MOST_GRAIN = 0.006  # The same of a photo. More than this is not grain, but a finding about the ground.
EDGE = 1.0  # Length of structure from which a pixel is an edge.
CLEAR = 0.012  # Mean difference of neighbouring pixels, 0 to 1, from which a window is clear of grain.


@dataclass(eq=False)
class Measures:
    """What was measured in one photo. ``aligned`` is the photo on the render (h, w, 3)."""

    photo: Array
    aligned: Array
    fit: Fit
    surface: "Surface"
    ground: Ground
    parallax: float
    bend: float
    residual: float
    printed: PrintFound | None


@dataclass(eq=False)
class Surface:
    """What was measured inside the outline of an aligned picture."""

    windows: Windows
    maps: local.Maps
    blocks: Blocks
    edges: Edges
    match: float
    light_kept: float


def measure(view: View, whole: Array) -> Measures:
    """Measure a photo, display values (h, w, 3)."""
    photo = resized(whole, view.size)
    fit = register(photo, view.sought)
    aligned = warped(photo, fit.affine, view.size)
    parallax, bend, residual = displacements(view, fit.windows)
    ground = look_at_ground(aligned, view.render, view.mask)
    return Measures(
        photo=photo,
        aligned=aligned,
        fit=fit,
        surface=measure_surface(view, aligned, fit.windows, view.logs, ground.cast),
        ground=ground,
        parallax=parallax,
        bend=bend,
        residual=residual,
        printed=None if view.printed is None else find_print(view.printed, whole, fit.affine),
    )


def measure_surface(
    view: View, aligned: Array, windows: Windows, logs: list[Array], cast: Array | None = None
) -> Surface:
    """Measure an aligned picture; ``logs`` of the relit renders that may explain it, ``cast`` (3,) that of its ground."""
    logged = local.logarithm(aligned)
    maps = local.compare(view.windows, logged, view.log, [*logs, *view.hints])
    return Surface(
        windows=windows,
        maps=maps,
        blocks=compare_colours(aligned, view.render, shrunk(view.inside, 1), cast),
        edges=compare_edges(view, aligned),
        match=mean_match(view, windows),
        light_kept=light_kept(view, logged),
    )


def mean_match(view: View, windows: Windows) -> float:
    """How well the windows of the registration agree, up to 1; faint ones count less."""
    return float(np.average(windows.matches, weights=clearness(view) + 1e-6)) if len(windows.matches) else 0.0


def clearness(view: View) -> Array:
    """How far the edges of each window of the registration stand out from the grain of a photo: (n,), 0 to 1."""
    clear: Array = np.clip(view.sought.contrast / CLEAR, 0.0, 1.0)
    return clear


def displacements(view: View, windows: Windows) -> tuple[float, float, float]:
    """Of the moves that the affine map leaves: what follows depth, what is smooth, and the median length; frame units."""
    count = len(windows.places)
    if count < 8:
        return 0.0, 0.0, 0.0
    x, y = windows.places.T
    ones = np.ones(count)
    strength = np.einsum("nii->n", windows.weights)
    residual = float(quantile(np.hypot(*windows.moves.T), strength, 0.5))
    parallax = 0.0
    if view.depth is not None:
        longer = max(view.size)
        columns = np.clip((x * longer + view.size[0] / 2).astype(int), 0, view.size[0] - 1)
        rows = np.clip((y * longer + view.size[1] / 2).astype(int), 0, view.size[1] - 1)
        parallax = _explained(
            np.column_stack((x, y, ones)), nearest_depth(view, rows, columns)[:, None], windows, strength
        )
    bend = _explained(
        np.column_stack((x, y, ones)), np.column_stack((x * x, x * y, y * y)), windows, strength
    )
    return parallax, bend, residual


def _explained(base: Array, extra: Array, windows: Windows, strength: Array) -> float:
    """The root mean square of the moves that ``extra`` (n, k) explains beyond ``base``, less its standard error."""
    share = strength / max(1e-12, float(strength.sum()))
    weighted = base * share[:, None]
    solved = np.linalg.lstsq(weighted.T @ base, weighted.T @ extra, rcond=None)[0]
    own = extra - base @ solved
    spread = np.sqrt((share[:, None] * own**2).sum(axis=0))
    if (spread < 1e-6).all():
        return 0.0
    own = own / np.maximum(spread, 1e-6)
    coefficients, _rest, covariance = robust_fit(np.column_stack((base, own)), windows.moves, windows.weights)
    first = base.shape[1]
    explained = own @ coefficients[first:]
    size = float((share[:, None] * explained**2).sum())
    doubt = float(np.trace(covariance[first:, first:]))
    return float(np.sqrt(max(0.0, size - doubt)))


def compare_edges(view: View, aligned: Array) -> Edges:
    """Edges inside the outline."""
    inside = shrunk(view.mask > 0.5, max(2, max(view.size) // 100))
    seen = structure(aligned)
    edge = (np.abs(view.edges) > EDGE) & inside
    found = (np.abs(seen) > EDGE) & inside
    if edge.sum() < 20:
        return Edges(1.0, 0.0, 0.0)
    present = grown(np.abs(seen) > 0.5 * EDGE, 2)
    allowed = grown(view.known_edges > 0.5 * EDGE, 2)
    kept = float(present[edge].mean())
    invented = float((~allowed)[found].mean()) if found.any() else 0.0
    return Edges(kept, 1.0 - kept, invented)


def light_kept(view: View, logged: Array) -> float:
    """1 when light and shade of an aligned picture are those of the render, 0 when they are others."""
    windows = view.windows
    ratio = windows.mean(logged - view.log)[windows.inside]
    if len(ratio) < 4:
        return 0.0
    spread = float(np.quantile(ratio, 0.9) - np.quantile(ratio, 0.1))
    return float(np.clip(1.0 - (spread - 0.10) / 0.40, 0.0, 1.0))


def grainy_match(view: View, aligned: Array) -> float:
    """How well the render would agree with itself if it had the grain of an aligned photo: as ``Surface.match``.

    White on white, the edges of the product may be fainter than the grain.
    """
    flat = view.sought.near < 0.5
    flat &= np.hypot(*gradient(view.render)) < FLAT
    if flat.sum() < 0.01 * flat.size:
        return 1.0
    grain = min(float(np.median(np.hypot(*gradient(aligned))[flat])), MOST_GRAIN)
    noise = np.random.default_rng(0).normal(size=view.render.shape).astype(np.float32)
    noise *= grain / max(float(np.median(np.hypot(*gradient(noise)))), 1e-9)
    windows = match_windows(structure(view.render + noise), view.sought)
    return mean_match(view, windows)


def teach(view: View) -> None:
    """Measure the relit renders, each explained by the others, and keep what they show in ``view.tolerated``."""
    if not view.lights:
        return
    surfaces, moves = [], []
    matches = [matched(view, light) for light in view.lights]
    for index, light in enumerate(view.lights):
        elsewhere = [windows for number, windows in enumerate(matches) if number != index]
        steady = steadiness(elsewhere) if elsewhere else view.sought.steady
        windows = replace(matches[index], weights=matches[index].weights * steady[:, None, None])
        others = [log for number, log in enumerate(view.logs) if number != index]
        surfaces.append(measure_surface(view, light, windows, others))
        change, _error = fit_affine(windows)
        moves.append(
            (*displacements(view, after(windows, change)), corner_move(view, change), stretch_of(change))
        )
    view.sought = replace(view.sought, steady=steadiness(matches))
    keep = view.tolerated
    keep["missing"] = local.wider(np.max([one.maps.missing for one in surfaces], axis=0))
    keep["unexplained"] = local.wider(np.max([one.maps.unexplained for one in surfaces], axis=0))
    keep["matches"] = np.min([one.windows.matches for one in surfaces], axis=0)
    keep["match"] = min(one.match for one in surfaces)
    shape, step = view.windows.inside.shape, view.windows.step
    keep["colours"] = local.wider(
        np.max([difference_map(one.blocks, shape, step) for one in surfaces], axis=0)
    )
    keep["invented"] = max(one.edges.invented for one in surfaces)
    keep["lost"] = max(one.edges.missing for one in surfaces)
    for position, name in ((0, "parallax"), (1, "bend"), (3, "moved"), (4, "stretch")):
        keep[name] = max(one[position] for one in moves)


def stretch_of(affine: Affine) -> float:
    """How much longer one direction became than the one across it."""
    sizes = np.linalg.svd(affine[:, :2], compute_uv=False)
    return float(sizes[0] / max(sizes[1], 1e-6) - 1.0)


def corner_move(view: View, affine: Affine) -> float:
    """How far the corner of the product's box that moves most has moved, in frame units."""
    corners = view.box.corners
    moved = corners @ affine[:, :2].T + affine[:, 2]
    return float(np.hypot(*(moved - corners).T).max())
