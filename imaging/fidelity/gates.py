# SPDX-License-Identifier: GPL-3.0-or-later
"""The four gates: measures in units of what is tolerated, with a sentence each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .colour import difference_map, quantile
from .local import smoothed, wider
from .measures import Measures, clearness, grainy_match
from .planes import resized
from .regions import find_regions, place_of
from .report import Gate, Region, Registration, State
from .surroundings import OTHER, look_at_ground
from .verdict import BACKGROUND, COLOUR, POSE, STRUCTURE, Thresholds, gate
from .view import View
from .windows import window_mean

Array = NDArray[Any]
Parts = Mapping[str, tuple[float, float]]

# What light may do where no relit renders tell: standard deviation of the logarithm of luminance.
UNKNOWN_LIGHT = 0.45
LIGHT_FACTOR = 1.3  # Relit renders show a few lights of many.
COLOUR_FACTOR = 1.2  # The same for differences of colour.
KEPT_COUNTS = 0.8  # How much of the excuse a photo with the render's light loses.
OTHER_LIGHT = 0.2  # How much more difference of colour is tolerated in a photo with another light.
SAME_LIGHT = 0.35  # How much less is tolerated in a photo with the render's light.
# Agreement of the mirrored render over that of the render itself, from which it is mirrored.
MIRRORED = 1.04, 1.12
# What sharpness and compression change, as a share of the structure of the render; in the render's light, in another.
BUSY_SAME, BUSY = 0.18, 0.25
OTHER_BELOW = 0.75  # A light that is kept less than this is another one.
# Frame units: in another light, both sides of a thin product, such as a pen, may be this far off along or across it.
WORKING_PIXEL = 0.003
MAX_DOUBT = 0.01  # Frame units: a standard error of the registration above this excuses nothing more.
TILE_REACH = 0.062  # Frame units: neighbouring windows.
# Of the planes of severity in ``_structure``: the edges of windows that disagree count as changed.
KINDS = "missing", "unexplained", "print", "changed", "outside"
MISSING, CHANGED = KINDS.index("missing"), KINDS.index("changed")
LIKE_GROUND = 6.0  # Up to this distance in L*a*b*, a pixel may be ground.
LARGE_PART = 0.05  # Of the product.
NAMED_BY_PART = ("other shape", "part", "tiles", "missing", "unexplained")  # What a missing part explains.
TILES = 12  # Along the longer side of ``Report.tile_grid``.


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gates say, and where."""

    gates: Mapping[str, Gate]
    regions: tuple[Region, ...]
    tile_grid: tuple[tuple[float | None, ...], ...]
    measures: Mapping[str, float]


def judged(view: View, measured: Measures, registration: Registration, thresholds: Thresholds) -> Judgement:
    """Judge the measures of a photo."""
    structure, severity, kinds = _structure(view, measured, thresholds)
    colour, apart = _colour(view, measured, thresholds)
    parts: dict[str, Parts] = {
        POSE: _pose(view, measured, registration, thresholds),
        BACKGROUND: _background(measured, thresholds),
        COLOUR: colour,
        STRUCTURE: structure,
    }
    confidence = {
        POSE: float(np.clip(len(measured.fit.windows.places) / 30, 0, 1)),
        BACKGROUND: measured.ground.confidence,
        COLOUR: float(np.clip(measured.surface.blocks.trust.sum() / 10, 0, 1)),
        STRUCTURE: 0.5 + 0.4 * measured.surface.light_kept,
    }
    gates = {name: gate(name, parts[name], confidence[name], thresholds) for name in parts}
    cover = view.windows.inside
    lost = ""
    if any(one.state is not State.PASSED for one in gates.values()):
        gone = _gone(view, measured, cover)
        lost = _lost_part(gone, cover)
        kinds = np.where((kinds == CHANGED) & gone, MISSING, kinds)  # The edge where the rest ends is new.
    regions = find_regions(severity, kinds, KINDS, cover)
    if gates[COLOUR].state is not State.PASSED:
        regions += find_regions(np.where(cover, apart, 0.0), np.zeros(apart.shape, int), ("colour",), cover)
    told = {
        name: replace(one, reason=sentence(one, registration, regions, lost)) for name, one in gates.items()
    }
    numbers = {
        f"{name}.{part}": value for name, one in parts.items() for part, (value, _limit) in one.items()
    }
    return Judgement(told, tuple(regions), _tiles(severity, cover), numbers)


def _pose(view: View, measured: Measures, registration: Registration, limits: Thresholds) -> Parts:
    kept = view.tolerated
    match, usual = registration.match, kept.get("match", 0.62)
    expected = min(usual, 0.75)
    if expected - match > limits.mismatch:
        expected *= grainy_match(view, measured.aligned)
    doubt = min(registration.error, MAX_DOUBT)
    parts = {
        "moved": (registration.moved, limits.moved + kept.get("moved", 0.0) + doubt),
        "turned": (registration.parallax, limits.parallax + kept.get("parallax", 0.0)),
        "bent": (registration.bend, limits.bend + kept.get("bend", 0.0)),
        "stretched": (
            registration.stretch,
            max(limits.stretch, 2.0 * WORKING_PIXEL / view.box.thickness)
            + kept.get("stretch", 0.0)
            + 2.0 * doubt,
        ),
        "other shape": (max(0.0, expected - match), limits.mismatch),
        "mirrored": (max(0.0, registration.mirrored - 0.9), limits.mirrored + _lopsided(view)),
    }
    if match < 0.3 and match < 0.5 * usual:
        parts["other product"] = (3.0, 1.0)
    return parts


def _lopsided(view: View) -> float:
    """How much better than the render its mirror image must agree, beyond ``Thresholds.mirrored``, to be taken for it.

    Light from the other side makes the mirror image of a nearly symmetric product agree a little better. In a mirrored
    photo it agrees better by the inverse of the symmetry, so half of that, as a logarithm, tells the two apart.
    """
    halfway = 1.0 / np.sqrt(max(view.sought.symmetry, 1e-6))
    return float(np.clip(halfway, *MIRRORED) - MIRRORED[0])


def _background(measured: Measures, limits: Thresholds) -> Parts:
    ground = measured.ground.background
    return {
        "other colour": (ground.difference, limits.background_difference),
        "uneven": (ground.scatter, limits.background_scatter),
        "things": (ground.edges, limits.background_edges),
        "border": (ground.border, limits.background_border),
    }


def _colour(view: View, measured: Measures, limits: Thresholds) -> tuple[Parts, Array]:
    """The measures, and the difference at each window in units of the tolerance."""
    blocks = measured.surface.blocks
    apart = difference_map(blocks, view.windows.inside.shape, view.windows.step)
    if not len(blocks.difference):
        return {"whole": (0.0, limits.colour)}, apart
    whole = quantile(blocks.difference, blocks.trust, 0.8)
    # Coloured walls and warm lamps colour a product in places; the render's own light does not.
    wide = 1.0 + OTHER_LIGHT * (1.0 - measured.surface.light_kept)
    tolerated = np.full(apart.shape, limits.colour_part * wide)
    if "colours" in view.tolerated:
        excused = COLOUR_FACTOR * (1.0 - KEPT_COUNTS * same_light(measured)) * view.tolerated["colours"]
        tolerated = limits.colour_part_known * wide + excused
    severity = apart / tolerated
    worst = np.unravel_index(int(severity.argmax()), severity.shape)
    part = float(apart[worst]), float(tolerated[worst])
    return {"whole": (whole, limits.colour * wide), "part": part}, severity


def _structure(view: View, measured: Measures, limits: Thresholds) -> tuple[Parts, Array, Array]:
    """The measures, the severity at each window and which measure it is."""
    maps, kept = measured.surface.maps, view.tolerated
    inside = maps.inside
    planes: list[Array] = []
    same = same_light(measured)
    strict = 1.0 - SAME_LIGHT * same
    # A small difference of sharpness or place changes strong edges most.
    busy = (BUSY + (BUSY_SAME - BUSY) * same) * np.sqrt(wider(maps.strength))
    # What other lights show explains nothing in a photo with the render's light.
    unexplained = np.sqrt(maps.unexplained) * (1.0 - same) + np.sqrt(maps.new) * same
    for name, found, limit in (
        ("missing", np.sqrt(maps.missing), limits.missing * strict),
        ("unexplained", unexplained, limits.unexplained * strict),
    ):
        light = np.sqrt(kept[name]) if name in kept else UNKNOWN_LIGHT
        # A photo with the render's light has no excuse.
        excused = LIGHT_FACTOR * light * (1.0 - KEPT_COUNTS * same)
        beyond = np.where(inside, np.maximum(found - excused - busy, 0.0), 0.0)
        planes.append(smoothed(beyond) / limit)
    values = {
        name: (float(plane.max()) * limit * strict, limit * strict)
        for name, plane, limit in (
            ("missing", planes[0], limits.missing),
            ("unexplained", planes[1], limits.unexplained),
        )
    }
    apart = _disagreement(view, measured) / limits.tiles
    planes.append(_around_windows(view, apart))
    planes.append(_outside(measured, inside.shape) / limits.outside)
    tiles = float(apart.max(initial=0.0)) * limits.tiles
    values |= {"tiles": (tiles, limits.tiles), "outside": (measured.ground.outside, limits.outside)}
    printed, lost, smeared = _print(view, measured, limits)
    planes.insert(2, printed)
    values |= {"print": (lost, limits.print_lost), "smeared": (smeared, limits.print_smeared)}
    stacked = np.stack(planes)
    severity, kinds = stacked.max(axis=0), stacked.argmax(axis=0)
    both = (planes[0] > 0.7) & (planes[1] > 0.7) & (kinds < 2)
    # Lost letters are missing structure as well; that they are print is the better word.
    return values, severity, np.where(printed > 1.0, 2, np.where(both, CHANGED, kinds))


def _gone(view: View, measured: Measures, cover: Array) -> Array:
    """Where the photo shows ground in place of the product: bool (h, w), as ``cover``."""
    rendered = look_at_ground(view.render, view.render, view.mask).unlike
    gone = (measured.ground.unlike < LIKE_GROUND) & (rendered > OTHER)
    height, width = cover.shape
    there: Array = (resized(gone.astype(np.float32), (width, height)) > 0.5) & cover
    return there


def _lost_part(gone: Array, cover: Array) -> str:
    """Which part of the product is missing, as a sentence; "" when it is none, or a small one."""
    if gone.sum() < LARGE_PART * cover.sum():
        return ""
    rows, columns = np.nonzero(gone)
    return f"Part missing, {place_of(rows.mean() + 0.5, columns.mean() + 0.5, cover)}."


def _disagreement(view: View, measured: Measures) -> Array:
    """How much less than under other lights the edges around each window of the registration agree: (n,)."""
    windows = measured.surface.windows
    if "matches" not in view.tolerated or len(windows.matches) < 6:
        return np.zeros(len(windows.matches))
    apart = np.clip(np.minimum(view.tolerated["matches"], 0.9) - windows.matches, 0.0, 1.0)
    apart = apart * clearness(view)  # Grain hides the faintest edges.
    distance = np.hypot(*(windows.places[:, None] - windows.places[None]).transpose(2, 0, 1))
    near = distance < TILE_REACH
    around: Array = near @ apart / np.maximum(near.sum(axis=1), 3)
    return around


def _around_windows(view: View, apart: Array) -> Array:
    """The largest of ``apart`` (n,) around the middles of the windows of the registration, at the windows of structure."""
    plane = np.zeros(view.windows.inside.shape)
    reach = max(1, round(TILE_REACH * max(plane.shape) / 2.0))
    rows, columns = view.sought.rows // view.windows.step, view.sought.columns // view.windows.step
    for row, column, value in zip(rows.tolist(), columns.tolist(), apart.tolist(), strict=True):
        near = slice(max(0, row - reach), row + reach + 1), slice(max(0, column - reach), column + reach + 1)
        plane[near] = np.maximum(plane[near], value)
    return plane


def _outside(measured: Measures, shape: tuple[int, ...]) -> Array:
    """The share of edges outside the outline, at the windows of structure where they are: (h, w) of ``shape``."""
    ground = measured.ground
    if ground.edges_outside is None:
        return np.zeros(shape)
    there = resized(ground.edges_outside.astype(np.float32), (shape[1], shape[0])) > 0.0
    return np.where(there, ground.outside, 0.0)


def same_light(measured: Measures) -> float:
    """1 when a photo has the light of the render, 0 when it has clearly another."""
    return float(np.clip((measured.surface.light_kept - OTHER_BELOW) / (1.0 - OTHER_BELOW), 0.0, 1.0))


def _print(view: View, measured: Measures, limits: Thresholds) -> tuple[Array, float, float]:
    """Lost or smeared print at each window in units of its tolerance, and the worst of each."""
    plane = np.zeros(view.windows.inside.shape)
    found = measured.printed
    if found is None:
        return plane, 0.0, 0.0
    # In another light, gloss and metal hide print or turn its contrast round, so that nothing can be said.
    same = same_light(measured)
    lost = _of_cells(found.lost, found.cells) * same
    smeared = _of_cells(found.smeared, found.cells) * same
    top, bottom, left, right = found.box
    height, width = plane.shape
    rows = slice(top * height // found.size[1], -(-bottom * height // found.size[1]))
    columns = slice(left * width // found.size[0], -(-right * width // found.size[0]))
    target = plane[rows, columns]
    worst = np.maximum(lost / limits.print_lost, smeared / limits.print_smeared)
    plane[rows, columns] = resized(worst, (target.shape[1], target.shape[0]))
    return plane, float(lost.max()), float(smeared.max())


def _of_cells(values: Array, cells: Array) -> Array:
    """The mean of neighbouring cells; 0 where too few of them can be judged."""
    share = window_mean(cells.astype(np.float32), 1)
    return np.where(share > 0.4, window_mean(values * cells, 1) / np.maximum(share, 1e-3), 0.0)


def _tiles(severity: Array, inside: Array) -> tuple[tuple[float | None, ...], ...]:
    height, width = severity.shape
    side = max(1, -(-max(height, width) // TILES))
    rows = []
    for top in range(0, height, side):
        row: list[float | None] = []
        for left in range(0, width, side):
            cut = slice(top, top + side), slice(left, left + side)
            row.append(round(float(severity[cut].max()), 3) if inside[cut].any() else None)
        rows.append(tuple(row))
    return tuple(rows)


def sentence(one: Gate, registration: Registration, regions: list[Region], lost: str = "") -> str:
    """What a gate that did not pass found, for people. ``lost``: as of ``_lost_part``."""
    if one.state in (State.PASSED, State.UNTESTED):
        return ""
    if lost and one.found in NAMED_BY_PART:
        return lost
    right, down = (100 * value for value in registration.shift)
    words = {
        "moved": f"The product is in the wrong place: shifted {right:+.1f} % to the right and {down:+.1f} % down, "
        f"{100 * (registration.scale - 1):+.1f} % in size, rotated {registration.rotation:+.1f}° in the picture.",
        "turned": "The product is turned: near and far parts have moved differently.",
        "bent": "The product is bent or has another shape.",
        "stretched": f"The product is stretched by {100 * registration.stretch:.1f} %.",
        "other shape": "The shape or the parts of the product are different.",
        "mirrored": "The product is mirrored.",
        "other product": "The photo shows another product, or none.",
        "other colour": "The color or the brightness of the background differs from the render's.",
        "uneven": "The background is uneven: it has a pattern or a gradient.",
        "things": "There are objects or edges in the background.",
        "border": "Something reaches the border of the photo where there should be background.",
        "whole": "The color of the product is different.",
        "part": "A part of the product is missing or has a different color.",
        "outside": "Something sticks out beyond the outline of the product.",
        "smeared": "The print is blurred, or its small letters are different.",
        "tiles": "Edges within the product are different.",
    }
    if one.found in words:
        return words[one.found]
    return f"{regions[0].words.capitalize()}." if regions else "The surface of the product is different."
