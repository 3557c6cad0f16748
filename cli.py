# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands. Imports Blender only for the commands that need it."""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TextIO

from .angles import ANGLES, chosen_angles
from .errors import STOPPED_EXIT_CODE, InputError, MachineError, PhotorealError
from .fal_bridge.cancel import IS_OVER, Fate, cancel_all
from .fal_bridge.decisions import Decision, decide
from .fal_bridge.endpoints import DEFAULT_PHOTO_ENDPOINT, DEFAULT_VIDEO_ENDPOINT
from .fal_bridge.errors import UncertainSubmitError
from .fal_bridge.journal import Journal
from .fal_bridge.service import Service, key_from_environment
from .imaging.compose import Background
from .interrupts import Interrupts, Stop
from .plan import Engine, SetPlan, source_from
from .plan_record import LIVE, fal_of, plan_from
from .progress import JsonReporter, PlainReporter, QuietReporter, Reporter, TerminalReporter
from .set_folder import SetFolder, SetState
from .version import VERSION

log = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda", "optix", "hip", "metal", "oneapi")
INTERRUPTED = 130  # The exit code of Ctrl-C.
INTERRUPT_GRACE = 2.0  # Seconds for Python to stop in good order.
STOPPED = "Stopped; the same command goes on from here."
LEAST_RESOLUTION, MOST_RESOLUTION = 64, 8192


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}.", hint=f"See {self.prog} --help.")


def run(arguments: list[str]) -> NoReturn:
    """Do what the arguments say, and end the process with its exit code."""
    code = run_in_blender(arguments)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules and not _in_blender_program():
        os._exit(code)  # The bpy module prints of its memory, or crashes, when Python takes it down.
    sys.exit(code)


def run_in_blender(arguments: list[str]) -> int:
    """Do what the arguments say and give the exit code to a Blender that ends by itself."""
    with _own_output() as output:
        _end_on_interrupt(output, with_json="--json" in arguments)
        return main(arguments, output)


def _end_on_interrupt(output: TextIO, *, with_json: bool) -> None:
    """Let Ctrl-C end the run in the middle of a render too, where Python's KeyboardInterrupt waits.

    Python's own handler replaces that of a Blender program, which makes it look like a failed render.
    Nothing is lost: what is on disk is valid at every moment.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    reading, writing = os.pipe()
    if os.name != "nt":  # Windows asks for no such thing, and its Python 3.11 has none.
        os.set_blocking(writing, False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def watch() -> None:
        while os.read(reading, 1) != bytes((signal.SIGINT,)):
            pass
        time.sleep(INTERRUPT_GRACE)
        os._exit(_fail(JsonReporter(output) if with_json else None, STOPPED, INTERRUPTED))

    threading.Thread(target=watch, name="interrupt", daemon=True).start()


def main(arguments: list[str], output: TextIO) -> int:
    """Do what the arguments say; the exit code. Only ``output`` is written to, and stderr."""
    with_json = "--json" in arguments
    reporter: Reporter = JsonReporter(output) if with_json else PlainReporter(sys.stderr)
    try:
        with contextlib.redirect_stdout(output):  # For --help and --version.
            # What follows `test` is pytest's, whatever it looks like.
            ours = arguments[:1] if arguments[:1] == ["test"] else arguments
            options = _parser().parse_args(ours, argparse.Namespace(pytest=arguments[1:]))
        if getattr(options, "needs_reporter", False):
            reporter = _reporter(options, output)
        return int(options.command(options, reporter, output))
    except PhotorealError as error:
        return _fail(reporter if with_json else None, str(error), error.exit_code)
    except OSError as error:
        sentence = f"{error.strerror or error}: {error.filename or 'no file named'}. Free space or fix the rights, then run again."
        return _fail(reporter if with_json else None, sentence, MachineError.exit_code)
    except MemoryError:
        return _fail(reporter if with_json else None, "The memory is full.", MachineError.exit_code)
    except KeyboardInterrupt:
        return _fail(reporter if with_json else None, STOPPED, INTERRUPTED)
    except SystemExit as end:  # --help and --version.
        return int(end.code or 0)


def _fail(reporter: Reporter | None, sentence: str, code: int) -> int:
    print(f"Error: {sentence}", file=sys.stderr)
    if isinstance(reporter, JsonReporter):
        reporter.tell("finished", state="failed", exit=code, set=None, error=sentence)
    return code


@contextlib.contextmanager
def _own_output() -> Iterator[TextIO]:
    """The real standard output for us alone: Blender prints its own chatter to file descriptor 1.

    ``tools/bootstrap.py`` hands it over in PHOTOREAL_OUTPUT when it starts a Blender.
    """
    sys.stdout.flush()
    handed_over = os.environ.pop("PHOTOREAL_OUTPUT", "")
    with os.fdopen(int(handed_over or os.dup(1)), "w", encoding="utf-8", errors="replace") as output:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.close(quiet)
        try:
            yield output
        finally:
            output.flush()
            sys.stdout.flush()
            if not _in_blender_program():  # Its farewell would follow our last line.
                os.dup2(output.fileno(), 1)


def _in_blender_program() -> bool:
    """True in the Blender program, False in the bpy module and in plain Python."""
    bpy = sys.modules.get("bpy")
    return bpy is not None and bool(bpy.app.binary_path)


def _reporter(options: argparse.Namespace, output: TextIO) -> Reporter:
    if options.json:
        return JsonReporter(output)
    if options.quiet:
        return QuietReporter(output)
    return TerminalReporter(output) if output.isatty() else PlainReporter(output)


# --- arguments ----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="batch.py", description="Photographs of one product that show the same product.")
    parser.add_argument("--version", action="version", version=f"Photoreal Set {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)

    demo = commands.add_parser("demo", help="make a set of the bundled sample product, free")
    demo.add_argument("--out", type=Path, default=Path("photoreal-demo"), metavar="DIR")
    _add_studio(demo)
    _add_talk(demo)
    demo.set_defaults(command=_demo)

    make = commands.add_parser("set", help="make the set of one product")
    make.add_argument(
        "source", nargs="*", type=Path, metavar="SOURCE", help=".glb, .gltf or .blend, or 1-4 photos"
    )
    make.add_argument("--text", default="", help="words for the product, instead of files")
    make.add_argument("--out", type=Path, required=True, metavar="DIR", help="the set folder")
    make.add_argument("--engine", choices=[engine.value for engine in Engine], help="who makes the photos")
    make.add_argument("--video", choices=["cycles", "fal", "none"], help="who makes the film (as --engine)")
    make.add_argument("--model-endpoint", default="", metavar="ID", help="fal endpoint for the 3D model")
    make.add_argument("--photo-endpoint", default=DEFAULT_PHOTO_ENDPOINT, metavar="ID")
    make.add_argument("--video-endpoint", default=DEFAULT_VIDEO_ENDPOINT, metavar="ID")
    make.add_argument("--prompt", default="", metavar="TEXT", help="your own words for photos and film")
    make.add_argument("--seed", type=int, metavar="N")
    make.add_argument(
        "--keep-uploads", action="store_true", help="let fal.ai keep your pictures for more than a day"
    )
    make.add_argument("--webhook", default="", metavar="URL", help="fal.ai tells this address of each result")
    _add_online(make)
    make.add_argument("--fal-url", default="", metavar="URL", help="an emulator of fal on this machine")
    _add_studio(make)
    _add_talk(make)
    make.set_defaults(command=_set)

    resume = commands.add_parser("resume", help="continue a set; nothing is paid twice")
    resume.add_argument("folder", type=Path, metavar="DIR", help="the set folder")
    resume.add_argument(
        "--resend", action="append", default=[], metavar="KEY", help="send this uncertain request once more"
    )
    resume.add_argument(
        "--forget", action="append", default=[], metavar="KEY", help="do without this uncertain request"
    )
    resume.add_argument("--fal-url", default="", metavar="URL", help="where the set's emulator is now")
    _add_online(resume)
    _add_talk(resume)
    resume.set_defaults(command=_resume)

    cancel = commands.add_parser("cancel", help="cancel at fal.ai what a set has sent and not received")
    cancel.add_argument("folder", type=Path, metavar="DIR", help="the set folder")
    cancel.add_argument("--fal-url", default="", metavar="URL", help="where the set's emulator is now")
    _add_online(cancel)
    _add_talk(cancel)
    cancel.set_defaults(command=_cancel)

    report = commands.add_parser("report", help="rebuild the page of a set")
    report.add_argument("folder", type=Path, metavar="DIR")
    report.set_defaults(command=_report)

    test = commands.add_parser("test", help="run the tests; what follows goes to pytest")
    test.set_defaults(command=_test)
    return parser


def _add_online(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--online-mode", action="store_true", help="let fal be used in a Blender with Online Access off"
    )


def _add_studio(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--angles", default=",".join(ANGLES), metavar="A,B", help=f"from {', '.join(ANGLES)}")
    parser.add_argument("--resolution", type=_resolution, default=1024, metavar="N", help="pixels of a side")
    parser.add_argument(
        "--samples", type=_positive, metavar="N", help="of Cycles; chosen for quality when left out"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--background", choices=[item.value for item in Background], default="white")


def _add_talk(parser: argparse.ArgumentParser) -> None:
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--json", action="store_true", help="one JSON object a line")
    talk.add_argument("--quiet", action="store_true", help="only warnings and the end")
    parser.set_defaults(needs_reporter=True)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _resolution(text: str) -> int:
    side = _positive(text)
    if not LEAST_RESOLUTION <= side <= MOST_RESOLUTION:
        raise argparse.ArgumentTypeError(
            f"{side} is not between {LEAST_RESOLUTION} and {MOST_RESOLUTION} pixels"
        )
    return side


# --- commands -----------------------------------------------------------------------------------


def _set(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    service = _service(options.fal_url)
    engine = _engine(options.engine, service, reporter)
    video = engine if options.video is None else None if options.video == "none" else Engine(options.video)
    plan = SetPlan(
        source=source_from(options.source, options.text),
        out=options.out,
        angles=tuple(chosen_angles(options.angles)),
        engine=engine,
        video=video,
        resolution=options.resolution,
        samples=options.samples,
        device=options.device,
        background=Background(options.background),
        model_endpoint=options.model_endpoint,
        photo_endpoint=options.photo_endpoint,
        video_endpoint=options.video_endpoint,
        prompt=options.prompt,
        seed=options.seed,
        keep_uploads=options.keep_uploads,
        webhook=options.webhook,
        service=service,
    )
    if plan.uses_fal:
        _require_online(options.online_mode)
    return _run_set(plan, reporter)


def _resume(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    folder = SetFolder.open(options.folder)
    plan = plan_from(folder, _service_of(folder, options.fal_url))
    plan.check()
    journal = Journal(folder.journal)
    for decision, keys in ((Decision.RESEND, options.resend), (Decision.FORGET, options.forget)):
        for key in keys:
            reporter.tell("note", text=decide(journal, key, decision))
    if plan.uses_fal:
        _require_online(options.online_mode)
    return _run_set(plan, reporter)


def _cancel(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    folder = SetFolder.open(options.folder)
    service = _service_of(folder, options.fal_url)
    if service is None:
        raise InputError(f"{folder.root} has nothing at fal.ai, or no key is set.", hint="Set FAL_KEY.")
    _require_online(options.online_mode)
    results = cancel_all(service, Journal(folder.journal))
    for result in results:
        reporter.tell(
            "note", text=result.sentence, request_id=result.request_id, key=result.key, fate=result.fate.value
        )
    if not results:
        reporter.tell("note", text="Nothing is left at fal.ai that could be cancelled.")
    fates = {result.fate for result in results}
    code = UncertainSubmitError.exit_code if Fate.UNCERTAIN in fates else 0
    if fates - IS_OVER - {Fate.UNCERTAIN}:
        code = PhotorealError.exit_code
    state = folder.record["state"]
    reporter.tell("finished", state=state, exit=code, set=str(folder.root))
    return code


def _service_of(folder: SetFolder, fal_url: str) -> Service | None:
    """The service that the set was planned with: who is paid never changes between runs."""
    fal = fal_of(folder)
    if fal_url and fal in ("", LIVE):
        raise InputError("This set was not made with an emulator.", hint="Leave --fal-url out.")
    if not fal:
        return None
    return _service(fal_url or ("" if fal == LIVE else fal))


def _demo(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    from .studio.sample import build_sample

    model = options.out.parent / f".{options.out.name}-sample" / "storage-jar.glb"
    try:
        build_sample(model)
        plan = SetPlan(
            source=source_from([model], ""),
            out=options.out,
            angles=tuple(chosen_angles(options.angles)),
            resolution=options.resolution,
            samples=options.samples,
            device=options.device,
            background=Background(options.background),
        )
        return _run_set(plan, reporter)
    finally:
        model.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            model.parent.rmdir()


def _run_set(plan: SetPlan, reporter: Reporter) -> int:
    plan.check()
    from .pipeline import run_set

    stop = Stop()

    def tell_end(state: SetState, code: int) -> None:
        reporter.tell("finished", state=state.value, exit=code, set=str(plan.out.absolute()))

    def on_ask() -> None:
        reporter.tell(
            "note",
            text="Stopping: nothing more is sent, what is paid is finished. Ctrl-C again leaves at once.",
        )

    def on_leave() -> None:
        reporter.tell("note", text=f"Left. `resume {plan.out}` goes on; nothing is paid twice.")
        tell_end(SetState.PARTIAL, STOPPED_EXIT_CODE)
        logging.shutdown()

    with Interrupts(stop, on_ask, on_leave):
        outcome = run_set(plan, reporter, stop)
    tell_end(outcome.state, outcome.exit_code)
    return outcome.exit_code


def _service(fal_url: str) -> Service | None:
    """Where fal is, when a key or an emulator is configured."""
    if fal_url:
        return Service.emulator(fal_url)
    key = key_from_environment(os.environ)
    return Service.live(key) if key else None


def _engine(wanted: str | None, service: Service | None, reporter: Reporter) -> Engine:
    if wanted:
        return Engine(wanted)
    if service is not None:
        reporter.tell("note", text="Photos by fal, because a key is configured (--engine cycles is free).")
        return Engine.FAL
    reporter.tell("note", text="Photos by Cycles, free, because no fal key is configured.")
    return Engine.CYCLES


def _require_online(online_mode: bool) -> None:
    """Raises InputError in a Blender whose user has not allowed Online Access.

    ``online_mode`` allows it for this run, unless Blender itself was started with --offline-mode.
    """
    if not _in_blender_program():
        return
    import bpy

    if bpy.app.online_access:
        return
    if bpy.app.online_access_override:
        raise InputError("Blender was started with --offline-mode, and fal.ai is online.")
    if not online_mode:
        raise InputError(
            "This Blender has Online Access off, and fal.ai is online.",
            hint="Add --online-mode, or allow Online Access in its System preferences.",
        )


def _report(options: argparse.Namespace, _reporter: Reporter, output: TextIO) -> int:
    from .imaging.report import build_report

    folder = SetFolder.open(options.folder)
    folder.write_report(build_report(folder.record))
    print(folder.report, file=output)
    return 0 if folder.record["state"] == SetState.DONE else PhotorealError.exit_code


def _test(options: argparse.Namespace, _reporter: Reporter, output: TextIO) -> int:
    import pytest

    root = Path(__file__).resolve().parent
    os.chdir(root)
    with contextlib.redirect_stdout(output):
        os.dup2(output.fileno(), 1)  # Tests start children, whose words belong to the report.
        # Fast tests first, unless some are named.
        named = any(Path(argument.split("::")[0]).exists() for argument in options.pytest)
        paths = [] if named else ["tests/unit", "tests/blender"]
        return int(pytest.main(["-c", "tests/pytest.ini", "--rootdir", "tests", *options.pytest, *paths]))
