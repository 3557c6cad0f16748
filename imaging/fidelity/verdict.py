# SPDX-License-Identifier: GPL-3.0-or-later
"""From numbers to gates, and from gates to one verdict with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from .report import Gate, State, Verdict

POSE, BACKGROUND, COLOUR, STRUCTURE = "pose", "background", "colour", "structure"
MOVED, OTHER_PRODUCT = "moved", "other product"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What is tolerated. The defaults were chosen on the tuning products of ``benchmarks.fidelity``.

    Each gate's value is the worst of its measures, each in units of its tolerance. From 1 on, a person should look; from
    ``limit`` on, the gate has failed. ``fail`` replaces the limits of single gates. Gates in ``skipped`` are not tested.
    """

    moved: float = 0.0075
    parallax: float = 0.0036
    bend: float = 0.0040
    stretch: float = 0.020
    mismatch: float = 0.16
    mirrored: float = 0.14
    background_difference: float = 10.0
    background_scatter: float = 4.0
    background_edges: float = 0.05
    background_border: float = 0.035
    colour: float = 7.5
    colour_part: float = 10.0
    colour_part_known: float = 6.0  # With relit renders, which show where light changes colours by more.
    missing: float = 0.19
    unexplained: float = 0.17
    tiles: float = 0.40
    outside: float = 0.06
    print_lost: float = 0.42
    print_smeared: float = 0.82
    fail: Mapping[str, float] | None = None
    skipped: tuple[str, ...] = ()

    def limit(self, gate: str) -> float:
        """The value from which ``gate`` has failed; 1 is where it becomes unsure."""
        return {**FAIL, **(self.fail or {})}[gate]


FAIL = {POSE: 1.0, BACKGROUND: 1.0, COLOUR: 1.35, STRUCTURE: 1.7}


def gate(
    name: str, parts: Mapping[str, tuple[float, float]], confidence: float, thresholds: Thresholds
) -> Gate:
    """The gate of measures: value and tolerance of each."""
    if name in thresholds.skipped or confidence <= 0.0:
        return Gate(0.0, 1.0, 0.0, State.UNTESTED)
    ratios = {part: value / tolerance for part, (value, tolerance) in parts.items()}
    found = _decisive(ratios)
    value = max(ratios.values(), default=0.0)
    if value < 1.0:
        return Gate(value, 1.0, confidence, State.PASSED)
    state = State.FAILED if value >= thresholds.limit(name) else State.UNSURE
    return Gate(value, 1.0, confidence, state, found)


def _decisive(ratios: Mapping[str, float]) -> str:
    """The measure to name: the worst one, but a product that is in another place is so only when nothing else is wrong
    with its pose; another product is in another place as well."""
    if ratios.get(OTHER_PRODUCT, 0.0) >= 1.0:
        return OTHER_PRODUCT
    others = {part: ratio for part, ratio in ratios.items() if part != MOVED}
    worst = max(others, key=lambda part: others[part], default="")
    return worst if others.get(worst, 0.0) >= 1.0 or MOVED not in ratios else MOVED


def decide(gates: Mapping[str, Gate], *, can_realign: bool) -> tuple[Verdict, str]:
    """The verdict and its reason. The gates have their sentences in ``reason``.

    ``can_realign``: whether enough of the product would be left in a photo that is moved back.
    """
    pose = gates[POSE]
    failed = [one for one in gates.values() if one.state is State.FAILED]
    if pose.state is State.FAILED and pose.found == OTHER_PRODUCT:
        return Verdict.REJECT, pose.reason
    if pose.state is State.FAILED and pose.found == MOVED and len(failed) == 1 and can_realign:
        return Verdict.REALIGN, pose.reason
    if failed:
        if pose in failed and pose.found == MOVED and len(failed) > 1:
            failed.remove(pose)
        return Verdict.RETRY, failed[0].reason
    unsure = [one for one in gates.values() if one.state is State.UNSURE]
    if unsure:
        return Verdict.LOOK, max(unsure, key=lambda one: one.value).reason
    return Verdict.ACCEPT, _accepted(gates)


def _accepted(gates: Mapping[str, Gate]) -> str:
    words = {POSE: "pose and shape", BACKGROUND: "background", COLOUR: "color", STRUCTURE: "structure"}
    tested = [name for name in words if gates[name].state is State.PASSED]
    matching = ", ".join(words[name] for name in tested if name != STRUCTURE)
    untested = ", ".join(words[name] for name in words if name not in tested)
    sentences = (
        f"These match the render: {matching}." if matching else "",
        "No large part is missing or added." if STRUCTURE in tested else "",
        "Small parts and small print were not verified.",
        f"Not tested: {untested}." if untested else "",
    )
    return " ".join(filter(None, sentences))
