# SPDX-License-Identifier: GPL-3.0-or-later
"""``render-worker``: started by a catalogue, never by a person, so ``--help`` does not list it."""

import argparse
import sys
from typing import TextIO

from ...messages.progress import JsonReporter, Reporter
from ..arguments import Commands, add_external_data

NAME = "render-worker"


def add(commands: Commands) -> None:
    parser = commands.add_parser(NAME)
    add_external_data(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, _reporter: Reporter, output: TextIO) -> int:
    from ...studio.render_worker import serve

    return serve(sys.stdin, JsonReporter(output), tuple(options.external_data))
