# SPDX-License-Identifier: GPL-3.0-or-later
"""``test``: run the tests."""

import argparse
import contextlib
import os
from pathlib import Path
from typing import TextIO

from ...messages.progress import Reporter
from ..arguments import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser("test", help="run the tests; what follows goes to pytest")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, _reporter: Reporter, output: TextIO) -> int:
    import pytest

    root = Path(__file__).resolve().parents[2]
    os.chdir(root)
    with contextlib.redirect_stdout(output):
        os.dup2(output.fileno(), 1)  # Tests start children, whose words belong to the report.
        # Fast tests first, unless some are named.
        named = any(Path(argument.split("::")[0]).exists() for argument in options.pytest)
        paths = [] if named else ["tests/unit", "tests/blender", "tests/window"]
        return int(pytest.main(["-c", "tests/pytest.ini", "--rootdir", "tests", *options.pytest, *paths]))
