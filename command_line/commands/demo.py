# SPDX-License-Identifier: GPL-3.0-or-later
"""``demo``: a set of the bundled sample product."""

import argparse
import contextlib
from dataclasses import dataclass
from pathlib import Path

from ...files.invisible import named_path
from ...messages.progress import Reporter
from ...photo_set.plan import SetPlan
from ...photo_set.source import source_from
from ..arguments import add_output, add_studio
from ..option_values import Command, Context, StudioOptions
from ..plans import checked, studio_of
from ..sets import make_set, working_in


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    out: Path
    studio: StudioOptions


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=named_path, default=Path("photoreal-demo"), metavar="DIR", help="the set folder"
    )
    add_studio(parser)
    add_output(parser)
    parser.set_defaults(command=Command(DemoOptions, run))


def run(options: DemoOptions, context: Context) -> int:
    model = options.out.parent / f".{options.out.name}-sample" / "storage-jar.glb"
    with working_in(options.out, context.reporter):
        return _make(model, options, context.reporter)


def _make(model: Path, options: DemoOptions, reporter: Reporter) -> int:
    from ...studio.sample import build_sample

    try:
        build_sample(model)
        source = source_from([model], "")
        plan = SetPlan(source=source, out=options.out, **studio_of(options.studio, source, ()))
        return make_set(checked(plan, reporter, online_mode=False), reporter, None)
    finally:
        model.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            model.parent.rmdir()
