# SPDX-License-Identifier: GPL-3.0-or-later
"""Photoreal Set from a terminal: ``python3 batch.py COMMAND …`` or ``blender -b --python batch.py -- COMMAND …``."""

import importlib.util
import itertools
import sys
import traceback
from pathlib import Path


def _bootstrap():
    path = Path(__file__).resolve().parent / "command_line" / "bootstrap.py"
    spec = importlib.util.spec_from_file_location("photoreal_bootstrap", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _arguments(inside_blender: bool) -> list[str]:
    if not inside_blender:
        return sys.argv[1:]
    return sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []


def _needs_blender(arguments: list[str]) -> bool:
    """The cloud stage of a catalogue runs on machines without one."""
    words = " ".join(arguments).replace("=", " ").split(" ")
    return ("--stage", "cloud") not in itertools.pairwise(words)


def _needs_packages(arguments: list[str]) -> bool:
    """The list of commands and the version need none, and are not worth an installation."""
    is_answered_alone = arguments[:1] in ([], ["-h"], ["--help"], ["--version"])
    return not is_answered_alone or sys.version_info < (3, 11)


def main() -> None:
    bootstrap = _bootstrap()
    inside_blender = bootstrap.blender_program.in_blender_program()
    arguments = _arguments(inside_blender)
    if not _needs_packages(arguments):
        pass
    elif inside_blender:
        if missing := bootstrap.use_package_folders():
            bootstrap.say(bootstrap.missing_packages_sentence(missing))
            sys.exit(3)
    else:
        has_dropped_keys = bootstrap.drop_unneeded_keys(arguments)
        wants_tests = arguments[:1] == ["test"]
        blender = ("bpy",) if _needs_blender(arguments) else ()
        wanted = (*blender, *bootstrap.PACKAGES, *(("pytest", "aiohttp", "av") if wants_tests else ()))
        if any(importlib.util.find_spec(name) is None for name in wanted):
            try:
                command = None if wants_tests else bootstrap.blender_command(arguments)
            except bootstrap.BootstrapError as error:
                bootstrap.say(str(error))
                sys.exit(3)
            if command:
                bootstrap.say(f"Using {command[0]}")
                bootstrap.start_blender(command)
            bootstrap.reexec_in_environment(dev=wants_tests)
        if has_dropped_keys:
            bootstrap.start_again()
    bootstrap.load_package()
    try:
        from photoreal_set.command_line.main import run

        run(arguments)
    except Exception:  # noqa: BLE001
        # A bug is not bad input, and Blender would exit with 0.
        traceback.print_exc()
        sys.exit(3)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # While it is still being loaded.
        print("Error: Stopped. Run the same command again to continue.", file=sys.stderr)
        sys.exit(130)
