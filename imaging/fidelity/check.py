# SPDX-License-Identifier: GPL-3.0-or-later
"""The check: a photo against a render, to a report."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .colour import quantile
from .gates import judged
from .measures import Measures, Surface, corner_move, measure
from .photo import UnusablePhotoError, read_photo, require_same_shape
from .reference import Reference
from .report import Colour, Gate, Print, Registration, Report, State, Verdict
from .surroundings import compare_outlines, look_at_ground
from .verdict import BACKGROUND, COLOUR, POSE, STRUCTURE, Thresholds, decide
from .view import UnusableReferenceError, View

Array = NDArray[Any]
Photo = Path | Image.Image | Array
OUTSIDE = 0.004  # Frame units: how far the product's box may reach out of a photo that is moved back.


def check_photo(photo: Photo, reference: Reference, thresholds: Thresholds | None = None) -> Report:
    """Check whether a photo shows the product of ``reference``, in its pose, colours and parts.

    ``photo``: a file, a Pillow picture, or an array (h, w, 3 or 4), uint8, or float from 0 to 1; any size, the shape of the
    render. Never raises for a bad photo or a bad reference: the report then has a ``problem``, and is not accepted.
    """
    chosen = thresholds or Thresholds()
    full = (
        (int(reference.render.shape[1]), int(reference.render.shape[0]))
        if reference.render.ndim > 1
        else (0, 0)
    )
    try:
        view = reference.view()
    except UnusableReferenceError as error:
        return _unusable(str(error), Verdict.LOOK, full)
    try:
        values = read_photo(photo, reference.background)
        require_same_shape(values, view.full)
    except UnusablePhotoError as error:
        return _unusable(str(error), Verdict.RETRY, full)
    if max(values.shape) < max(view.size):  # Details that a small photo cannot have must not be missed.
        view = reference.view(max(values.shape[:2]))
    measured = measure(view, values)
    report = _report(view, measured, chosen)
    return replace(report, photo_size=(values.shape[1], values.shape[0]), render_size=view.full)


def _unusable(problem: str, verdict: Verdict, full: tuple[int, int]) -> Report:
    gates = {name: Gate(0.0, 1.0, 0.0, State.UNTESTED) for name in (POSE, BACKGROUND, COLOUR, STRUCTURE)}
    return Report(verdict=verdict, reason=problem, gates=gates, render_size=full, problem=problem)


def _report(view: View, measured: Measures, thresholds: Thresholds) -> Report:
    registration = registration_of(view, measured)
    result = judged(view, measured, registration, thresholds)
    verdict, reason = decide(result.gates, can_realign=_is_whole(view, registration))
    # A photo that is in its place has the same ground before and after.
    is_moved = registration.moved > 0.002
    before = look_at_ground(measured.photo, view.render, view.mask) if is_moved else measured.ground
    surface = measured.surface
    return Report(
        verdict=verdict,
        reason=reason,
        gates=result.gates,
        is_calibrated=bool(view.tolerated),
        registration=registration,
        silhouette=compare_outlines(before, measured.ground, measured.photo, measured.aligned, view.mask),
        edges=surface.edges,
        colour=_colour(surface),
        print_areas=_print(view, measured),
        background=measured.ground.background if measured.ground.confidence else None,
        light_kept=surface.light_kept,
        regions=result.regions,
        tile_grid=result.tile_grid,
        measures=result.measures,
    )


def is_in_place(report: Report) -> bool:
    """Whether the photo shows the product where the render has it, so that it can be locked to the render."""
    gates = (report.gates[POSE], report.gates[BACKGROUND])
    return not report.problem and all(gate.state is not State.FAILED for gate in gates)


def _is_whole(view: View, registration: Registration) -> bool:
    """Whether the photo contains all of the product's box that the render contains."""
    if not 0.7 < registration.scale < 1.4:
        return False
    rows, columns = np.nonzero(view.mask > 0.5)
    longer = max(view.size)
    x = (np.array((columns.min(), columns.max() + 1)) - view.size[0] / 2) / longer
    y = (np.array((rows.min(), rows.max() + 1)) - view.size[1] / 2) / longer
    affine = np.array(registration.affine)
    corners = np.array([(a, b) for a in x for b in y]) @ affine[:, :2].T + affine[:, 2]
    limits = np.array(view.size) / longer / 2.0 + OUTSIDE
    return bool((np.abs(corners) <= np.maximum(limits, np.abs([(a, b) for a in x for b in y]))).all())


def _colour(surface: Surface) -> Colour | None:
    blocks = surface.blocks
    if blocks.trust.sum() < 2.0:
        return None
    return Colour(
        exposure=blocks.exposure,
        cast=blocks.cast,
        typical=quantile(blocks.difference, blocks.trust, 0.5),
        worst=quantile(blocks.difference, blocks.trust, 0.9),
    )


def _print(view: View, measured: Measures) -> Print | None:
    found = measured.printed
    if view.printed is None or found is None:
        return None
    lost = float((found.lost[found.cells] > 0.5).mean())
    return Print(share=view.printed.share, kept=found.kept, sharpness=found.sharpness, lost=lost)


def registration_of(view: View, measured: Measures) -> Registration:
    """The affine map in words of a photographer, about the middle of the product."""
    fit = measured.fit
    linear = fit.affine[:, :2]
    rows, columns = np.nonzero(view.mask > 0.5)
    longer = max(view.size)
    middle = np.array(
        ((columns.mean() + 0.5 - view.size[0] / 2) / longer, (rows.mean() + 0.5 - view.size[1] / 2) / longer)
    )
    shift = linear @ middle + fit.affine[:, 2] - middle
    left, sizes, _right = np.linalg.svd(linear)
    direction = np.degrees(np.arctan2(left[1, 0], left[0, 0])) % 180.0
    turn = np.degrees(np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
    return Registration(
        is_found=measured.surface.match > 0.15,
        shift=(float(shift[0]), float(shift[1])),
        scale=float(np.sqrt(abs(np.linalg.det(linear)))),
        rotation=float(turn),
        stretch=float(sizes[0] / max(sizes[1], 1e-6) - 1.0),
        stretch_degrees=float(direction),
        residual=measured.residual,
        error=fit.error,
        parallax=measured.parallax,
        bend=measured.bend,
        match=measured.surface.match,
        mirrored=fit.mirrored,
        moved=corner_move(view, fit.affine),
        affine=tuple(tuple(float(value) for value in row) for row in fit.affine),  # type: ignore[arg-type]  # Two rows of three.
    )
