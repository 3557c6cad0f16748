# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender that this process is, and the command that starts a script in another one.

Standard library only, and no other module of the package: ``command_line/bootstrap.py`` loads this file by its path.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

BATCH = Path(__file__).resolve().parents[1] / "batch.py"


def running_blender() -> str:
    """The path of the Blender program that runs this code; "" in the ``bpy`` module and in plain Python."""
    bpy = sys.modules.get("bpy")
    return str(getattr(getattr(bpy, "app", None), "binary_path", ""))


def in_blender_program() -> bool:
    """True in the Blender program, False in the ``bpy`` module and in plain Python."""
    return bool(running_blender())


def background_command(
    script: Path, arguments: Sequence[str] = (), *, blender: str, options: Sequence[str] = ()
) -> list[str]:
    """The command that runs ``script`` in ``blender`` without a window, or in this Python when that is "".

    ``options`` are those of Blender itself. An exception in the script ends Blender with exit code 3.
    """
    if not blender:
        return [sys.executable, str(script), *arguments]
    return [
        *(blender, "-b", *options, "--python-exit-code", "3", "--python", str(script)),
        *("--", *arguments),
    ]


def factory_settings(*, online: bool) -> tuple[str, ...]:
    """Options of a Blender with factory settings, which turn Online Access off: ``online`` is the user's choice."""
    return ("--factory-startup", "--online-mode" if online else "--offline-mode")
