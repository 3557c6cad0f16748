# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed command line: ``blender --command photoreal_set COMMAND …``."""

from typing import Any

import bpy

NAME = "photoreal_set"

_handle: Any = None  # What Blender gives for unregistering.


def attach() -> None:
    global _handle
    _handle = bpy.utils.register_cli_command(NAME, _run)  # type: ignore[func-returns-value]  # The stubs do not know the handle.


def detach() -> None:
    bpy.utils.unregister_cli_command(_handle)


def _run(arguments: list[str]) -> int:
    from ..command_line import bootstrap  # noqa: PLC0415  A window does not need it.

    if missing := bootstrap.use_package_folders():
        bootstrap.say(bootstrap.missing_packages_sentence(missing))
        return 3
    from ..command_line.main import run_in_blender  # noqa: PLC0415

    return run_in_blender(arguments)
