# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of commands about what a set or a catalogue has at fal.ai."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from .argument_types import place
from .arguments import add_output, add_service
from .option_values import ServiceOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions:
    """``folder``: that of the set or the catalogue."""

    folder: Path
    service: ServiceOptions


def add_folder_at_fal(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``FolderOptions``, and how the command reports."""
    parser.add_argument("folder", type=place, metavar="DIR", help="the folder of the set or the catalogue")
    add_service(parser)
    add_output(parser)
