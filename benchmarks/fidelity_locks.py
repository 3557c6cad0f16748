# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on good photos that were moved, moved back and locked: ``python -m benchmarks.fidelity --locks``. No bpy.

The photos are shifted or enlarged by 2 to 5 % and pass the same chain as all others. Each is checked, moved back when the
verdict is ``realign``, checked again, and locked in each way. ``accept`` is what should come out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.fidelity_pairs import photographers, reference_of
from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging.choices import Lock  # noqa: E402
from photoreal_set.imaging.fidelity import Reference, Report, Verdict, check_photo, realign  # noqa: E402
from photoreal_set.imaging.fidelity.check import is_in_place  # noqa: E402
from photoreal_set.photo_set.photo_check import locked  # noqa: E402

RECEIVED, REALIGNED = "received", "realigned"
LOCKS = (Lock.LABELS, Lock.EDGES, Lock.ALL)


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a photo. ``done``: received, realigned, or "labels", "edges" or "all". ``found``: what decided;
    ``residual``: how far the product still is from its place, frame units."""

    product: str
    kind: str
    done: str
    verdict: str
    found: str
    residual: float


def steps_of(
    names: Sequence[str], cache: Path, side: int, seed: int, *, plain: bool, say: Callable[[str], None]
) -> Iterator[Step]:
    """The steps of each moved photo of the products in ``cache``."""
    for photographer, layers in photographers(names, cache, side, seed, say=say):
        reference = reference_of(photographer, layers, plain=plain)
        for pair in photographer.moved_good():
            for done, report in _verdicts(pair.picture, reference):
                yield _step(
                    photographer.name, f"{pair.kind} {pair.size:g} %, {pair.light} light", done, report
                )
        say(f"{photographer.name}: done")


def _verdicts(picture: Image.Image, reference: Reference) -> Iterator[tuple[str, Report]]:
    report = check_photo(picture, reference)
    yield RECEIVED, report
    if report.verdict is not Verdict.REALIGN:
        return
    moved = realign(picture, report, background=reference.background)
    report = check_photo(moved, reference)
    yield REALIGNED, report
    if is_in_place(report):
        for what in LOCKS:
            yield what.value, check_photo(locked(moved, reference, what), reference)


def _step(product: str, kind: str, done: str, report: Report) -> Step:
    worst = max(report.gates, key=lambda name: report.gates[name].value / report.gates[name].threshold)
    moved = float("nan") if report.registration is None else report.registration.moved
    found = "" if report.verdict is Verdict.ACCEPT else f"{worst}: {report.gates[worst].found}"
    return Step(product, kind, done, report.verdict.value, found, moved)


def lock_table(steps: Sequence[Step]) -> str:
    """Verdicts by what was done, in Markdown, and what was found in those that are not ``accept``."""
    verdicts = [verdict.value for verdict in Verdict]
    lines = [
        f"| photo | photos | {' | '.join(verdicts)} | accepted | still moved, median |",
        f"|{'---|' * (len(verdicts) + 4)}",
    ]
    for done in (RECEIVED, REALIGNED, *(what.value for what in LOCKS)):
        group = [one for one in steps if one.done == done]
        if not group:
            continue
        counts = Counter(one.verdict for one in group)
        numbers = " | ".join(str(counts[verdict]) for verdict in verdicts)
        residual = np.nanmedian([one.residual for one in group])
        accepted = counts[Verdict.ACCEPT.value] / len(group)
        name = done if done in (RECEIVED, REALIGNED) else f"realigned, locked: {done}"
        lines.append(f"| {name} | {len(group)} | {numbers} | {accepted:.0%} | {100 * residual:.2f} % |")
    lines += [
        "",
        "| not accepted after it was moved back | photo | done | verdict | found |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.product} | {one.kind} | {one.done} | {one.verdict} | {one.found} |"
        for one in steps
        if one.done != RECEIVED and one.verdict != Verdict.ACCEPT.value
    ]
    return "\n".join(lines)
