# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses arguments and runs commands.

A command is imported only when it is named: loading all of them takes a second, which ``--help`` does not need.
Blender is imported only by commands that use it.
"""

import argparse
import contextlib
import difflib
import importlib
import importlib.util
import io
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
from ..messages.progress import JsonReporter, PlainReporter, QuietReporter, Reporter
from ..photo_set.version import VERSION
from ..processes.blender_program import in_blender_program
from ..processes.interrupts import remembered
from .environment import ENVIRONMENT
from .help_texts import HelpFormatter

# In the order of --help, which does not list a command without a text. Each is the module of that name in ``commands``:
# its ``add`` adds the arguments.
COMMANDS: Mapping[str, str] = {
    "demo": "make a set of the bundled sample product, free of charge",
    "set": "make the set of one product",
    "catalogue": "make the sets of many products, from a CSV or JSONL file",
    "resume": "continue a set or a catalogue; nothing is paid twice",
    "cancel": "cancel the pending fal.ai requests of a set or catalogue",
    "check": "compare the photos and videos of a set or a catalogue with their renders; changes nothing",
    "reconcile": "what fal.ai has really charged for a set or a catalogue; needs an admin key",
    "cleanup": "hide and delete at fal.ai what a finished set or catalogue has left there",
    "estimate": "what a set or a catalogue would cost; spends nothing",
    "export": "write pictures as shops and marketplaces want them",
    "report": "rebuild the page of a set or a catalogue",
    "doctor": "what this machine has, and what is missing",
    "test": "run the tests (--quick: only the fast ones); further arguments are passed to pytest",
    "render-worker": "",
    "compile-kernels": "",
}

log = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        # A later option may begin like an abbreviation that a script uses.
        super().__init__(**{"formatter_class": HelpFormatter, "allow_abbrev": False, **settings})

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse, but for commands: names the nearest one, or all that ``--help`` lists."""
        if not isinstance(action, argparse._SubParsersAction) or value in (action.choices or ()):
            super()._check_value(action, value)
            return
        shown = [name for name, text in COMMANDS.items() if text]
        near = difflib.get_close_matches(str(value), shown, 1)
        hint = f"Did you mean {near[0]}?" if near else f"The commands are {', '.join(shown)}."
        raise InputError(f"{str(value)!r} is not a command.", hint=hint)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse, but a command refuses what it does not know itself: its own help says more than that of all."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown and self._subparsers is None:
            self._refuse(unknown[0])
        return options, unknown

    def _refuse(self, argument: str) -> NoReturn:
        help_ = f"See {self.prog} --help."
        if not argument.startswith("-"):
            raise InputError(f"{argument!r} is one argument too many.", hint=help_)
        if Path(argument).exists():
            raise InputError(f"{argument!r} is taken for an option.", hint=f"Name the file as ./{argument}.")
        name = argument.partition("=")[0]
        options = self._option_string_actions
        near = [option for option in options if option.startswith(name)]
        near = near or difflib.get_close_matches(name, options, 1)
        hint = f"Did you mean {near[0]}? {help_}" if near else help_
        raise InputError(f"{name!r} is not an option of {self.prog.rpartition(' ')[2]}.", hint=hint)

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
    """Run a command in a Blender that ends by itself; the exit code.

    That is 3 when the command succeeded and its output is lost, unless the reader has closed it.
    """
    with _own_output() as (output, raw):
        code = main(arguments, output)
        output.flush()
    if raw.error is None:
        return code
    reason = raw.error.strerror or raw.error
    print(f"Error: Some of the output is lost ({reason}). Free space, or send it elsewhere.", file=sys.stderr)
    return code or MachineError.exit_code


def main(arguments: list[str], output: TextIO) -> int:
    """Run a command; the exit code. Writes only to ``output`` and to standard error."""
    with_json = "--json" in arguments
    reporter: Reporter = JsonReporter(output) if with_json else PlainReporter(sys.stderr)
    try:
        with contextlib.redirect_stdout(output):  # For --help and --version.
            # Arguments after `test` are for pytest.
            ours = arguments[:1] if arguments[:1] == ["test"] else arguments
            parser = parser_of_commands(_commands_in(ours))
            if not ours:
                parser.print_help(sys.stderr)
                return InputError.exit_code
            options = parser.parse_args(ours, argparse.Namespace(pytest=arguments[1:]))
        if getattr(options, "has_reporter", False):
            reporter = _reporter(options, output)
        return _run_command(options, reporter, output)
    except PhotorealError as error:
        return _fail(reporter, error)
    except OSError as error:
        return _fail(reporter, machine_error(error))
    except MemoryError:
        return _fail(reporter, MachineError("There is not enough memory."))
    except ImportError as error:
        return _fail(reporter, _import_error(error))
    except Exception as error:
        log.exception("The command failed")
        return _fail(reporter, ProgramError(error))
    except KeyboardInterrupt:
        return _fail(reporter, StoppedByUserError())
    except SystemExit as end:  # --help and --version.
        return int(end.code or 0)


def _run_command(options: argparse.Namespace, reporter: Reporter, output: TextIO) -> int:
    from .option_values import Context
    from .service import taken_keys
    from .signing import begin_signing

    begin_signing(options)
    with taken_keys(), remembered(), tempfile.TemporaryDirectory(prefix="photoreal-") as scratch:
        context = Context(reporter=reporter, output=output, scratch=Path(scratch))
        return int(options.command(options, context))


def _import_error(error: ImportError) -> PhotorealError:
    """A package that was complete when it was installed. A module of ours that is missing is a bug."""
    log.debug("A module could not be imported", exc_info=error)
    if (error.name or "").startswith("photoreal_set"):
        return ProgramError(error)
    place = Path(sys.prefix)
    hint = f"Delete {place} and start again." if place == ENVIRONMENT else "Install it again."
    return MachineError(f"A package is missing or damaged ({error}).", hint=hint)


def _fail(reporter: Reporter, error: PhotorealError) -> int:
    """Say why the command ended. Programs get the field of the error, a user its option."""
    option = ""
    if error.field:
        from .arguments import option_of

        option = f"{option_of(error.field)}: "
    # First: it ends a bar that moves.
    reporter.detail(
        events.Finished(
            state="failed", exit=error.exit_code, set=None, error=str(error), field=error.field or None
        )
    )
    print(f"Error: {option}{error}", file=sys.stderr)
    return error.exit_code


class _SteadyOutput(io.FileIO):
    """Output that survives a closed pipe (``… | head``) or a full disk: neither may end a paid run.

    ``error`` is why some of it is lost, of which a closed pipe is none.
    """

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.error = error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


@contextlib.contextmanager
def _own_output() -> Iterator[tuple[TextIO, _SteadyOutput]]:
    """The real standard output, without what Blender prints to file descriptor 1, and the stream below it.

    ``bootstrap`` passes it in PHOTOREAL_OUTPUT when it starts a Blender.
    """
    # In Blender, Python leaves this signal as it is, and a closed pipe would end the process. Windows has no such signal.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.stdout.flush()
    handed_over = os.environ.pop("PHOTOREAL_OUTPUT", "")
    raw = _SteadyOutput(int(handed_over or os.dup(1)), "w")
    with io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace") as output:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.close(quiet)
        try:
            yield output, raw
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
    if output.isatty() and importlib.util.find_spec("rich"):
        from .terminal import TerminalReporter, can_draw, encoding_of

        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(encoding=encoding_of(os.environ), errors="replace")
        if can_draw(os.environ):
            return TerminalReporter(output)
    return PlainReporter(output)


def _commands_in(arguments: Sequence[str]) -> list[str]:
    """The command that ``arguments`` name, as a list; empty when they name none."""
    return [name for name in arguments if name in COMMANDS][:1]


def parser_of_commands(complete: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser of the command line. The commands in ``complete`` have their arguments, the others only their names."""
    parser = _Parser(prog="batch.py", description="Consistent product photos from every angle.")
    parser.add_argument("--version", action="version", version=f"Photoreal Set {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text) if text else commands.add_parser(name)
        if name in complete:
            module = importlib.import_module(f".commands.{name.replace('-', '_')}", __package__)
            module.add(command)
    return parser
