# SPDX-License-Identifier: GPL-3.0-or-later
"""``render-worker``: started by a catalogue, never by a user, so ``--help`` does not list it."""

import sys
from dataclasses import dataclass
from pathlib import Path

from ...messages.progress import JsonReporter
from ..arguments import Commands, add_external_data
from ..option_values import Command, Context

NAME = "render-worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    external_data: tuple[Path, ...]


def add(commands: Commands) -> None:
    parser = commands.add_parser(NAME)
    add_external_data(parser)
    parser.set_defaults(command=Command(WorkerOptions, run))


def run(options: WorkerOptions, context: Context) -> int:
    from ...studio.render_worker import serve

    return serve(sys.stdin, JsonReporter(context.output), options.external_data)
