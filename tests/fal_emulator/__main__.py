# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the emulator by hand: ``python -m tests.fal_emulator --port 8123``."""

import argparse
import asyncio
import importlib.util
import json
import sys
from collections.abc import Sequence

if not all(map(importlib.util.find_spec, ("aiohttp", "av", "jsonschema", "numpy", "PIL"))):
    from command_line.bootstrap import reexec_in_environment

    reexec_in_environment(dev=True)

from . import CONTROL_HELP
from .faults import FaultError, fault_help, parse_fault
from .schemas import Json
from .server import serve
from .state import DELAY_KINDS


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m tests.fal_emulator",
        description="A server on 127.0.0.1 with the HTTP protocol of fal.ai. Any ID:SECRET is accepted as a key.",
        epilog=f"{CONTROL_HELP}\nFaults (NAME or NAME:key=value,key=value; besides their own parameters all"
        f" take endpoint=GLOB, rate=0..1, nth=1+3, count=N, and most take at=POINT):\n{fault_help()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--port", type=int, default=0, help="0, the default, uses a free port")
    result.add_argument(
        "--delay",
        action="append",
        default=[],
        metavar="KIND=SECONDS",
        help=f"how long jobs take; kinds: {', '.join(DELAY_KINDS)}, or all; can be given several times",
    )
    result.add_argument("--fault", action="append", default=[], metavar="FAULT", help="see below")
    result.add_argument(
        "--concurrency", type=int, default=None, help="maximum number of running jobs; default: no limit"
    )
    result.add_argument("--control", default="{}", metavar="JSON", help="a control message to begin with")
    return result


def message_of(arguments: argparse.Namespace) -> Json:
    """The control message for the arguments."""
    message: Json = json.loads(arguments.control)
    if arguments.delay:
        message["delays"] = message.get("delays", {}) | delays_of(arguments.delay)
    if arguments.fault:
        specs = [parse_fault(text).described() for text in arguments.fault]
        for spec in specs:
            del spec["seen"], spec["applied"]
        message["faults"] = message.get("faults", []) + specs
    if arguments.concurrency is not None:
        message["concurrency"] = arguments.concurrency
    return message


def delays_of(texts: Sequence[str]) -> dict[str, float]:
    delays: dict[str, float] = {}
    for text in texts:
        kind, equals, seconds = text.partition("=")
        if not equals or kind not in (*DELAY_KINDS, "all"):
            raise ValueError(
                f"--delay {text}: not KIND=SECONDS with a kind of {', '.join(DELAY_KINDS)} or all"
            )
        delays |= dict.fromkeys(DELAY_KINDS if kind == "all" else (kind,), float(seconds))
    return delays


def announce(url: str) -> None:
    sys.stdout.write(f"fal emulator listening on {url}\n")
    sys.stdout.flush()


def main() -> int:
    arguments = parser().parse_args()
    try:
        message = message_of(arguments)
    except (FaultError, ValueError) as error:
        parser().error(str(error))
    try:
        asyncio.run(serve(arguments.port, message, announce))
    except OSError as error:
        sys.stderr.write(f"Port {arguments.port} cannot be used: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
