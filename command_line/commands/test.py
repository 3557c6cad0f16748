# SPDX-License-Identifier: GPL-3.0-or-later
"""``test``: run the tests."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..arguments import Commands
from ..options import Command, Context


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOptions:
    """``pytest``: what follows the command, unchanged."""

    pytest: tuple[str, ...]


def add(commands: Commands) -> None:
    parser = commands.add_parser("test", help="run the tests; what follows goes to pytest")
    parser.set_defaults(command=Command(TestOptions, run))


def run(options: TestOptions, context: Context) -> int:
    import pytest

    root = Path(__file__).resolve().parents[2]
    os.chdir(root)
    output = context.output
    with contextlib.redirect_stdout(output):
        os.dup2(output.fileno(), 1)  # Tests start child processes, whose output belongs to the report.
        # Fast tests first, unless some are named.
        is_named = any(Path(argument.split("::")[0]).exists() for argument in options.pytest)
        paths = [] if is_named else ["tests/unit", "tests/blender", "tests/window"]
        return int(pytest.main(["-c", "tests/pytest.ini", "--rootdir", "tests", *options.pytest, *paths]))
