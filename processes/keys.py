# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables that hold a key of fal.ai, and which commands may need it.

A process that only renders opens files from other people, so it gets no key. Standard library only and no imports of
our own: ``command_line/bootstrap.py`` loads this file by its path, before anything else is there.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

# The first two are ours; fal.ai's own client also knows the others.
KEY_VARIABLES = ("FAL_KEY", "FAL_KEY_FILE", "FAL_KEY_ID", "FAL_KEY_SECRET")
FREE_COMMANDS = {"demo", "report", "test", "render-worker"}
MODEL_SUFFIXES = (".glb", ".gltf", ".blend")
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAX_MANIFEST_BYTES = 1 << 26


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without any key, for a process that does not need one."""
    return {name: value for name, value in environ.items() if name not in KEY_VARIABLES}


def may_need_key(arguments: Sequence[str]) -> bool:
    """May a command line of ours ask fal.ai? True as well where that cannot be told from the words alone."""
    command, words = (arguments[0] if arguments else ""), list(arguments[1:])
    if command in FREE_COMMANDS or not command or command.startswith("-"):
        return False
    if command == "doctor":  # It says whether there is a key.
        return True
    if _values(words, "--fal-url"):  # An emulator, which is never sent the key.
        return False
    if command in ("set", "estimate"):
        return not _is_by_cycles(words)
    if command == "resume":
        return _values(words, "--stage")[-1:] != ["render"] and not _is_free_set(words)
    return True


def _is_by_cycles(words: Sequence[str]) -> bool:
    """Do the words of ``set`` name a 3D file, and nothing that is made by fal.ai?"""
    names = {word.partition("=")[0] for word in words if word.startswith("--") and word != "--"}
    for option in ("--engine", "--video", "--text"):
        if any(option.startswith(name) and name != option for name in names):
            return False  # Shortened, which argparse allows.
    if _values(words, "--engine")[-1:] != ["cycles"] or "--text" in names:
        return False
    if _values(words, "--video")[-1:] == ["fal"]:
        return False
    folders = _values(words, "--out")
    others = [word.lower() for word in words if word not in folders]
    has_photos = any(word.endswith(PHOTO_SUFFIXES) or word.startswith(("http:", "https:")) for word in others)
    return any(word.endswith(MODEL_SUFFIXES) for word in others) and not has_photos


def _is_free_set(words: Sequence[str]) -> bool:
    """Do the words of ``resume`` name the folder of one set that was planned without fal.ai, or with an emulator?"""
    try:
        manifests = [path for word in words if (path := Path(word, "set.json")).is_file()]
        if len(manifests) != 1 or manifests[0].stat().st_size > MAX_MANIFEST_BYTES:
            return False
        fal = json.loads(manifests[0].read_bytes())["plan"].get("fal", "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return not fal or str(fal).startswith("http://")


def _values(words: Sequence[str], option: str) -> list[str]:
    """What stands behind an option, each time that it is given."""
    values = [word.partition("=")[2] for word in words if word.startswith(f"{option}=")]
    places = [place for place, word in enumerate(words[:-1]) if word == option]
    return [*values, *(words[place + 1] for place in places)]
