# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands. Imports Blender only for the commands that need it."""

import argparse
import contextlib
import io
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn, TextIO

from . import estimates
from .angles import ANGLES, chosen_angles
from .errors import STOPPED_EXIT_CODE, InputError, MachineError, PhotorealError
from .fal_bridge.budget import Budget, Ceilings
from .fal_bridge.cancel import IS_OVER, Fate, cancel_all
from .fal_bridge.decisions import Decision, decide
from .fal_bridge.endpoints import DEFAULT_PHOTO_ENDPOINT, DEFAULT_UPSCALE_ENDPOINT, DEFAULT_VIDEO_ENDPOINT
from .fal_bridge.errors import BadKeyError, UncertainSubmitError, UnknownEndpointError
from .fal_bridge.jobs import Kind
from .fal_bridge.journal import Journal
from .fal_bridge.own_files import fetch_picture, is_address
from .fal_bridge.places import home_folder
from .fal_bridge.platform import Platform
from .fal_bridge.prices import PriceList, look_up
from .fal_bridge.published import check_endpoints
from .fal_bridge.service import Service, key_from_environment
from .imaging.compose import Background
from .interrupts import Interrupts, Stop
from .plan import LANCZOS, MODEL_SUFFIXES, Engine, SetPlan, Source, source_from
from .plan_record import LIVE, fal_of, plan_from
from .progress import JsonReporter, PlainReporter, QuietReporter, Reporter, TerminalReporter
from .prompts import LOOKS, MOTIONS, TURNTABLE, USUAL_LOOK
from .set_folder import SetFolder, SetState, check_place
from .version import VERSION

log = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda", "optix", "hip", "metal", "oneapi")
INTERRUPTED = 130  # The exit code of Ctrl-C.
STOPPED = "Stopped; the same command goes on from here."
DAY_VARIABLE = "PHOTOREAL_MAX_COST_PER_DAY"
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
        return main(arguments, output)


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
        with tempfile.TemporaryDirectory(prefix="photoreal-") as scratch:
            options.scratch = Path(scratch)
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


class _SteadyOutput(io.FileIO):
    """Goes on without its reader: a closed pipe (``… | head``) or a full disk behind it ends no paid run."""

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
    """The real standard output for us alone: Blender prints its own chatter to file descriptor 1.

    ``tools/bootstrap.py`` hands it over in PHOTOREAL_OUTPUT when it starts a Blender.
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
    make.add_argument("--out", type=Path, required=True, metavar="DIR", help="the set folder")
    _add_product(make)
    _add_ceilings(make)
    _add_service(make)
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
    _add_ceilings(resume)
    _add_service(resume)
    _add_talk(resume)
    resume.set_defaults(command=_resume)

    cancel = commands.add_parser("cancel", help="cancel at fal.ai what a set has sent and not received")
    cancel.add_argument("folder", type=Path, metavar="DIR", help="the set folder")
    _add_service(cancel)
    _add_talk(cancel)
    cancel.set_defaults(command=_cancel)

    estimate = commands.add_parser("estimate", help="what a set would cost; spends nothing")
    estimate.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="not used")
    _add_product(estimate)
    _add_ceilings(estimate)
    _add_service(estimate)
    _add_studio(estimate)
    _add_talk(estimate)
    estimate.set_defaults(command=_estimate)

    report = commands.add_parser("report", help="rebuild the page of a set")
    report.add_argument("folder", type=Path, metavar="DIR")
    report.set_defaults(command=_report)

    test = commands.add_parser("test", help="run the tests; what follows goes to pytest")
    test.set_defaults(command=_test)
    return parser


def _add_product(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="*",
        metavar="SOURCE",
        help=".glb, .gltf or .blend, or 1-4 photos or https:// addresses",
    )
    parser.add_argument("--text", default="", help="words for the product, instead of files")
    parser.add_argument("--engine", choices=[engine.value for engine in Engine], help="who makes the photos")
    parser.add_argument("--video", choices=["cycles", "fal", "none"], help="who makes the film (as --engine)")
    parser.add_argument("--model-endpoint", default="", metavar="ID", help="fal endpoint for the 3D model")
    parser.add_argument(
        "--concept-endpoint", default="", metavar="ID", help="with --text: draw a picture first, model that"
    )
    parser.add_argument("--photo-endpoint", default=DEFAULT_PHOTO_ENDPOINT, metavar="ID")
    parser.add_argument("--video-endpoint", default=DEFAULT_VIDEO_ENDPOINT, metavar="ID")
    for kind in Kind:
        parser.add_argument(
            f"--{kind}-option",
            action="append",
            default=[],
            type=_named_value,
            metavar="NAME=VALUE",
            help=f"an input of the {kind} endpoint's own",
        )
    parser.add_argument(
        "--loop", action="store_true", help="fal: the film ends on the picture it starts from"
    )
    parser.add_argument(
        "--with-hero",
        action="store_true",
        help="fal: show the first photo to the photo model with every other angle",
    )
    parser.add_argument("--motion", choices=list(MOTIONS), default=TURNTABLE, help="what happens in the film")
    parser.add_argument("--look", choices=list(LOOKS), default=USUAL_LOOK, help="how fal shows the product")
    parser.add_argument("--seconds", type=_positive, metavar="N", help="of a film by fal")
    parser.add_argument(
        "--photo-size",
        type=_resolution,
        metavar="N",
        help="fal: enlarge photos to N pixels of the longer side",
    )
    parser.add_argument(
        "--upscale-endpoint",
        default=DEFAULT_UPSCALE_ENDPOINT,
        metavar="ID",
        help=f"what enlarges them; {LANCZOS} is free",
    )
    parser.add_argument("--prompt", default="", metavar="TEXT", help="your own words for photos and film")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument(
        "--data-uri-kb",
        type=_positive,
        default=0,
        metavar="N",
        help="send files up to N KB inside the request instead of uploading them",
    )
    parser.add_argument(
        "--keep-uploads", action="store_true", help="let fal.ai keep your pictures for more than a day"
    )
    parser.add_argument(
        "--webhook", default="", metavar="URL", help="fal.ai tells this address of each result"
    )


def _add_ceilings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-cost", type=_money, metavar="USD", help="the most that this run may spend")
    parser.add_argument(
        "--max-cost-per-day",
        type=_money,
        metavar="USD",
        help=f"the most that all runs of a day (UTC) may spend; default: {DAY_VARIABLE}",
    )
    parser.add_argument(
        "--allow-unknown-price",
        action="store_true",
        help="with --max-cost: send also what has no known price",
    )


def _add_studio(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--angles", default=",".join(ANGLES), metavar="A,B", help=f"from {', '.join(ANGLES)}")
    parser.add_argument("--resolution", type=_resolution, default=1024, metavar="N", help="pixels of a side")
    parser.add_argument(
        "--samples", type=_positive, metavar="N", help="of Cycles; chosen for quality when left out"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--background", choices=[item.value for item in Background], default="white")


def _add_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fal-url", type=_address, metavar="URL", help="an emulator of fal on this machine")
    parser.add_argument(
        "--online-mode", action="store_true", help="let fal be used in a Blender with Online Access off"
    )


def _add_talk(parser: argparse.ArgumentParser) -> None:
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--json", action="store_true", help="one JSON object a line")
    talk.add_argument("--quiet", action="store_true", help="only warnings and the end")
    parser.set_defaults(needs_reporter=True)


def _named_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars")
    return amount


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _address(text: str) -> str:
    """An empty one comes from a script's unset variable, and would quietly mean the real, paid fal.ai."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _resolution(text: str) -> int:
    side = _positive(text)
    if not LEAST_RESOLUTION <= side <= MOST_RESOLUTION:
        raise argparse.ArgumentTypeError(
            f"{side} is not between {LEAST_RESOLUTION} and {MOST_RESOLUTION} pixels"
        )
    return side


# --- commands -----------------------------------------------------------------------------------


def _set(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    check_place(options.out)
    plan = _checked(_plan(options, reporter), reporter, online_mode=options.online_mode)
    budget = _budget(plan.service, _ceilings(options))
    return _run_set(plan, reporter, _bill(options, plan, reporter, budget))


def _estimate(options: argparse.Namespace, reporter: Reporter, output: TextIO) -> int:
    plan = _checked(_plan(options, reporter), reporter, online_mode=options.online_mode)
    prices = _prices(plan, reporter)
    estimate = estimates.estimate_of(plan, prices)
    if isinstance(reporter, JsonReporter):
        for facts in estimates.events(estimate):
            reporter.tell("price", **facts)
        reporter.tell("estimate", **estimate.record(), currency="USD", age_seconds=estimate.age_seconds)
    else:
        print(estimates.table(estimate), file=output)
    budget = _budget(plan.service, _ceilings(options))
    if budget.left() is not None:  # With a ceiling: raises what `set` would raise.
        estimates.open_bill(plan, prices, budget, allows_unknown=options.allow_unknown_price)
    reporter.tell("finished", state="done", exit=0, set=None)
    return 0


def _prices(plan: SetPlan, reporter: Reporter) -> PriceList:
    """What fal.ai asks for a unit of each endpoint of the plan, asked now or remembered."""
    if plan.service is None or not plan.endpoint_ids:
        return PriceList()
    rows = [plan.endpoint(kind) for kind in plan.endpoint_ids]
    return look_up(rows, plan.service, home_folder(), lambda text: reporter.tell("warning", text=text))


def _bill(options: argparse.Namespace, plan: SetPlan, reporter: Reporter, budget: Budget) -> estimates.Bill:
    """Raises when the ceilings cannot hold what is still to be made."""
    return estimates.open_bill(
        plan, _prices(plan, reporter), budget, allows_unknown=options.allow_unknown_price
    )


def _ceilings(options: argparse.Namespace) -> Ceilings:
    """Those of this run; the set folder does not keep them."""
    day = options.max_cost_per_day
    if day is None and (text := os.environ.get(DAY_VARIABLE, "").strip()):
        try:
            day = _money(text)
        except argparse.ArgumentTypeError as error:
            raise InputError(f"{DAY_VARIABLE}: {error}.") from error
    return Ceilings(run=options.max_cost, day=day)


def _budget(service: Service | None, ceilings: Ceilings) -> Budget:
    home: Path | None = home_folder()
    try:
        home_folder().mkdir(parents=True, exist_ok=True)
    except OSError:
        if ceilings.day is not None:
            raise
        home = None  # Without a ceiling for the day nobody needs its ledger.
    account = "emulator" if service and service.is_emulator else "live"
    return Budget(ceilings, home=home, account=account)


def _plan(options: argparse.Namespace, reporter: Reporter) -> SetPlan:
    try:
        service = _service(options.fal_url)
    except BadKeyError:  # A broken key is no reason to refuse what is free.
        has_model = any(Path(text).suffix.lower() in MODEL_SUFFIXES for text in options.source)
        if options.engine != Engine.CYCLES or options.video == Engine.FAL or not has_model:
            raise
        service = None
    engine = _engine(options.engine, service, reporter)
    video = engine if options.video is None else None if options.video == "none" else Engine(options.video)
    return SetPlan(
        source=_source(options, service),
        out=options.out,
        angles=tuple(chosen_angles(options.angles)),
        engine=engine,
        video=video,
        resolution=options.resolution,
        samples=options.samples,
        device=options.device,
        background=Background(options.background),
        model_endpoint=options.model_endpoint,
        concept_endpoint=options.concept_endpoint,
        photo_endpoint=options.photo_endpoint,
        video_endpoint=options.video_endpoint,
        option_texts={kind: dict(getattr(options, f"{kind}_option")) for kind in Kind},
        with_hero=options.with_hero,
        motion=options.motion,
        look=options.look,
        seconds=options.seconds,
        loop=options.loop,
        photo_size=options.photo_size,
        upscale_endpoint=options.upscale_endpoint,
        prompt=options.prompt,
        seed=options.seed,
        keep_uploads=options.keep_uploads,
        webhook=options.webhook,
        service=service,
        inline_bytes=options.data_uri_kb * 1024,
    )


def _resume(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    folder = SetFolder.open(options.folder)
    plan = plan_from(folder, _service_of(folder, options.fal_url))
    try:
        plan = _checked(plan, reporter, online_mode=options.online_mode)
    except UnknownEndpointError as error:  # What it has made is fetched; for more of it there is no price.
        reporter.tell("warning", text=error.message)
        plan.check()
    budget = _budget(plan.service, _ceilings(options))
    journal = Journal(folder.journal)
    for decision, keys in ((Decision.RESEND, options.resend), (Decision.FORGET, options.forget)):
        for key in keys:
            reporter.tell("note", text=decide(journal, key, decision, budget))
    return _run_set(plan, reporter, _bill(options, plan, reporter, budget))


def _cancel(options: argparse.Namespace, reporter: Reporter, _output: TextIO) -> int:
    folder = SetFolder.open(options.folder)
    service = _service_of(folder, options.fal_url)
    if service is None:
        raise InputError(f"{folder.root} has nothing at fal.ai, or no key is set.", hint="Set FAL_KEY.")
    _require_online(options.online_mode)
    results = cancel_all(service, Journal(folder.journal), budget=_budget(service, Ceilings()))
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


def _service_of(folder: SetFolder, fal_url: str | None) -> Service | None:
    """The service that the set was planned with: who is paid never changes between runs."""
    fal = fal_of(folder)
    if fal_url and fal in ("", LIVE):
        raise InputError("This set was not made with an emulator.", hint="Leave --fal-url out.")
    if not fal:
        return None
    return _service(fal_url or ("" if fal == LIVE else fal))


def _source(options: argparse.Namespace, service: Service | None) -> Source:
    """What the arguments name; photos with an address of their own are fetched to be looked at and kept."""
    paths, addresses = [], {}
    for text in options.source:
        path = Path(text)
        if is_address(text):
            if service is None:
                raise InputError(
                    "Photos need fal.ai, and no key is set.", hint="Set FAL_KEY or FAL_KEY_FILE."
                )
            path = fetch_picture(text, options.scratch, service)
            addresses[path] = text
        paths.append(path)
    return replace(source_from(paths, options.text), addresses=addresses)


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
        return _run_set(_checked(plan, reporter, online_mode=False), reporter, None)
    finally:
        model.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            model.parent.rmdir()


def _run_set(plan: SetPlan, reporter: Reporter, bill: estimates.Bill | None) -> int:
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
        outcome = run_set(plan, reporter, bill, stop)
    tell_end(outcome.state, outcome.exit_code)
    return outcome.exit_code


def _checked(plan: SetPlan, reporter: Reporter, *, online_mode: bool) -> SetPlan:
    """The plan with all its endpoints understood. Raises what could only fail later, when money is spent."""
    if plan.uses_fal:
        _require_online(online_mode)
    if plan.service is not None and plan.endpoint_ids:
        with Platform(plan.service) as platform:
            known = check_endpoints(
                plan.endpoint_ids, platform, lambda text: reporter.tell("warning", text=text)
            )
        plan = replace(plan, endpoints=known)
    plan.check()
    return plan


def _service(fal_url: str | None) -> Service | None:
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
