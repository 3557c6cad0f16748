# SPDX-License-Identifier: GPL-3.0-or-later
"""``render-worker``: started by a catalogue, never by a user, so ``--help`` does not list it."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...messages.progress import JsonReporter
from ...processes.blender_program import BATCH, background_command, running_blender
from ..arguments import add_external_data
from ..option_values import Command, Context

NAME = "render-worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    external_data: tuple[Path, ...]


def add(parser: argparse.ArgumentParser) -> None:
    add_external_data(parser)
    parser.set_defaults(command=Command(WorkerOptions, run))


def run(options: WorkerOptions, context: Context) -> int:
    from ...studio.render_server import serve

    return serve(sys.stdin, JsonReporter(context.output), options.external_data)


def worker_command(external_data: Sequence[Path] = ()) -> list[str]:
    """The command that runs ``render-worker`` in a Blender like ours, for the renders of a catalogue.

    ``external_data`` are folders beside their own that .blend files may read from.
    """
    arguments = [NAME, *(word for folder in external_data for word in ("--external-data", str(folder)))]
    return background_command(BATCH, arguments, blender=running_blender())
