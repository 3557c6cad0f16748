# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables that hold a key of fal.ai, and which commands may need it.

A process that only renders opens files from other people, so it gets no key. Standard library only and no imports from
the product: ``command_line/bootstrap.py`` loads this file by its path, before any package is installed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

# The first two are ours; fal.ai's own client also knows the others.
KEY_VARIABLES = ("FAL_KEY", "FAL_KEY_FILE", "FAL_KEY_ID", "FAL_KEY_SECRET")
FREE_COMMANDS = {"demo", "report", "test", "render-worker", "compile-kernels"}
MODEL_SUFFIXES = (".glb", ".gltf", ".blend")
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif")
MAX_MANIFEST_BYTES = 1 << 26


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without any key, for a process that does not need one."""
    return {name: value for name, value in environ.items() if name not in KEY_VARIABLES}


def may_need_key(arguments: Sequence[str]) -> bool:
    """Whether a command line of ours may ask fal.ai. True when the arguments alone do not tell."""
    command, rest = (arguments[0] if arguments else ""), list(arguments[1:])
    if command in FREE_COMMANDS or not command or command.startswith("-"):
        return False
    if command == "doctor":  # It reports whether there is a key.
        return True
    if _values(rest, "--fal-url"):  # The key is never sent to an emulator.
        return False
    if command in ("set", "estimate"):
        return not _is_by_cycles(rest)
    if command == "resume":
        return _values(rest, "--stage")[-1:] != ["render"] and not _is_free_set(rest)
    return True


def _is_by_cycles(arguments: Sequence[str]) -> bool:
    """Whether the arguments of ``set`` name a 3D file and ask for nothing from fal.ai."""
    if _values(arguments, "--engine")[-1:] != ["cycles"] or _values(arguments, "--text"):
        return False
    if _values(arguments, "--video")[-1:] == ["fal"]:
        return False
    folders = _values(arguments, "--out")
    others = [argument.lower() for argument in arguments if argument not in folders]
    has_photos = any(
        argument.endswith(PHOTO_SUFFIXES) or argument.startswith(("http:", "https:")) for argument in others
    )
    return any(argument.endswith(MODEL_SUFFIXES) for argument in others) and not has_photos


def _is_free_set(arguments: Sequence[str]) -> bool:
    """Whether the arguments of ``resume`` name one set folder that was planned without fal.ai, or with an emulator."""
    try:
        manifests = [path for argument in arguments if (path := Path(argument, "set.json")).is_file()]
        if len(manifests) != 1 or manifests[0].stat().st_size > MAX_MANIFEST_BYTES:
            return False
        fal = json.loads(manifests[0].read_bytes())["plan"].get("fal", "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return not fal or str(fal).startswith("http://")


def _values(arguments: Sequence[str], option: str) -> list[str]:
    """The values of an option, one for each time it is given."""
    values = [argument.partition("=")[2] for argument in arguments if argument.startswith(f"{option}=")]
    places = [place for place, argument in enumerate(arguments[:-1]) if argument == option]
    return [*values, *(arguments[place + 1] for place in places)]
