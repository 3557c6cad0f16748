# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses arguments and runs commands. Blender is imported only for commands that need it."""

import argparse
import contextlib
import io
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from ..messages import events
from ..messages.errors import (
    InputError,
    MachineError,
    PhotorealError,
    ProgramError,
    StoppedByUserError,
    machine_error,
)
from ..messages.progress import JsonReporter, PlainReporter, QuietReporter, Reporter, TerminalReporter
from ..photo_set.version import VERSION
from ..processes.blender_program import in_blender_program
from ..processes.interrupts import remembered
from .arguments import option_of
from .commands import (
    cancel,
    catalogue,
    compile_kernels,
    demo,
    doctor,
    estimate,
    render_worker,
    report,
    resume,
    test,
)
from .commands import set as one_set
from .option_values import Context
from .service import taken_keys

COMMANDS = (
    demo,
    one_set,
    catalogue,
    resume,
    cancel,
    estimate,
    report,
    doctor,
    test,
    render_worker,
    compile_kernels,
)  # In the order of --help.

log = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}.", hint=f"See {self.prog} --help.")


def run(arguments: list[str]) -> NoReturn:
    """Run a command and end the process with its exit code."""
    code = run_in_blender(arguments)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules and not in_blender_program():
        os._exit(code)  # The bpy module prints memory statistics, or crashes, when Python unloads it.
    sys.exit(code)


def run_in_blender(arguments: list[str]) -> int:
    """Run a command in a Blender that ends by itself; the exit code."""
    with _own_output() as output:
        return main(arguments, output)


def main(arguments: list[str], output: TextIO) -> int:
    """Run a command; the exit code. Writes only to ``output`` and to standard error."""
    with_json = "--json" in arguments
    reporter: Reporter = JsonReporter(output) if with_json else PlainReporter(sys.stderr)
    try:
        with contextlib.redirect_stdout(output):  # For --help and --version.
            # Arguments after `test` are for pytest.
            ours = arguments[:1] if arguments[:1] == ["test"] else arguments
            options = parser_of_commands().parse_args(ours, argparse.Namespace(pytest=arguments[1:]))
        if getattr(options, "has_reporter", False):
            reporter = _reporter(options, output)
        with taken_keys(), remembered(), tempfile.TemporaryDirectory(prefix="photoreal-") as scratch:
            context = Context(reporter=reporter, output=output, scratch=Path(scratch))
            return int(options.command(options, context))
    except PhotorealError as error:
        return _fail(reporter, error)
    except OSError as error:
        return _fail(reporter, machine_error(error))
    except MemoryError:
        return _fail(reporter, MachineError("There is not enough memory."))
    except Exception as error:
        log.exception("The command failed")
        return _fail(reporter, ProgramError(error))
    except KeyboardInterrupt:
        return _fail(reporter, StoppedByUserError())
    except SystemExit as end:  # --help and --version.
        return int(end.code or 0)


def _fail(reporter: Reporter, error: PhotorealError) -> int:
    """Say why the command ended. Programs get the field of the error, a user its option."""
    option = f"{option_of(error.field)}: " if error.field else ""
    print(f"Error: {option}{error}", file=sys.stderr)
    reporter.detail(
        events.Finished(
            state="failed", exit=error.exit_code, set=None, error=str(error), field=error.field or None
        )
    )
    return error.exit_code


class _SteadyOutput(io.FileIO):
    """Output that survives a closed pipe (``… | head``) or a full disk: neither may end a paid run."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


@contextlib.contextmanager
def _own_output() -> Iterator[TextIO]:
    """The real standard output, without what Blender prints to file descriptor 1.

    ``bootstrap`` passes it in PHOTOREAL_OUTPUT when it starts a Blender.
    """
    sys.stdout.flush()
    handed_over = os.environ.pop("PHOTOREAL_OUTPUT", "")
    raw = _SteadyOutput(int(handed_over or os.dup(1)), "w")
    with io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace") as output:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.close(quiet)
        try:
            yield output
        finally:
            output.flush()
            sys.stdout.flush()
            if not in_blender_program():  # Blender's last message would follow our last line.
                os.dup2(output.fileno(), 1)


def _reporter(options: argparse.Namespace, output: TextIO) -> Reporter:
    if options.json:
        return JsonReporter(output)
    if options.quiet:
        return QuietReporter(output)
    return TerminalReporter(output) if output.isatty() else PlainReporter(output)


def parser_of_commands() -> argparse.ArgumentParser:
    parser = _Parser(prog="batch.py", description="Consistent product photos from every angle.")
    parser.add_argument("--version", action="version", version=f"Photoreal Set {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in COMMANDS:
        command.add(commands)
    return parser
