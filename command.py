# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed command line: ``blender --command photoreal_set COMMAND …``."""

from typing import Any

import bpy

NAME = "photoreal_set"

_handle: Any = None


def attach() -> None:
    global _handle
    _handle = bpy.utils.register_cli_command(NAME, _run)


def detach() -> None:
    bpy.utils.unregister_cli_command(_handle)


def _run(arguments: list[str]) -> int:
    from .tools import bootstrap

    if missing := bootstrap.use_package_folders():
        bootstrap.say(bootstrap.missing_packages_sentence(missing))
        return 3
    from . import cli

    return cli.run_in_blender(arguments)
