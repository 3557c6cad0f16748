# SPDX-License-Identifier: GPL-3.0-or-later
"""``test``: run the tests."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ...processes.blender_program import BATCH, in_blender_program
from ...processes.child import lower_priority
from ..option_values import Command, Context

QUICK = "--quick"
# Fast tests first. Those with a window are the longest files, so others run beside them until the end.
FOLDERS = ("tests/unit", "tests/window", "tests/blender")
MAX_PROCESSES = 8
SLOWEST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOptions:
    """``pytest``: what follows the command, unchanged."""

    pytest: tuple[str, ...]


def add(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=Command(TestOptions, run))


def run(options: TestOptions, context: Context) -> int:
    if os.name != "nt" and not in_blender_program() and os.getsid(0) != os.getpid():
        return _run_in_session(options.pytest, context.output)

    import pytest

    os.chdir(Path(__file__).resolve().parents[2])
    # The background Blender of a window test has this priority: with a higher one, other tests would starve it.
    lower_priority(os.getpid())
    output = context.output
    with contextlib.redirect_stdout(output):
        os.dup2(output.fileno(), 1)  # Tests start children, whose output belongs to the report.
        return int(pytest.main(pytest_arguments(options.pytest, os.cpu_count() or 1)))


def _run_in_session(arguments: Sequence[str], output: TextIO) -> int:
    """Run the tests in a separate session, and pass signals on to it; their exit code.

    Linux has one priority for all processes of a session: lowering that of a terminal would slow down everything in it.
    """
    command = [sys.executable, str(BATCH), "test", *arguments]
    process = subprocess.Popen(command, stdout=output.fileno(), start_new_session=True)

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):  # It has just ended.
            os.killpg(process.pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = process.wait()
    return code if code >= 0 else 128 - code


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
        return [*arguments, "-m", "not slow", *more, FOLDERS[0]]
    return [*arguments, *more, *FOLDERS]
