# SPDX-License-Identifier: GPL-3.0-or-later
"""``demo``: a set of the bundled sample product."""

import argparse
import contextlib
from pathlib import Path
from typing import TextIO

from ...messages.progress import Reporter
from ...photo_set.plan import SetPlan
from ...photo_set.source import source_from
from ..arguments import Commands, add_studio, add_talk
from ..plans import checked, studio_of
from ..sets import make_set, working_in


def add(commands: Commands) -> None:
    parser = commands.add_parser("demo", help="make a set of the bundled sample product, free")
    parser.add_argument("--out", type=Path, default=Path("photoreal-demo"), metavar="DIR")
    add_studio(parser)
    add_talk(parser)
    parser.set_defaults(command=run, external_data=[])


def run(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    model = options.out.parent / f".{options.out.name}-sample" / "storage-jar.glb"
    with working_in(options.out, reporter):
        return _make(model, options, reporter)


def _make(model: Path, options: argparse.Namespace, reporter: Reporter) -> int:
    from ...studio.sample import build_sample

    try:
        build_sample(model)
        source = source_from([model], "")
        plan = SetPlan(
            source=source,
            out=options.out,
            **studio_of(options, source),
        )
        return make_set(checked(plan, reporter, online_mode=False), reporter, None)
    finally:
        model.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            model.parent.rmdir()
