# SPDX-License-Identifier: GPL-3.0-or-later
"""``demo``: a set of the bundled sample product."""

import argparse
import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from ...messages import events
from ...messages.progress import Reporter
from ...optics.sizes import DEFAULT_SIZE, square
from ...photo_set.choices import FINAL, REFERENCE
from ...photo_set.folder import check_place
from ...photo_set.plan import SetPlan
from ...photo_set.source import source_from
from ..argument_types import place
from ..arguments import add_output, add_studio
from ..option_values import Command, Context, StudioOptions
from ..plans import checked, studio_of
from ..sets import make_set
from ..visible_runs import visible_run, working_in

# Small enough for three minutes on two cores without a graphics card.
QUICK_SIZE = square(512)
QUICK_QUALITY = REFERENCE
QUICK_SECONDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    out: Path
    full: bool
    studio: StudioOptions


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=place, default=Path("photoreal-demo"), metavar="DIR", help="the set folder"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="in the size, quality and video length of a set; takes several times as long",
    )
    add_studio(parser)
    add_output(parser)
    parser.set_defaults(command=Command(DemoOptions, run), resolution=QUICK_SIZE, quality=QUICK_QUALITY)


def run(options: DemoOptions, context: Context) -> int:
    check_place(options.out)
    model = options.out.parent / f".{options.out.name}-sample" / "storage-jar.glb"
    with (
        working_in(options.out, context.reporter),
        visible_run(options.out, context.reporter) as reporter,
    ):
        return _make(model, options, reporter)


def _studio(options: DemoOptions) -> StudioOptions:
    """The studio. ``--full`` replaces what the user did not choose otherwise."""
    studio = options.studio
    if options.full and studio.resolution == QUICK_SIZE:
        studio = replace(studio, resolution=DEFAULT_SIZE)
    if options.full and studio.quality == QUICK_QUALITY:
        studio = replace(studio, quality=FINAL)
    return studio


def _make(model: Path, options: DemoOptions, reporter: Reporter) -> int:
    from ...studio.sample import build_sample

    try:
        build_sample(model)
        source = source_from([model], "")
        plan = SetPlan(source=source, out=options.out, **studio_of(_studio(options), source, ()))
        if not options.full:
            plan = replace(plan, seconds=QUICK_SECONDS)
        text = f"Open {options.out / 'index.html'} to watch: it shows each picture as soon as it is there."
        reporter.tell(events.Note(text=text))
        return make_set(checked(plan, reporter, online_mode=False), reporter, None)
    finally:
        model.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            model.parent.rmdir()
