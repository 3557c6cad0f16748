# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of ``benchmarks.fidelity``, in Markdown."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.fidelity_pairs import Result

POSE = ("shift", "zoom", "roll", "stretch", "turned", "bent", "mirrored", "other product", "molten")
# Kind, light, smallest size, what the goal is: recall at the shipped thresholds.
GOALS = (
    ("shift", "", 2.5, 0.97), ("zoom", "", 2.5, 0.97), ("roll", "", 2.5, 0.97), ("stretch", "", 4.0, 0.95),
    ("turned", "", 4.5, 0.95), ("bent", "", 4.0, 0.93), ("mirrored", "", 0.0, 0.80), ("other product", "", 0.0, 0.98),
    ("molten", "", 0.0, 0.90), ("background", "", 0.0, 0.95), ("recoloured", "", 10.0, 0.80),
    ("part recoloured", "", 10.0, 0.80), ("moved", "", 10.0, 0.70), ("removed", "", 3.0, 0.50), ("added", "", 3.0, 0.30),
    ("dented", "", 3.0, 0.0), ("print erased", "other", 6.0, 0.35), ("print scrambled", "other", 6.0, 0.35),
    ("print smeared", "other", 0.0, 0.0), ("print erased", "same", 0.0, 0.90), ("print scrambled", "same", 0.0, 0.90),
    ("print smeared", "same", 0.0, 0.90), ("shift", "", 1.3, 0.0), ("zoom", "", 1.3, 0.0), ("roll", "", 1.3, 0.0),
    ("stretch", "", 2.5, 0.0), ("turned", "", 2.5, 0.0), ("bent", "", 3.0, 0.0), ("recoloured", "", 5.0, 0.0),
    ("part recoloured", "", 15.0, 0.0),
)  # fmt: skip


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """The chance that a bad photo scores higher than a good one."""
    if not good or not bad:
        return float("nan")
    ranks = np.searchsorted(np.sort(good), bad, side="left") + np.searchsorted(
        np.sort(good), bad, side="right"
    )
    return float(ranks.mean() / (2.0 * len(good)))


def alarms(results: Iterable[Result]) -> float:
    found = [one.verdict != "accept" for one in results]
    return float(np.mean(found)) if found else float("nan")


def table(results: Sequence[Result]) -> str:
    """All tables."""
    good = [one for one in results if one.kind == "good"]
    bad = [one for one in results if one.kind != "good"]
    lines = [
        f"{len(results)} pairs of {len({one.product for one in results})} products: {len(good)} good, {len(bad)} bad.",
        "",
        *_summary(good, bad),
        "",
        *_kinds(good, bad),
        "",
        *_false_alarms(good),
        "",
        *_registration(results),
    ]
    return "\n".join(lines)


def _summary(good: Sequence[Result], bad: Sequence[Result]) -> list[str]:
    pose = [one for one in bad if one.kind in POSE]
    scores = [one.score for one in good]
    hard = [one for one in good if one.verdict in ("realign", "retry", "reject")]
    posed = [_pose_score(one) for one in good]
    return [
        "| | |",
        "|---|---|",
        f"| false alarms | {alarms(good):.1%} ({sum(one.verdict != 'accept' for one in good)} of {len(good)}) |",
        f"| 95 % confidence interval of their share | {_interval(good)} |",
        f"| of these not `look` | {len(hard) / max(1, len(good)):.1%} |",
        f"| AUC of pose kinds | {auc(posed, [_pose_score(one) for one in pose]):.3f} |",
        f"| AUC of all kinds | {auc(scores, [one.score for one in bad]):.3f} |",
        f"| bad photos found | {alarms(bad):.1%} |",
        f"| seconds a pair (processor), median | {np.median([one.seconds for one in [*good, *bad]]):.2f} |",
    ]


def _interval(good: Sequence[Result]) -> str:
    """Wilson's interval of the share of false alarms (E. B. Wilson, 1927), as if the photos were independent."""
    count, z = len(good), 1.96
    if not count:
        return "none"
    share = alarms(good)
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * float(np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2))
    return f"{max(0.0, middle - reach):.1%} to {min(1.0, middle + reach):.1%}"


def _pose_score(one: Result) -> float:
    return max(one.gates[name] for name in ("pose", "background", "structure"))


def _kinds(good: Sequence[Result], bad: Sequence[Result]) -> list[str]:
    strict = float(np.quantile([one.score for one in good], 0.98)) if good else 1.0
    lines = [
        "| defect | light | from | pairs | AUC | recall at 2 % | recall as shipped | of these `look` | goal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, light, least, goal in GOALS:
        chosen = [one for one in bad if one.kind == kind and one.size >= least and light in ("", one.light)]
        if not chosen:
            continue
        strictly = float(np.mean([one.score > strict for one in chosen]))
        looked = float(np.mean([one.verdict == "look" for one in chosen]))
        against = [one.score for one in good if not light or one.light == light]
        lines.append(
            f"| {kind} | {light or 'all'} | {least:g} | {len(chosen)} | {auc(against, [one.score for one in chosen]):.2f} | "
            f"{strictly:.2f} | {alarms(chosen):.2f} | {looked:.2f} | {f'{goal:.2f}' if goal else ''} |"
        )
    return lines


def _false_alarms(good: Sequence[Result]) -> list[str]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for one in good:
        groups[f"{one.light} light, {one.chain}"].append(one)
        groups[f"product {one.product}"].append(one)
        if one.verdict != "accept":
            groups[f"by {max(one.gates, key=lambda name: one.gates[name])}: {one.found}"].append(one)
    lines = ["| good photos | pairs | false alarms |", "|---|---|---|"]
    return [
        *lines,
        *(f"| {name} | {len(group)} | {alarms(group):.1%} |" for name, group in sorted(groups.items())),
    ]


def _registration(results: Sequence[Result]) -> list[str]:
    lines = ["| registration, error at the corners | pairs | median | 90 % below |", "|---|---|---|---|"]
    for kind in ("good", "shift", "zoom", "roll", "stretch"):
        errors = [one.misplaced for one in results if one.kind == kind and np.isfinite(one.misplaced)]
        if errors:
            lines.append(
                f"| {kind} | {len(errors)} | {100 * np.median(errors):.2f} % | {100 * np.quantile(errors, 0.9):.2f} % |"
            )
    return lines
