# SPDX-License-Identifier: GPL-3.0-or-later
"""``check``: compare the photos and videos in a folder with their renders."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...channels.checking import Finding as RuleFinding
from ...channels.checking import wanted
from ...channels.rules import CHANNELS
from ...fal_bridge.errors import JournalError
from ...messages import events
from ...messages.counts import count_of
from ...messages.errors import InputError, PhotorealError
from ...photo_set.folder import SetState
from ...photo_set.folder_check import (
    Finding,
    Together,
    VideoFinding,
    check_set,
    check_videos,
    compare_set,
    sets_in,
)
from ...photo_set.set_views import drift_event
from ..argument_types import place
from ..arguments import add_output
from ..channel_checks import check_channels
from ..next_steps import way_back
from ..option_values import Command, Context

HEAD = ("product", "angle", "verdict", "reason")
MISSING = "missing"  # In place of a verdict: there is no file.


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    folder: Path
    channel: str


@dataclass(frozen=True, slots=True)
class _Check:
    """What the check says about one set. ``together``: None with fewer than two photos that can be compared."""

    photos: list[Finding]
    videos: list[VideoFinding]
    together: Together | None


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=place,
        metavar="DIR",
        help="the folder of a set or a catalogue, which is not changed",
    )
    parser.add_argument(
        "--channel",
        default="",
        metavar="A,B",
        help=f"check the pictures against the rules of some of {', '.join(CHANNELS)}; "
        "DIR may then be any folder of pictures",
    )
    parser.add_argument(  # An older spelling.
        "--spec", dest="channel", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    add_output(parser)
    parser.set_defaults(command=Command(CheckOptions, run))


def run(options: CheckOptions, context: Context) -> int:
    return _run_channels(options, context) if options.channel else _run_fidelity(options, context)


def _run_channels(options: CheckOptions, context: Context) -> int:
    check = check_channels(options.folder, options.channel)
    for problem in check.problems:
        context.reporter.tell(events.Warning(text=problem))
    context.reporter.result((_rule_event(*one) for one in check.found), check.table())
    code = PhotorealError.exit_code if check.has_failed else 0
    state = SetState.PARTIAL if check.has_failed else SetState.DONE
    context.reporter.tell(events.Finished(state=state.value, exit=code, set=None))
    return code


def _rule_event(channel: str, sku: str, one: RuleFinding) -> events.Rule:
    return events.Rule(
        sku=sku,
        channel=channel,
        picture=one.picture,
        rule=one.rule.measure.value,
        value=one.value,
        wanted=wanted(one.rule),
        met=one.is_met,
        advice=one.rule.is_advice,
        source=one.rule.source,
        read=one.rule.read,
        problem=one.problem or None,
    )


def _run_fidelity(options: CheckOptions, context: Context) -> int:
    """A set that cannot be read is a problem of a catalogue, and an error when it is the only one."""
    roots = sets_in(options.folder)
    checks: list[_Check] = []
    has_problem = False
    for root in roots:
        try:
            checks.append(_Check(list(check_set(root)), list(check_videos(root)), compare_set(root)))
        except (InputError, JournalError) as error:
            if len(roots) == 1:
                raise
            has_problem = True
            context.reporter.tell(events.Warning(text=f"{root.name}: not checked. {error}"))
    photos = [one for check in checks for one in check.photos]
    videos = [one for check in checks for one in check.videos]
    sets = [check.together for check in checks if check.together is not None]
    told = [*map(_event, photos), *map(_video_event, videos)]
    told += [*(event for one in sets for event in _drift_events(one))]
    context.reporter.result(told, "\n".join([table(photos, videos), *map(together, sets)]))
    found: list[Finding | VideoFinding] = [*photos, *videos]
    has_failed = has_problem or any(one.is_rejected or one.lost for one in found)
    code = PhotorealError.exit_code if has_failed else 0
    state = SetState.PARTIAL if has_failed else SetState.DONE
    context.reporter.tell(events.Finished(state=state.value, exit=code, set=None))
    return code


def table(found: Sequence[Finding], videos: Sequence[VideoFinding]) -> str:
    """A line for each photo and each video, and how many there are and were rejected."""
    if not (found or videos):
        return "Nothing here was made by an image model, so there is nothing to compare. Photos by Cycles are exact."
    rows = [HEAD, *((one.product, one.angle, _word(one), _reason(one, one.angle)) for one in found)]
    rows += [(one.product, f"{one.motion} video", _word(one), _reason(one, "video")) for one in videos]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    ]
    lines += [_count(kind, ones) for kind, ones in (("photo", found), ("video", videos)) if ones]
    return "\n".join(lines)


def _count(kind: str, found: Sequence[Finding | VideoFinding]) -> str:
    rejected, lost = sum(one.is_rejected for one in found), sum(one.lost is not None for one in found)
    missing = f"{lost} missing, " if lost else ""
    return f"{count_of(len(found), kind)}, {missing}{rejected} rejected."


def together(one: Together) -> str:
    """A line about the photos of a set, and one for each that has drifted."""
    lines = [f"{one.product}: the largest difference between its photos is {one.score:.0%} of the tolerance."]
    lines += [f"  {name}: {drift.reason}" for name, drift in one.drifts.items() if drift.reason]
    return "\n".join(lines)


def _drift_events(one: Together) -> list[events.Drift]:
    return [drift_event(name, drift, sku=one.product) for name, drift in one.drifts.items() if drift.reason]


def _word(one: Finding | VideoFinding) -> str:
    if one.lost:
        return MISSING
    if one.is_accepted:
        return f"{one.verdict.value} (accepted by a person)"
    return f"{one.verdict.value} (rejected)" if one.is_rejected else one.verdict.value


def _reason(one: Finding | VideoFinding, name: str) -> str:
    return f"{one.reason} {way_back(one.folder, name, one.lost)}" if one.lost else one.reason


def _event(one: Finding) -> events.Event:
    return events.Checked(
        sku=one.product,
        angle=one.angle,
        verdict=MISSING if one.lost else one.verdict.value,
        reason=one.reason,
        rejected=one.is_rejected,
        request_id=one.request_id,
    )


def _video_event(one: VideoFinding) -> events.Event:
    return events.Identity(
        sku=one.product,
        motion=one.motion,
        verdict=MISSING if one.lost else one.verdict.value,
        reason=one.reason,
        rejected=one.is_rejected,
        request_id=one.request_id,
    )
