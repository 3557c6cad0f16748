# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the pairs of ``benchmarks.fidelity_photos`` and keeps what the check said. No bpy."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fidelity_photos import Pair, Photographer
from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging.fidelity import Reference, Report, check_photo  # noqa: E402

# Thresholds were chosen on the first group, or it was looked at while they were. The second contains none of them; what was
# changed after a look at one of it is in docs/fidelity.md.
TUNING = (
    "glass-bottle", "white-mug", "carton", "drink-can", "watch", "teapot", "black-speaker", "sample",
)  # fmt: skip
SCORED = (
    "cosmetics", "book", "cushion", "pen", "stool", "desk-lamp", "radio", "pebbles", "vase", "controller",
    "black-bottle", "toolbox",
)  # fmt: skip
MEASURED = ("good", "shift", "zoom", "roll", "stretch")  # Kinds with a true affine map.


@dataclass
class Result:
    """One checked pair. ``misplaced``: error of the registration at the corners, frame units; NaN for defects that have
    no true affine map. ``seconds``: processor time of the check."""

    product: str
    kind: str
    size: float
    light: str
    chain: str
    verdict: str
    score: float
    gates: dict[str, float]
    found: str
    measures: dict[str, float]
    misplaced: float
    seconds: float
    light_kept: float
    confidence: dict[str, float]


def results_of(
    names: Sequence[str], cache: Path, side: int, seed: int, *, plain: bool, say: Callable[[str], None]
) -> Iterator[Result]:
    """Check every pair of the products in ``cache``. ``plain``: without relit renders."""
    for photographer, layers in photographers(names, cache, side, seed, say=say):
        reference = reference_of(photographer, layers, plain=plain)
        started = time.process_time()
        reference.view()
        say(f"{photographer.name}: {time.process_time() - started:.1f} s to prepare")
        for pair in photographer.pairs():
            yield checked(pair, reference)


def photographers(
    names: Sequence[str], cache: Path, side: int, seed: int, *, say: Callable[[str], None]
) -> Iterator[tuple[Photographer, dict[str, Any]]]:
    """A photographer for each of the products that are in ``cache``, and the product's layers."""
    kept = {}
    for name in names:
        path = cache / f"{name}-{side}.npz"
        if path.exists():
            with np.load(path) as stored:
                kept[name] = {key: stored[key] for key in stored.files}
        else:
            say(f"{name} is not in the cache")
    for name, layers in kept.items():
        yield Photographer(name, layers, kept, seed), layers


def reference_of(photographer: Photographer, layers: dict[str, Any], *, plain: bool) -> Reference:
    lights = (
        []
        if plain
        else [np.asarray(photographer.picture(f"relit:{i}")) for i in range(9) if f"relit:{i}" in layers]
    )
    return Reference(
        render=np.asarray(photographer.picture("render")),
        mask=layers["mask"],
        depth=layers["depth"],
        normal=layers["normal"].astype(np.float32),
        base_colour=layers["base"].astype(np.float32),
        lights=lights,
        background=photographer.background,
    )


def checked(pair: Pair, reference: Reference, *, same_light: float | None = None) -> Result:
    """Check one pair. ``same_light``: the share of light from which a photo is one in the render's light, for pairs of
    which that is not known."""
    started = time.process_time()
    report = check_photo(pair.picture, reference)
    seconds = time.process_time() - started
    if same_light is not None:
        pair.light = "same" if report.light_kept >= same_light else "other"
    return _result(pair, report, seconds)


def _result(pair: Pair, report: Report, seconds: float) -> Result:
    misplaced = float("nan")
    if report.registration is not None and pair.truth is not None and pair.kind in MEASURED:
        corners = np.array([(x, y, 1.0) for x in (-0.4, 0.4) for y in (-0.4, 0.4)])
        difference = corners @ (pair.truth - np.array(report.registration.affine)).T
        misplaced = float(np.hypot(*difference.T).max())
    gates = {name: gate.value / gate.threshold for name, gate in report.gates.items()}
    worst = max(report.gates.values(), key=lambda gate: gate.value / gate.threshold)
    return Result(
        product=pair.product,
        kind=pair.kind,
        size=float(pair.size),
        light=pair.light,
        chain=pair.chain,
        verdict=report.verdict.value,
        score=float(report.score) if not report.problem else 9.0,
        gates=gates,
        found=worst.found,
        measures=dict(report.measures or {}),
        misplaced=misplaced,
        seconds=seconds,
        light_kept=report.light_kept,
        confidence={name: gate.confidence for name, gate in report.gates.items()},
    )
