# SPDX-License-Identifier: GPL-3.0-or-later
"""``test``: run the tests."""

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ...messages.progress import Reporter
from ..arguments import Commands

QUICK = "--quick"
# The window tests are one long chain, so one process begins with them; the others run fast tests first.
FOLDERS = ("tests/window", "tests/unit", "tests/blender")
MAX_PROCESSES = 8
SLOWEST_SHOWN = 20


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "test", help=f"run the tests ({QUICK}: those that take seconds); what follows goes to pytest"
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, _reporter: Reporter, output: TextIO) -> int:
    import pytest

    os.chdir(Path(__file__).resolve().parents[2])
    with contextlib.redirect_stdout(output):
        os.dup2(output.fileno(), 1)  # Tests start children, whose output belongs to the report.
        return int(pytest.main(pytest_arguments(options.pytest, os.cpu_count() or 1)))


def pytest_arguments(given: Sequence[str], cores: int) -> list[str]:
    """What pytest gets for ``given``. Without a file or folder among them, all tests run in several processes."""
    more = [argument for argument in given if argument != QUICK]
    arguments = ["-c", "tests/pytest.ini", "--rootdir", "tests"]
    if any(Path(argument.split("::")[0]).exists() for argument in more):
        return [*arguments, *more]
    # Most tests wait for a server or for another process, so there are more processes than cores.
    arguments += ["-n", str(min(cores + 2, MAX_PROCESSES)), "--dist", "loadfile", "--no-loadscope-reorder"]
    arguments += ["--durations", str(SLOWEST_SHOWN), "--durations-min", "1"]
    if QUICK in given:
        return [*arguments, "-m", "not slow", *more, "tests/unit"]
    return [*arguments, *more, *FOLDERS]
